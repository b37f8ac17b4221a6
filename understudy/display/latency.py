"""Latencies as counts by magnitude: small, mergeable, and exact to one part in 64."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

_SIGNIFICANT_BITS = 7


class Histogram:
    """Counts of latencies, each rounded down to seven significant bits.

    A day of samples fits in a few hundred counters, and two histograms add up to that of both.
    """

    def __init__(self, samples_us: Iterable[int] = ()) -> None:
        self._counts: Counter[int] = Counter()
        self.add(samples_us)

    def add(self, samples_us: Iterable[int]) -> None:
        """Count more samples, in microseconds; a negative one counts as 0."""
        self._counts.update(_rounded(max(0, sample)) for sample in samples_us)

    def merge(self, other: Histogram) -> None:
        """Count the samples of another histogram as well."""
        self._counts.update(other._counts)

    @classmethod
    def of_counts(cls, counts: Mapping[int, int]) -> Histogram:
        """Make a histogram from the ``counts`` of another one."""
        made = cls()
        made._counts.update(counts)
        return made

    @property
    def counts(self) -> dict[int, int]:
        """Number of samples by latency in microseconds; a copy."""
        return dict(self._counts)

    @property
    def count(self) -> int:
        """Number of samples."""
        return self._counts.total()

    def percentile(self, percent: float) -> int | None:
        """Return the least latency that this percentage of the samples does not exceed.

        Rounded down by less than 1/64 of itself; None without samples.
        """
        rank = max(1, math.ceil(self.count * percent / 100))
        for value, count in sorted(self._counts.items()):
            rank -= count
            if rank <= 0:
                return value
        return None


def _rounded(value: int) -> int:
    shift = max(0, value.bit_length() - _SIGNIFICANT_BITS)
    return value >> shift << shift
