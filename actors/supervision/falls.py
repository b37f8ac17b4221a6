"""How often everyone fell, when it is too often, and how long to wait before another start."""

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
"""Falls that people are shown."""
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
        self._newest: deque[Fall] = deque(maxlen=FALLS_KEPT)

    def add(self, name: str, now_ms: int) -> int:
        """Count a fall; returns how many there were within the period."""
        counted_as = "order" if order_id_of(name) is not None else name
        self.counts[counted_as] = self.counts.get(counted_as, 0) + 1
        recent = self._recent.setdefault(name, deque())
        recent.append(now_ms)
        while recent and now_ms - recent[0] > self._limits.restart_period_s * 1000:
            recent.popleft()
        return len(recent)

    def note(self, fall: Fall) -> None:
        """Keep a fall for people to see."""
        self._newest.append(fall)

    def told(self, children: Mapping[str, Child]) -> tuple[Fall, ...]:
        """The newest falls, oldest first, with what has become of each since.

        Args:
            children: every process as it is now, by name.
        """
        newest = {fall.name: number for number, fall in enumerate(self._newest)}
        for name, number in newest.items():
            fall, at_ms = self._newest[number], _served_at_ms(children, name)
            if not fall.served_again_at_ms and at_ms:
                # an actor's own restart may be served before its process has told of the fall
                served_at_ms = max(at_ms, fall.at_ms)
                self._newest[number] = attrs.evolve(fall, served_again_at_ms=served_at_ms)
        return tuple(self._newest)

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


def _served_at_ms(children: Mapping[str, Child], name: str) -> int:
    """When a process or an actor served first since it was started last; 0 if it has not."""
    if name in children:
        return children[name].first_served_at_ms
    lines = [child.actors.get(name) for child in children.values()]
    return max((line.first_served_at_ms for line in lines if line is not None), default=0)
