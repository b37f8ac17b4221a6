"""Whose silence is no fault of its own: of those who wait for the disk, or could not be heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from actors.supervision.child import Child

DiskWaits = Mapping[int, int]
"""For how many ms a child that waits for the disk has done so, by process id."""
NOBODY_WAITS: DiskWaits = MappingProxyType({})
DISK_LIMIT_MS = 11_000
"""A disk that has not taken a record for so long is given up. It is somewhat more than an actor
waits for its turn to write (actors/runtime/journal_turn.py), which then says so by itself."""
TICK_GAP_MOST_MS = 1_000
"""Ticks further apart than this show that it is the supervisor that could not run."""


class Patience:
    """Excuses children before they are judged by how long they have been silent."""

    def __init__(self, tick_gap_most_ms: int = TICK_GAP_MOST_MS) -> None:
        self._tick_gap_most_ms = tick_gap_most_ms
        self._ticked_at_ms: int | None = None

    def excuse(self, children: Iterable[Child], now_ms: int, disk_waits: DiskWaits) -> str:
        """Move on what each child is judged by; returns why the run must end, if it must.

        Args:
            children: all of them.
            now_ms: real, monotonic time.
            disk_waits: which of them wait for the disk.
        """
        late_ms = self._late_ms(now_ms)
        reason = ""
        for child in children:
            if child.was_killed:
                continue
            wait_ms = disk_waits.get(child.pid, 0)
            if wait_ms:
                child.answered_at_ms = now_ms
            else:  # what it has said meanwhile may still wait to be read
                child.answered_at_ms = min(now_ms, child.answered_at_ms + late_ms)
            if wait_ms > DISK_LIMIT_MS:
                reason = f"the disk has taken no record of {child.role} for {wait_ms // 1000} s"
        return reason

    def _late_ms(self, now_ms: int) -> int:
        before_ms, self._ticked_at_ms = self._ticked_at_ms, now_ms
        return 0 if before_ms is None else max(0, now_ms - before_ms - self._tick_gap_most_ms)
