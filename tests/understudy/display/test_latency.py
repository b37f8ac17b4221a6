from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.display.latency import Histogram

_SAMPLES = st.lists(st.integers(0, 10**9), min_size=1, max_size=200)


def _exact(samples: list[int], percent: float) -> int:
    return sorted(samples)[max(1, math.ceil(len(samples) * percent / 100)) - 1]


def test_without_samples_there_is_no_percentile() -> None:
    assert Histogram().percentile(50) is None
    assert Histogram().count == 0


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (1, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_the_nearest_rank(percent: float, value: int) -> None:
    assert Histogram(range(1, 101)).percentile(percent) == value


def test_a_negative_sample_counts_as_nothing() -> None:
    assert Histogram([-5]).percentile(100) == 0


@given(_SAMPLES, st.sampled_from([0, 50, 90, 99, 100]))
def test_a_percentile_is_at_most_a_64th_too_low(samples: list[int], percent: float) -> None:
    exact = _exact(samples, percent)
    found = Histogram(samples).percentile(percent)

    assert found is not None
    assert exact - exact / 64 <= found <= exact


@given(_SAMPLES, _SAMPLES)
def test_merging_is_counting_all_samples_in_one(first: list[int], second: list[int]) -> None:
    merged = Histogram(first)
    merged.merge(Histogram(second))
    together = Histogram(first + second)

    assert merged.count == together.count
    assert [merged.percentile(p) for p in range(101)] == [
        together.percentile(p) for p in range(101)
    ]


@given(st.lists(st.integers(0, 2**40), max_size=300))
def test_an_hour_of_samples_needs_few_counters(samples: list[int]) -> None:
    histogram = Histogram(samples)

    assert len(histogram._counts) <= 64 * 41
    assert histogram.count == len(samples)
