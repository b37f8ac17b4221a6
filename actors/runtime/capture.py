"""What a process's ports have received, on its way to the recorder.

Events are gathered after their actor has handled them and what that led to has left, so
recording adds nothing to a tick's way but what is handed over later, a few times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from actors.messages.recorder import Capture, CapturedAnswer, CapturedFrames, CapturedItem

HAND_OVER_EVERY_S = 0.2
"""Real time. What a killed process had not handed over is lost: less than this."""
CAPTURE_BYTES_MAX = 500_000
"""It is handed over at once when it has become so much."""

CaptureEvent = Callable[[object, int], CapturedItem | None]
"""Makes of a port's event, taken from it at a host monotonic ns, what is recorded of it."""


def capture_nothing(event: object, at_ns: int) -> CapturedItem | None:
    """Record nothing of a port's events: most actors have no port."""
    del event, at_ns
    return None


class CaptureBuffer:
    """What one process's ports have received and it has not handed over yet."""

    def __init__(self) -> None:
        self._items: list[CapturedItem] = []
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._items)

    def add(self, items: Iterable[CapturedItem]) -> bool:
        """Keep what was received; whether it has become so much that it should be handed over."""
        for item in items:
            self._items.append(item)
            self._bytes += _size_bytes(item)
        return self._bytes > CAPTURE_BYTES_MAX

    def take(self) -> Capture | None:
        """Hand over all of it; None if there is nothing."""
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
