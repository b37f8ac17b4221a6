from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.directory.venue_time import (
    CLOCKS_AGREE_MS,
    CORRECT_ABOVE_MS,
    ROUND_TRIP_LIMIT_MS,
    TimeUnreadable,
    read_venue_time,
    skew_words,
)

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize("body", [b"1800000000", b"1800000000\n", b'"1800000000"'])
def test_whole_seconds_are_read_as_their_middle(body: bytes) -> None:
    reading = read_venue_time(body, NOW_MS + 400, NOW_MS + 600, 200)
    assert (reading.skew_ms, reading.round_trip_ms) == (0, 200)


@pytest.mark.parametrize(
    "body",
    [b"", b"soon", b"\xff\xfe", b"-1800000000", b"1800000000.5", b"1800000000000", b"{}", b"1"],
)
def test_what_is_not_unix_seconds_is_refused(body: bytes) -> None:
    with pytest.raises(TimeUnreadable):
        read_venue_time(body, NOW_MS, NOW_MS, 0)


@pytest.mark.parametrize("by_our_clock_ms", [-85_148, 200, ROUND_TRIP_LIMIT_MS + 1])
def test_an_answer_that_took_too_long_measures_nothing_whatever_our_clock_says(
    by_our_clock_ms: int,
) -> None:
    with pytest.raises(TimeUnreadable, match="took 105,001 ms, too long"):
        read_venue_time(b"1800000000", NOW_MS, NOW_MS + by_our_clock_ms, 105_001)


@pytest.mark.parametrize("speed", [1, 8])
@pytest.mark.parametrize("by_ms", [-85_148, -CLOCKS_AGREE_MS - 1, CLOCKS_AGREE_MS + 1, 105_000])
def test_an_answer_during_which_our_clock_was_corrected_measures_nothing(
    by_ms: int, speed: int
) -> None:
    received_ms = NOW_MS + (300 + by_ms) * speed
    with pytest.raises(TimeUnreadable, match="our clock was corrected"):
        read_venue_time(b"1800000000", NOW_MS, received_ms, 300, speed)


def test_limits_are_of_real_time_where_venue_time_runs_faster() -> None:
    slow = read_venue_time(b"1800000008", NOW_MS, NOW_MS + 4 * ROUND_TRIP_LIMIT_MS, 1_000, speed=20)
    late = read_venue_time(b"1799999980", NOW_MS, NOW_MS, 0, speed=20)

    assert not slow.needs_correction
    assert not late.needs_correction
    assert attrs.evolve(late, speed=1).needs_correction


@given(
    skew_ms=st.integers(-60_000, 60_000),
    round_trip_ms=st.integers(0, ROUND_TRIP_LIMIT_MS),
    read_after=st.floats(0, 1),
    sent_ms=st.integers(NOW_MS, NOW_MS + 10_000),
)
def test_the_measured_skew_is_right_within_half_a_second_and_half_the_round_trip(
    skew_ms: int, round_trip_ms: int, read_after: float, sent_ms: int
) -> None:
    venue_ms = sent_ms + int(round_trip_ms * read_after) + skew_ms
    body, received_ms = str(venue_ms // 1000).encode(), sent_ms + round_trip_ms
    reading = read_venue_time(body, sent_ms, received_ms, round_trip_ms)
    assert abs(reading.skew_ms - skew_ms) <= 500 + round_trip_ms / 2 + 1
    if skew_ms == 0:
        assert not reading.needs_correction
    if abs(skew_ms) > CORRECT_ABOVE_MS + 501 + round_trip_ms:
        assert reading.needs_correction


@pytest.mark.parametrize(
    ("skew_ms", "words"),
    [
        (-301_000, "this computer's clock is 301 s ahead of the venue's"),
        (2_400, "this computer's clock is 2 s behind the venue's"),
        (1_036_800_000, "this computer's clock is 1,036,800 s behind the venue's"),
    ],
)
def test_a_skew_is_told_with_its_direction(skew_ms: int, words: str) -> None:
    assert skew_words(skew_ms) == words
