"""Messages about what the ports received: from processes to the recorder, and to its own port."""

from __future__ import annotations

import attrs

from actors.messages.directory import MarketResolved
from actors.model import Market, Strike

Arrival = tuple[bytes, int]
"""A frame, and host monotonic ns at its arrival; a plain tuple, as there are thousands a second."""


@attrs.frozen
class CapturedFrames:
    """Frames of one connection, in order."""

    channel: str
    """``market``, ``reference``, ``rtds``, ``polybolt`` or ``user``."""
    connection: str
    """Distinguishes the connections of a channel."""
    frames: tuple[Arrival, ...]
    is_redacted: bool = False
    """Whether secrets or ids of their owner were removed from them."""


@attrs.frozen
class CapturedOpening:
    """A connection is open."""

    channel: str
    connection: str
    arrived_ns: int


@attrs.frozen
class CapturedClosing:
    """A connection is gone, or could not be opened."""

    channel: str
    connection: str
    reason: str
    arrived_ns: int


@attrs.frozen(kw_only=True)
class CapturedAnswer:
    """An answer over HTTP."""

    channel: str
    """``gamma``, ``clob`` or ``website``."""
    url: str
    status: int
    body: bytes
    arrived_ns: int


CapturedItem = CapturedFrames | CapturedOpening | CapturedClosing | CapturedAnswer


@attrs.frozen
class Capture:
    """A process to the recorder: everything its ports received since its last Capture, in order.

    Sent a few times a second, after the actors have handled it and their own messages have left.
    """

    items: tuple[CapturedItem, ...]


# Between the recorder and its own port.


@attrs.frozen(kw_only=True)
class BeginRecording:
    """Command: record this window from now on, or learn its strike; a repetition changes nothing.

    If a recording of it exists, it is continued.
    """

    market: Market
    strike: Strike | None


@attrs.frozen
class KeepCapture:
    """Command: add this to the recordings of the windows concerned."""

    capture: Capture


@attrs.frozen
class EndRecording:
    """Command: the window's recording is complete."""

    market: Market
    result: MarketResolved | None
    """None if there was no result in time."""


@attrs.frozen
class RecordingFailed:
    """Event: something cannot be recorded; one sentence says what and why."""

    reason: str


@attrs.frozen
class RecordingGoesOn:
    """Event: what had failed works again."""
