from __future__ import annotations

import math
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.statistics import (
    Forecasts,
    bootstrap_mean,
    drawdown,
    profit_factor,
    sharpe,
    sortino,
)

RESULTS = [1.0, -2.0, 3.0, -4.0, -1.0, 6.0]
amounts = st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=60)


def forecasts(*pairs: tuple[float, bool]) -> Forecasts:
    found = Forecasts()
    for chance, was in pairs:
        found.add(chance, was=was)
    return found


def test_ratios_of_a_row_of_results() -> None:
    assert profit_factor(RESULTS) == pytest.approx(10 / 7)
    assert sharpe(RESULTS) == pytest.approx(fmean(RESULTS) / stdev(RESULTS))
    assert sortino(RESULTS) == pytest.approx(0.5 / math.sqrt((4 + 16 + 1) / 6))


def test_what_cannot_be_computed_is_none() -> None:
    assert profit_factor([1.0]) is None
    assert sharpe([1.0]) is None
    assert sharpe([2.0, 2.0]) is None
    assert sortino([1.0, 2.0]) is None
    assert bootstrap_mean([1.0], 1) is None
    assert Forecasts().brier is None


def test_the_deepest_fall_and_the_longest_wait_for_a_new_high() -> None:
    fallen = drawdown(RESULTS)

    assert (fallen.amount, fallen.start, fallen.end) == (5, 3, 5)
    assert fallen.longest == 2


@given(results=amounts)
def test_a_fall_is_that_of_any_two_totals_in_order(results: list[int]) -> None:
    totals = [0, *(sum(results[: count + 1]) for count in range(len(results)))]
    deepest = max(
        high - low for place, high in enumerate(totals) for low in totals[place:] or [high]
    )

    assert drawdown(results).amount == deepest


def test_the_interval_holds_the_mean_and_is_the_same_for_the_same_seed() -> None:
    results = [float(each % 7 - 2) for each in range(200)]
    interval = bootstrap_mean(results, 5)

    assert interval is not None
    assert interval.low < fmean(results) < interval.high
    deviation = stdev(results) / math.sqrt(len(results))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    assert bootstrap_mean(results, 5) == interval


def test_a_score_of_predictions() -> None:
    assert forecasts((1.0, True), (0.0, False)).brier == 0
    assert forecasts((0.5, True), (0.5, False)).brier == 0.25
    assert forecasts((0.2, True)).brier == pytest.approx(0.64)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50))
def test_calibration_loses_no_prediction(pairs: list[tuple[float, bool]]) -> None:
    bins = forecasts(*pairs).calibration()

    assert sum(each.count for each in bins) == len(pairs)
    for each in bins:
        assert each.low <= each.mean_chance <= each.high + 1e-12
        assert 0 <= each.share_happened <= 1
