"""Capture of what a process's ports have received, on its way to the recorder.

Events are collected after their actor has handled them and the effects were performed, so recording
adds nothing to a tick's latency except the handover, a few times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from actors.messages.recorder import Capture, CapturedAnswer, CapturedFrames, CapturedItem

HAND_OVER_EVERY_S = 0.2
"""Real time. A killed process loses at most what it received within this time."""
CAPTURE_BYTES_MAX = 500_000
"""Size at which the capture is handed over immediately."""

CaptureEvent = Callable[[object, int], CapturedItem | None]
"""Converts a port's event, taken at a host monotonic ns, to what is recorded of it."""


def capture_nothing(event: object, at_ns: int) -> CapturedItem | None:
    """Return None: most actors have no port whose events are recorded."""
    del event, at_ns
    return None


class CaptureBuffer:
    """Events that one process's ports have received, until they are handed over."""

    def __init__(self) -> None:
        self._items: list[CapturedItem] = []
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._items)

    def add(self, items: Iterable[CapturedItem]) -> bool:
        """Add received events; return whether the buffer is large enough to be handed over."""
        for item in items:
            self._items.append(item)
            self._bytes += _size_bytes(item)
        return self._bytes > CAPTURE_BYTES_MAX

    def take(self) -> Capture | None:
        """Return and clear the contents; None if there are none."""
        if not self._items:
            return None
        items, self._items, self._bytes = tuple(self._items), [], 0
        return Capture(items)


def _size_bytes(item: CapturedItem) -> int:
    match item:
        case CapturedFrames():
            return sum(len(raw) for raw, _ in item.frames)
        case CapturedAnswer():
            return len(item.body)
    return 0
