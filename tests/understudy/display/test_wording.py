"""How figures read: spans, prices, sizes, moves, money and latencies."""

from __future__ import annotations

import pytest
from scenes import NOW_MS, POSITION, snapshot

from actors.messages.market import BookView
from actors.units import E18, shares
from understudy.display.latency import Histogram
from understudy.display.wording import (
    clock_label,
    depth_label,
    latency_text,
    marked_nanos,
    money,
    move_label,
    price_label,
    reference_label,
    size_label,
    span_label,
)


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (-5, "0.0s"),
        (0, "0.0s"),
        (9_990, "10.0s"),
        (10_000, "10s"),
        (59_999, "59s"),
        (60_000, "1m 00s"),
        (3_599_000, "59m 59s"),
        (3_600_000, "1h 00m"),
        (90_061_000, "25h 01m"),
    ],
)
def test_a_span_reads_in_its_two_largest_units(span_ms: int, text: str) -> None:
    assert span_label(span_ms) == text


@pytest.mark.parametrize(
    ("price_ticks", "text"),
    [(530, "0.53"), (500, "0.50"), (535, "0.535"), (0, "0.00"), (1000, "1.00"), (333.4, "0.333")],
)
def test_a_price_reads_in_cents(price_ticks: float, text: str) -> None:
    assert price_label(price_ticks) == text


@pytest.mark.parametrize(
    ("size_units", "text"),
    [
        (0, "0"),
        (shares(20), "20"),
        (30_500_000, "30.5"),
        (12_345_678, "12.3"),
        (shares(9_999), "9999"),
        (shares(12_345), "12k"),
        (shares(12_345_678), "12M"),
    ],
)
def test_a_depth_reads_in_five_characters(size_units: int, text: str) -> None:
    assert depth_label(size_units) == text


def test_sizes_and_prices_of_the_underlying_are_rounded_to_read() -> None:
    assert size_label(12_345_678) == "12.35"
    assert size_label(shares(1_000)) == "1,000"
    assert reference_label(64_123_456 * E18 // 1000) == "64,123.46"
    assert reference_label(E18 // 5) == "0.20000"
    assert clock_label(NOW_MS) == "15:20:00"


def test_a_move_has_its_sign_and_is_unknown_without_both_ends() -> None:
    assert move_label(64_000 * E18, 63_999 * E18) == "-1.00"
    assert move_label(64_000 * E18, 64_000 * E18) == "+0.00"
    assert move_label(E18 // 5, E18 // 4) == "+0.05000"
    assert move_label(None, E18) == "-"
    assert move_label(E18, None) == "-"


@pytest.mark.parametrize(
    ("amount_nanos", "text", "style"),
    [
        (1_250_000_000, "+1.25", "green"),
        (-1_250_000_000, "-1.25", "red"),
        (0, "0.00", "dim"),
        (-1, "0.00", "dim"),
    ],
)
def test_money_shows_gain_and_loss(amount_nanos: int, text: str, style: str) -> None:
    shown = money(amount_nanos)

    assert (shown.plain, shown.style) == (text, style)


def test_latencies_read_in_milliseconds() -> None:
    assert latency_text(Histogram([1_000, 2_000, 9_000])) == "p50 2.0 ms, p99 9.0 ms of 3"
    assert latency_text(Histogram()) == "no samples"


def test_a_position_is_marked_at_the_bids_of_its_own_window() -> None:
    # 20 x 0.52 + 10 x 0.465 - 7 - 5 - 0.12
    assert marked_nanos(POSITION, snapshot()) == 2_930_000_000


def test_what_has_no_bid_is_worth_nothing() -> None:
    without_bids = snapshot(yes=BookView(), no=BookView())

    assert marked_nanos(POSITION, without_bids) == -12_120_000_000
    assert marked_nanos(POSITION, None) == -12_120_000_000
