"""Whether a curve is judged flat, and which curves there are."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.soak.conduct import starts_before_midnight
from understudy.soak.curves import POINTS_LEAST, Curve, curves_of, judged
from understudy.soak.sampling import ProcessUse, Sample, use_of

DAY_MS = 86_400_000


def curve(*values: float, share: float = 0.1, slack: float = 1.0) -> Curve:
    points = tuple((float(second), value) for second, value in enumerate(values))
    return Curve(name="memory", unit="MiB", points=points, share=share, slack=slack)


def sample(second: int, **uses: ProcessUse) -> Sample:
    return Sample(
        at_s=float(second),
        processes=uses,
        journal_bytes=1_000 * second,
        wal_bytes=0,
        log_bytes=0,
        event_count=10 * second,
        latencies_ms={"tick_to_order": (3.0, 9.0)},
    )


@pytest.mark.parametrize(
    ("values", "is_flat"),
    [
        ([50.0] * 40, True),
        ([5.0] * 10 + [50.0] * 30, True),  # it warms up
        ([50.0, 90.0] * 20, True),  # it swings
        ([50.0 + second for second in range(40)], False),
        ([50.0] * 25 + [80.0] * 15, False),
        ([90.0] * 25 + [50.0] * 15, True),
        ([50.0, 80.0], None),
        ([], None),
    ],
)
def test_what_is_more_late_than_early_is_not_flat(
    values: list[float], is_flat: bool | None
) -> None:
    assert judged(curve(*values)).is_flat is is_flat


@given(st.lists(st.floats(0, 1e6), min_size=4 * POINTS_LEAST, max_size=200), st.floats(2, 100))
def test_a_curve_is_judged_alike_in_any_unit(values: list[float], factor: float) -> None:
    by_itself = judged(curve(*values, slack=0.0))
    scaled = judged(curve(*(value * factor for value in values), slack=0.0))
    nearly = by_itself.first * 1.1
    if abs(by_itself.last - nearly) > 1e-6 * nearly:
        assert by_itself.is_flat is scaled.is_flat


def test_a_leak_is_seen_in_the_process_that_lived_longest_and_not_in_who_was_made_again() -> None:
    leaking = [
        sample(
            second,
            desk=ProcessUse(1, 50_000 + 1_000 * second, 40, 2),
            strategy=ProcessUse(2 + second // 10, 50_000, 40, 2),
        )
        for second in range(60)
    ]
    judgements = {each.name: each for each in map(judged, curves_of(leaking))}
    assert judgements["memory of desk"].is_flat is False
    assert judgements["memory of strategy"].is_flat is None
    assert judgements["memory in all"].is_flat is False
    assert judgements["descriptors"].is_flat
    assert judgements["journal an event"].first == 100
    assert judgements["tick to order p50"].is_flat


def test_a_process_shows_what_it_uses_and_one_that_is_gone_shows_nothing() -> None:
    use = use_of(os.getpid())
    assert use is not None
    assert use.rss_kib > 1_000
    assert use.descriptors >= 3
    assert use.threads >= 1
    assert use_of(2**22 + 1) is None


@given(st.integers(0, 4 * 10**12), st.sampled_from([300_000, 900_000, 14_400_000]))
def test_a_soak_begins_one_window_before_a_day_ends(now_ms: int, window_ms: int) -> None:
    starts_at_ms = starts_before_midnight(now_ms, window_ms)
    assert (starts_at_ms + window_ms) % DAY_MS == 0
    assert starts_at_ms >= now_ms - window_ms
