"""Sums of what a run's trees of actors have reported."""

from __future__ import annotations

from collections import Counter

from actors.supervision.messages import ChildrenReport
from understudy.display.latency import Histogram


class Tally:
    """Sums of the reports of a run's trees; a rebuilt tree starts counting from zero."""

    def __init__(self) -> None:
        self.latencies: dict[str, Histogram] = {}
        self._falls: Counter[str] = Counter()
        self._handled_count = self._refused_count = 0
        self._newest: ChildrenReport | None = None

    def add(self, report: ChildrenReport) -> None:
        """Use the present tree's newest report."""
        self._newest = report
        for name, samples in report.latencies_us.items():
            self.latencies.setdefault(name, Histogram()).add(samples)

    def count_crash(self, role: str) -> None:
        """Count a crash that no supervisor could count: its own, or the admin's."""
        self._falls[role] += 1

    def close_tree(self) -> None:
        """Keep the present tree's report; the next report comes from a new tree."""
        self._falls, self._handled_count = Counter(self.restarts), self.handled_count
        self._refused_count = self.refused_count
        self._newest = None

    @property
    def restarts(self) -> dict[str, int]:
        """Restarts by role, over all trees."""
        newest = self._newest.restarts if self._newest is not None else {}
        return dict(self._falls + Counter(newest))

    @property
    def handled_count(self) -> int:
        """Messages handled by all actors, over all trees."""
        return self._handled_count + (self._newest.handled_count if self._newest else 0)

    @property
    def refused_count(self) -> int:
        """Connections and frames that the processes' sockets have refused, over all trees."""
        return self._refused_count + (self._newest.refused_count if self._newest else 0)
