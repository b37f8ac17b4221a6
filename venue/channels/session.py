"""What every websocket session is: subscriptions, and an answer to each text it receives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from venue.faults import FaultKind
from venue.frames import Frame

POLICY_VIOLATION = 1008
"""Websocket close code for a client that breaks the protocol (RFC 6455)."""


@attrs.frozen
class Close:
    """The server ends the connection."""

    code: int
    reason: str


Reply = str | Close

_GOING_AWAY = 1001
_CLOSES = {
    FaultKind.DROP: (Close(_GOING_AWAY, "dropped on demand"),),
    FaultKind.OFF: (Close(_GOING_AWAY, "switched off"),),
}
"""Faults that end every open connection of a channel."""


class Session(Protocol):
    """One client's side of a channel."""

    keys: set[str]
    """It receives the frames that carry one of these."""

    def receive(self, text: str) -> Sequence[Reply]:
        """Take one text of the client; return what it is answered with, in order."""
        ...

    def carry(self, frame: Frame) -> Sequence[Reply]:
        """Make of a frame that the client subscribed to what it is sent; usually just that."""
        return (frame.text,)

    def is_pong(self, reply: str) -> bool:
        """Whether a reply answers a ping, which even a stalled connection does."""
        return reply == "PONG"

    def suffer(self, kind: FaultKind, _count: int) -> Sequence[Reply]:
        """Let a fault befall this connection; return what it makes the server send."""
        return _CLOSES.get(kind, ())
