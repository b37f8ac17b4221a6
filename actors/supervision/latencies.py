"""Latency samples of all processes, until they are reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

_KEPT = 20_000


class KeptLatencies:
    """The newest samples of each measured path, in real microseconds."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[int]] = {}

    def add(self, latencies_us: Mapping[str, tuple[int, ...]]) -> None:
        """Add the samples of one process."""
        for name, samples in latencies_us.items():
            self._samples.setdefault(name, deque(maxlen=_KEPT)).extend(samples)

    def take(self) -> dict[str, tuple[int, ...]]:
        """Return the samples since the last call."""
        taken = {name: tuple(samples) for name, samples in self._samples.items()}
        self._samples.clear()
        return taken
