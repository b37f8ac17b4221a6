"""Real time in a process: its actors' timers, and measured latencies."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Iterator

_LATENCY_SAMPLES_KEPT = 2_000
_EARLY_S = 0.0005
"""A wake-up may come early by this much."""

Timer = tuple[str, str]
"""A role, and a key of its core."""


class Timers:
    """Due times of many actors' timers, with a transport wake-up pending for the earliest.

    Wake-ups cannot be cancelled; one that is no longer needed has no effect.
    """

    def __init__(self) -> None:
        self._due_at: dict[Timer, tuple[float, int]] = {}
        self._queue: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._wakes_at: list[float] = []
        """When pending wake-ups come, as a heap."""

    def set(self, timer: Timer, seconds: float) -> None:
        """Set a timer to this many seconds from now, replacing an earlier time."""
        due_at, number = time.monotonic() + seconds, next(self._numbers)
        self._due_at[timer] = (due_at, number)
        heapq.heappush(self._queue, (due_at, number, timer))

    def is_set(self, timer: Timer) -> bool:
        """Return whether a timer is set."""
        return timer in self._due_at

    def cancel(self, timer: Timer) -> None:
        """Cancel a timer."""
        self._due_at.pop(timer, None)

    def clear(self, role: str) -> None:
        """Cancel all timers of an actor."""
        for timer in [each for each in self._due_at if each[0] == role]:
            del self._due_at[timer]

    def wakeup_to_ask_for(self) -> float | None:
        """Return the delay of the wake-up to request; None if an early enough one is pending."""
        self._drop_forgotten()
        if not self._queue:
            return None
        due_at = self._queue[0][0]
        if self._wakes_at and self._wakes_at[0] <= due_at:
            return None
        heapq.heappush(self._wakes_at, due_at)
        return max(0.0, due_at - time.monotonic())

    def due(self) -> Iterator[Timer]:
        """Remove and yield the timers that are due, the earliest first.

        Each is removed when it is yielded: handling one may cancel later ones.
        """
        until = time.monotonic() + _EARLY_S
        while self._wakes_at and self._wakes_at[0] <= until:
            heapq.heappop(self._wakes_at)
        while self._queue and self._queue[0][0] <= until:
            due_at, number, timer = heapq.heappop(self._queue)
            if self._due_at.get(timer) == (due_at, number):
                del self._due_at[timer]
                yield timer

    def _drop_forgotten(self) -> None:
        while self._queue and self._due_at.get(self._queue[0][2]) != self._queue[0][:2]:
            heapq.heappop(self._queue)


class LatencySamples:
    """Latencies that a process measured, until they are reported."""

    def __init__(self) -> None:
        self._samples: dict[str, list[int]] = {}

    def add(self, name: str, since_ns: int) -> None:
        """Add a latency that began at a host monotonic instant and ends now."""
        samples = self._samples.setdefault(name, [])
        if len(samples) < _LATENCY_SAMPLES_KEPT:
            samples.append((time.monotonic_ns() - since_ns) // 1000)

    def take(self) -> dict[str, tuple[int, ...]]:
        """Return the samples in microseconds since the last call."""
        taken = {name: tuple(values) for name, values in self._samples.items()}
        self._samples.clear()
        return taken
