"""Which silence is excused: that of children waiting for disk or processor, or unheard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs

from actors.supervision.child import Child


@attrs.frozen(kw_only=True)
class Waits:
    """What children wait for, by process id; a missing one waits for nothing."""

    disk_ms: Mapping[int, int]
    """How long a process has been waiting for the disk; 0 if it is not."""
    processor_ms: Mapping[int, int]
    """How much of the time since the last tick a process has waited for a processor."""


NOBODY_WAITS = Waits(disk_ms=MappingProxyType({}), processor_ms=MappingProxyType({}))
DISK_LIMIT_MS = 11_000
"""A disk that has not completed a write for this long is given up. It is somewhat more than an
actor waits for its turn to write (actors/runtime/journal_turn.py), which then reports it itself."""
_EXCUSED_MOST = 0.75
"""Largest share of time that a wait for a processor can excuse. On a busy machine a child in an
endless loop waits for a processor too; this way it is killed after four times as long."""
TICK_GAP_MOST_MS = 1_000
"""A longer gap between ticks shows that the supervisor itself could not run."""


class Patience:
    """Excuses children before their silence is judged."""

    def __init__(self, tick_gap_most_ms: int = TICK_GAP_MOST_MS) -> None:
        self._tick_gap_most_ms = tick_gap_most_ms
        self._ticked_at_ms: int | None = None

    def excuse(self, children: Iterable[Child], now_ms: int, waits: Waits) -> str:
        """Move each child's reference time forward; return why the run must end, if it must.

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
            else:  # messages that arrived meanwhile may still be unread
                starved_ms = waits.processor_ms.get(child.pid, 0)
                excused_ms = max(late_ms, min(starved_ms, int(_EXCUSED_MOST * passed_ms)))
                child.answered_at_ms = min(now_ms, child.answered_at_ms + excused_ms)
            if wait_ms > DISK_LIMIT_MS:
                reason = f"the disk has completed no record of {child.name} for {wait_ms // 1000} s"
        return reason

    def _passed_ms(self, now_ms: int) -> int:
        before_ms, self._ticked_at_ms = self._ticked_at_ms, now_ms
        return 0 if before_ms is None else now_ms - before_ms
