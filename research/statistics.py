"""Statistics of a series of results, one per window; pure functions, with the sources of formulas.

Amounts are in any unit, and are returned in the same one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

import attrs
import numpy as np

BOOTSTRAP_DRAWS = 10_000
_BATCH_VALUES = 200_000
"""Values drawn at a time, to limit memory."""


def profit_factor(results: Sequence[float]) -> float | None:
    """Sum of gains over the sum of losses; None without a loss."""
    losses = -sum(each for each in results if each < 0)
    return sum(each for each in results if each > 0) / losses if losses else None


def sharpe(results: Sequence[float]) -> float | None:
    """Mean over sample standard deviation, not annualised; None for fewer than two, or no spread.

    Source: W. F. Sharpe, The Sharpe Ratio, Journal of Portfolio Management, 1994; excess over a
    riskless rate of zero.
    """
    if len(results) < 2:
        return None
    spread = stdev(results)
    return fmean(results) / spread if spread else None


def sortino(results: Sequence[float]) -> float | None:
    """Mean over the root mean square of losses (target 0); None without a loss.

    Source: F. Sortino and L. Price, Performance Measurement in a Downside Risk Framework, 1994.
    """
    if not results:
        return None
    downside = math.sqrt(fmean(min(0.0, each) ** 2 for each in results))
    return fmean(results) / downside if downside else None


@attrs.frozen
class Drawdown:
    """The deepest fall of a running total below its earlier maximum."""

    amount: float
    """0 or more."""
    start: int
    """Number of results before the maximum from which it fell."""
    end: int
    """Number of results before its lowest point."""
    longest: int
    """Longest run of results without a new maximum."""


def drawdown(results: Sequence[float]) -> Drawdown:
    """Find the deepest fall of the running total, which starts at 0."""
    total = high = deepest = 0.0
    high_at = start = end = longest = 0
    for count, result in enumerate(results, 1):
        total += result
        if total > high:
            high, high_at = total, count
        longest = max(longest, count - high_at)
        if high - total > deepest:
            deepest, start, end = high - total, high_at, count
    return Drawdown(deepest, start, end, longest)


@attrs.frozen
class Interval:
    """A confidence interval of a mean."""

    low: float
    high: float
    confidence: float


def bootstrap_mean(
    results: Sequence[float], seed: int, confidence: float = 0.95, draws: int = BOOTSTRAP_DRAWS
) -> Interval | None:
    """Percentile bootstrap of the mean; None for fewer than two results.

    Windows are drawn with replacement, so it takes them to be independent. Source: B. Efron,
    Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics, 1979.
    """
    if len(results) < 2:
        return None
    values = np.asarray(results, dtype=np.float64)
    chance = np.random.Generator(np.random.PCG64(seed))
    at_a_time = max(1, _BATCH_VALUES // len(values))
    means: list[float] = []
    while len(means) < draws:
        count = min(at_a_time, draws - len(means))
        picked = chance.integers(0, len(values), size=(count, len(values)))
        means += values[picked].mean(axis=1).tolist()
    outside = (1 - confidence) / 2
    low, high = np.quantile(np.asarray(means), [outside, 1 - outside])
    return Interval(float(low), float(high), confidence)


@attrs.frozen
class CalibrationBin:
    """Predictions of about the same probability, and how often they came true."""

    low: float
    high: float
    count: int
    mean_chance: float
    share_happened: float


@attrs.define
class _Bin:
    """Sums over one range of probabilities."""

    count: int = 0
    chances: float = 0.0
    happened: int = 0


class Forecasts:
    """Predicted probabilities (0 to 1) and their outcomes; only sums are kept."""

    def __init__(self, bins: int = 10) -> None:
        """Begin empty, with ``bins`` equal ranges of probability."""
        self.count = 0
        self._squares = 0.0
        self._bins = [_Bin() for _ in range(bins)]

    def add(self, chance: float, *, was: bool) -> None:
        """Add one prediction: its probability, and whether the event happened."""
        self.count += 1
        self._squares += (chance - was) ** 2
        group = self._bins[min(len(self._bins) - 1, int(chance * len(self._bins)))]
        group.count += 1
        group.chances += chance
        group.happened += was

    @property
    def brier(self) -> float | None:
        """Mean squared difference between probabilities and outcomes; None without predictions.

        0 is perfect; always predicting one half gives 0.25. Source: G. W. Brier, Verification of
        Forecasts Expressed in Terms of Probability, Monthly Weather Review, 1950.
        """
        return self._squares / self.count if self.count else None

    def calibration(self) -> tuple[CalibrationBin, ...]:
        """Equal ranges of probability, and how often each came true; empty ones are left out."""
        return tuple(
            CalibrationBin(
                low=index / len(self._bins),
                high=(index + 1) / len(self._bins),
                count=group.count,
                mean_chance=group.chances / group.count,
                share_happened=group.happened / group.count,
            )
            for index, group in enumerate(self._bins)
            if group.count
        )
