"""The record of crashes: how many there were, when there are too many, and the backoff."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import attrs

from actors.core import Dice
from actors.roles import order_id_of
from actors.settings import SupervisionSettings
from actors.supervision.child import Child
from actors.supervision.messages import Fall

FALLS_KEPT = 20
"""Number of crashes kept for display."""
_BACKOFF_FIRST_MS = 100
_BACKOFF_MOST_MS = 5_000


class CrashHistory:
    """Crashes of processes, by name, and of actors, by role; real time."""

    def __init__(self, limits: SupervisionSettings, dice: Dice) -> None:
        self.counts: dict[str, int] = {}
        """Since the start of the run; all orders count as "order"."""
        self._limits = limits
        self._dice = dice
        self._recent: dict[str, deque[int]] = {}
        self._newest: deque[Fall] = deque(maxlen=FALLS_KEPT)

    def add(self, name: str, now_ms: int) -> int:
        """Count a crash; return how many there were within the period."""
        counted_as = "order" if order_id_of(name) is not None else name
        self.counts[counted_as] = self.counts.get(counted_as, 0) + 1
        recent = self._recent.setdefault(name, deque())
        recent.append(now_ms)
        while recent and now_ms - recent[0] > self._limits.restart_period_s * 1000:
            recent.popleft()
        return len(recent)

    def note(self, fall: Fall) -> None:
        """Keep a crash for display."""
        self._newest.append(fall)

    def told(self, children: Mapping[str, Child]) -> tuple[Fall, ...]:
        """Return the newest crashes, oldest first, with the recovery time of each.

        Args:
            children: every process as it is now, by name.
        """
        newest = {fall.name: number for number, fall in enumerate(self._newest)}
        for name, number in newest.items():
            fall, at_ms = self._newest[number], _served_at_ms(children, name)
            if not fall.served_again_at_ms and at_ms:
                # an actor may serve again before its process has reported the crash
                served_at_ms = max(at_ms, fall.at_ms)
                self._newest[number] = attrs.evolve(fall, served_again_at_ms=served_at_ms)
        return tuple(self._newest)

    def is_too_many(self, recent_count: int) -> bool:
        """Return whether this many crashes within the period must end the run."""
        return recent_count > self._limits.max_restarts

    def backoff_ms(self, recent_count: int) -> int:
        """Return how long to wait before the next start; the first restart is immediate."""
        if recent_count <= 1:
            return 0
        most = min(_BACKOFF_MOST_MS, _BACKOFF_FIRST_MS * 2 ** (recent_count - 2))
        return int(most * (0.5 + self._dice.random() / 2))

    def sentence(self, name: str, recent_count: int) -> str:
        """Return the sentence that says there were too many."""
        return f"{name} crashed {recent_count} times in {self._limits.restart_period_s:g} s"


def _served_at_ms(children: Mapping[str, Child], name: str) -> int:
    """Return when a process or actor first served since its last start; 0 if it has not."""
    if name in children:
        return children[name].first_served_at_ms
    lines = [child.actors.get(name) for child in children.values()]
    return max((line.first_served_at_ms for line in lines if line is not None), default=0)
