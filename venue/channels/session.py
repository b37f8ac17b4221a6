"""What every websocket session has: subscriptions, and an answer to each text it receives."""

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
    """Tells the server to close the connection."""

    code: int
    reason: str


Reply = str | Close

_GOING_AWAY = 1001
_CLOSES = {
    FaultKind.DROP: (Close(_GOING_AWAY, "dropped on demand"),),
    FaultKind.OFF: (Close(_GOING_AWAY, "switched off"),),
}
"""Faults that close every open connection of a channel."""


class Session(Protocol):
    """One client's side of a channel."""

    keys: set[str]
    """The session receives frames that carry any of these keys."""

    def receive(self, text: str) -> Sequence[Reply]:
        """Handle one text from the client; return the replies in order."""
        ...

    def carry(self, frame: Frame) -> Sequence[Reply]:
        """Return what the client is sent for a frame it subscribed to; usually the frame itself."""
        return (frame.text,)

    def is_pong(self, reply: str) -> bool:
        """Whether a reply answers a ping, which even a stalled connection sends."""
        return reply == "PONG"

    def apply_fault(self, kind: FaultKind, _count: int) -> Sequence[Reply]:
        """Apply a fault to this connection; return what it makes the server send."""
        return _CLOSES.get(kind, ())
