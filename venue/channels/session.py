"""What every websocket session is: subscriptions, and an answer to each text it receives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

POLICY_VIOLATION = 1008
"""Websocket close code for a client that breaks the protocol (RFC 6455)."""


@attrs.frozen
class Close:
    """The server ends the connection."""

    code: int
    reason: str


Reply = str | Close


class Session(Protocol):
    """One client's side of a channel."""

    keys: set[str]
    """It receives the frames that carry one of these."""

    def receive(self, text: str) -> Sequence[Reply]:
        """Take one text of the client; return what it is answered with, in order."""
        ...
