"""How much of the best of many trials is luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import NormalDist, fmean, pstdev, stdev

from research.statistics import sharpe

_NORMAL = NormalDist()
_EULER_GAMMA = 0.5772156649015329
_BLOCKS = 8

CONVINCING = 0.95
"""A deflated Sharpe ratio below this may well be luck."""


def expected_best_sharpe(sharpes: Sequence[float]) -> float:
    """The highest of this many Sharpe ratios to be expected from chance alone.

    Source: D. H. Bailey and M. López de Prado, The Deflated Sharpe Ratio, Journal of Portfolio
    Management, 2014, equation 1: the expected maximum of N draws with the trials' own variance.
    """
    count = len(sharpes)
    if count < 2:
        return 0.0
    low = _NORMAL.inv_cdf(1 - 1 / count)
    high = _NORMAL.inv_cdf(1 - 1 / (count * math.e))
    return stdev(sharpes) * ((1 - _EULER_GAMMA) * low + _EULER_GAMMA * high)


def deflated_sharpe(results: Sequence[float], sharpes: Sequence[float]) -> float | None:
    """Probability that the best trial's Sharpe ratio is above what luck gives the best of so many.

    Source: as ``expected_best_sharpe``, equation 2; skewness and kurtosis of the results count.

    Args:
        results: of the best trial, one per window.
        sharpes: Sharpe ratios per window of all trials, including the best one.

    Returns:
        0 to 1; None for fewer than three results, or results without spread.
    """
    found = sharpe(results)
    if found is None or len(results) < 3:
        return None
    spread, middle = pstdev(results), fmean(results)
    deviations = [(each - middle) / spread for each in results]
    skewness = fmean(each**3 for each in deviations)
    kurtosis = fmean(each**4 for each in deviations)
    variance = 1 - skewness * found + (kurtosis - 1) / 4 * found**2
    if variance <= 0:
        return None
    ahead = found - expected_best_sharpe(sharpes)
    return _NORMAL.cdf(ahead * math.sqrt(len(results) - 1) / math.sqrt(variance))


def overfitting_probability(
    results: Sequence[Sequence[float]], blocks: int = _BLOCKS
) -> float | None:
    """Share of ways to halve the windows in which the better half's best is below the median after.

    Source: D. H. Bailey, J. Borwein, M. López de Prado and Q. J. Zhu, The Probability of Backtest
    Overfitting, Journal of Computational Finance, 2016: combinatorially symmetric cross-validation,
    with the mean as the measure.

    Args:
        results: of each trial, one per window, in time order.
        blocks: number of consecutive parts, of which every half is tried; even.

    Returns:
        None for fewer than two trials, or fewer windows than blocks.
    """
    if len(results) < 2 or len(results[0]) < blocks:
        return None
    bounds = [len(results[0]) * place // blocks for place in range(blocks + 1)]
    sums = [
        [(sum(trial[start:end]), end - start) for start, end in pairwise(bounds)]
        for trial in results
    ]
    halves = list(combinations(range(blocks), blocks // 2))
    losing = 0
    for half in halves:
        rest = [place for place in range(blocks) if place not in half]
        means = [_mean(trial, half) for trial in sums]
        best = max(range(len(means)), key=lambda place: (means[place], -place))
        after = [_mean(trial, rest) for trial in sums]
        below = sum(each < after[best] for each in after)
        ties = sum(each == after[best] for each in after) - 1
        # Relative rank among the others: at or below one half means no better than the median.
        losing += (below + ties / 2) / (len(after) - 1) <= 0.5
    return losing / len(halves)


def _mean(sums: Sequence[tuple[float, int]], places: Sequence[int]) -> float:
    return sum(sums[place][0] for place in places) / sum(sums[place][1] for place in places)
