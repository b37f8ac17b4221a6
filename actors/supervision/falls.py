"""How often everyone fell, when it is too often, and how long to wait before another start."""

from __future__ import annotations

from collections import deque

from actors.core import Dice
from actors.roles import order_id_of
from actors.settings import SupervisionSettings

_BACKOFF_FIRST_MS = 100
_BACKOFF_MOST_MS = 5_000


class FallRecord:
    """Falls of processes, by their names, and of actors, by their roles; real time."""

    def __init__(self, limits: SupervisionSettings, dice: Dice) -> None:
        self.counts: dict[str, int] = {}
        """Since the beginning; all orders count as "order"."""
        self._limits = limits
        self._dice = dice
        self._recent: dict[str, deque[int]] = {}

    def add(self, name: str, now_ms: int) -> int:
        """Count a fall; returns how many there were within the period."""
        counted_as = "order" if order_id_of(name) is not None else name
        self.counts[counted_as] = self.counts.get(counted_as, 0) + 1
        recent = self._recent.setdefault(name, deque())
        recent.append(now_ms)
        while recent and now_ms - recent[0] > self._limits.restart_period_s * 1000:
            recent.popleft()
        return len(recent)

    def is_too_many(self, recent_count: int) -> bool:
        """Whether so many falls within the period must end the run."""
        return recent_count > self._limits.max_restarts

    def backoff_ms(self, recent_count: int) -> int:
        """How long to wait before the next start; the first is made at once."""
        if recent_count <= 1:
            return 0
        most = min(_BACKOFF_MOST_MS, _BACKOFF_FIRST_MS * 2 ** (recent_count - 2))
        return int(most * (0.5 + self._dice.random() / 2))

    def sentence(self, name: str, recent_count: int) -> str:
        """Say that it was too often."""
        return f"{name} fell {recent_count} times in {self._limits.restart_period_s:g} s"
