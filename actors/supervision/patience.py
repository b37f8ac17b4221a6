"""Whose silence is no fault of its own: who waits for disk or processor, or cannot be heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs

from actors.supervision.child import Child


@attrs.frozen(kw_only=True)
class Waits:
    """What children wait for, by process id; one that is not named waits for nothing."""

    disk_ms: Mapping[int, int]
    """For how long one that waits for the disk has done so; 0 if it does not."""
    processor_ms: Mapping[int, int]
    """For how much of the time since the last tick one has waited for a processor."""


NOBODY_WAITS = Waits(disk_ms=MappingProxyType({}), processor_ms=MappingProxyType({}))
DISK_LIMIT_MS = 11_000
"""A disk that has not taken a record for so long is given up. It is somewhat more than an actor
waits for its turn to write (actors/runtime/journal_turn.py), which then says so by itself."""
_EXCUSED_MOST = 0.75
"""Share of the time that a wait for a processor excuses at most: on a busy machine a child that is
caught in a loop waits for one, too, and is killed after four times as long."""
TICK_GAP_MOST_MS = 1_000
"""Ticks further apart than this show that it is the supervisor that could not run."""


class Patience:
    """Excuses children before they are judged by how long they have been silent."""

    def __init__(self, tick_gap_most_ms: int = TICK_GAP_MOST_MS) -> None:
        self._tick_gap_most_ms = tick_gap_most_ms
        self._ticked_at_ms: int | None = None

    def excuse(self, children: Iterable[Child], now_ms: int, waits: Waits) -> str:
        """Move on what each child is judged by; returns why the run must end, if it must.

        Args:
            children: all of them.
            now_ms: real, monotonic time.
            waits: what they wait for.
        """
        passed_ms = self._passed_ms(now_ms)
        late_ms = max(0, passed_ms - self._tick_gap_most_ms)
        reason = ""
        for child in children:
            if child.was_killed:
                continue
            wait_ms = waits.disk_ms.get(child.pid, 0)
            if wait_ms:
                child.answered_at_ms = now_ms
            else:  # what it has said meanwhile may still wait to be read
                starved_ms = waits.processor_ms.get(child.pid, 0)
                excused_ms = max(late_ms, min(starved_ms, int(_EXCUSED_MOST * passed_ms)))
                child.answered_at_ms = min(now_ms, child.answered_at_ms + excused_ms)
            if wait_ms > DISK_LIMIT_MS:
                reason = f"the disk has taken no record of {child.name} for {wait_ms // 1000} s"
        return reason

    def _passed_ms(self, now_ms: int) -> int:
        before_ms, self._ticked_at_ms = self._ticked_at_ms, now_ms
        return 0 if before_ms is None else now_ms - before_ms
