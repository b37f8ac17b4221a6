"""Whether the tree of actors must be rebuilt, and whether it still may be."""

from __future__ import annotations

import time
from collections import deque

from actors.runtime.disk_waits import WAIT_LIMIT_MS, disk_wait_ms
from actors.runtime.processor_waits import ProcessorWaits
from actors.settings import SupervisionSettings

PATIENCE_S = 3.0
"""A supervisor silent for this long is hung."""
_TURN_MOST_S = 1.0
"""Most silence that one look may add. After a longer pause it was this process that was stopped,
and asked nothing."""


class TreeWatch:
    """Measures the supervisor's silence, and counts how often its tree was rebuilt."""

    def __init__(self, limits: SupervisionSettings) -> None:
        self._limits = limits
        self._silence_s = 0.0
        self._looked_at_s = time.monotonic()
        self._processor_waits = ProcessorWaits()
        self._rebuilt_at_s: deque[float] = deque()

    def supervisor_answered(self) -> None:
        """Note that the supervisor is alive."""
        self._silence_s = 0.0

    def is_supervisor_hung(self, pid: int) -> bool:
        """Return whether the supervisor has been silent for ``PATIENCE_S`` through its own fault.

        Time that it waited for the disk or for a processor is not counted.

        Args:
            pid: the supervisor's process; 0 before its first answer.
        """
        now_s = time.monotonic()
        passed_s = min(now_s - self._looked_at_s, _TURN_MOST_S)
        self._looked_at_s = now_s
        waited_s = self._processor_waits.since_last_ms([pid])[pid] / 1000
        if not 0 < disk_wait_ms(pid) < WAIT_LIMIT_MS:
            self._silence_s += max(0.0, passed_s - waited_s)
        return self._silence_s > PATIENCE_S

    def rebuild_refusal(self) -> str:
        """Return how often the tree has been rebuilt if that is too often; else an empty text.

        The limits are those by which the supervisor restarts actors.
        """
        most, period_s = self._limits.max_restarts, self._limits.restart_period_s
        now_s = time.monotonic()
        while self._rebuilt_at_s and now_s - self._rebuilt_at_s[0] > period_s:
            self._rebuilt_at_s.popleft()
        if len(self._rebuilt_at_s) < most:
            return ""
        return f"more than {most} times in {period_s:g} s"

    def note_rebuild(self) -> None:
        """Note that the tree is being rebuilt; the new supervisor's silence begins now."""
        self._rebuilt_at_s.append(time.monotonic())
        self._silence_s = 0.0
