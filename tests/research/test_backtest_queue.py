from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.backtest.queue import TRADE_PATIENCE_MS, QueuePlace


def place(ahead: int = 100, percent: int = 50) -> QueuePlace:
    return QueuePlace(ahead_units=ahead, shown_units=ahead, cancel_ahead_percent=percent)


def test_trades_at_the_price_eat_what_is_ahead_and_then_reach_the_order() -> None:
    queue = place(100)

    assert queue.trade(60, 0) == 0
    assert queue.trade(60, 0) == 20
    assert queue.trade(5, 0) == 5


@pytest.mark.parametrize(("percent", "ahead"), [(0, 100), (50, 80), (100, 60)])
def test_the_stated_share_of_cancels_was_ahead(percent: int, ahead: int) -> None:
    queue = QueuePlace(ahead_units=100, shown_units=200, cancel_ahead_percent=percent)
    queue.show(160, 0)

    assert queue.ahead_units == ahead


def test_a_level_that_shrinks_by_a_trade_told_before_has_seen_no_cancel() -> None:
    queue = place(100)
    queue.trade(30, 0)
    queue.show(70, 5)

    assert queue.ahead_units == 70


def test_a_trade_told_after_its_level_shrank_counts_once() -> None:
    queue = QueuePlace(ahead_units=100, shown_units=150, cancel_ahead_percent=50)
    queue.show(110, 100)
    assert queue.ahead_units == 80

    queue.trade(40, 100)
    assert queue.ahead_units == 60  # as if the trade had come first


def test_a_trade_told_late_counts_once_also_where_all_that_left_stood_ahead() -> None:
    queue = place(100, percent=0)
    queue.show(60, 100)  # nobody stands behind the order: whoever left was ahead of it
    assert queue.ahead_units == 60

    assert queue.trade(40, 100) == 0
    assert queue.ahead_units == 60


def test_a_trade_told_late_that_emptied_the_level_reaches_the_order_with_its_rest() -> None:
    queue = place(10)
    queue.show(0, 101)

    assert queue.trade(15, 100) == 5


@pytest.mark.parametrize("later_ms", [1, TRADE_PATIENCE_MS + 1])
def test_a_trade_after_its_level_shrank_is_another_one(later_ms: int) -> None:
    queue = QueuePlace(ahead_units=100, shown_units=150, cancel_ahead_percent=50)
    queue.show(110, 0)
    queue.trade(40, later_ms)

    assert queue.ahead_units == 40


def test_no_more_is_ahead_than_the_level_shows() -> None:
    queue = QueuePlace(ahead_units=100, shown_units=100, cancel_ahead_percent=0)
    queue.show(30, 0)

    assert queue.ahead_units == 30


def test_what_joins_later_stands_behind() -> None:
    queue = place(100)
    queue.show(500, 0)

    assert queue.ahead_units == 100


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("trade"), st.integers(1, 300)),
            st.tuples(st.just("show"), st.integers(0, 600)),
        ),
        max_size=40,
    ),
    percent=st.integers(0, 100),
)
def test_the_place_never_moves_back_and_trades_never_reach_more_than_they_are(
    steps: list[tuple[str, int]], percent: int
) -> None:
    queue = place(250, percent)
    for number, (kind, units) in enumerate(steps):
        before = queue.ahead_units
        if kind == "trade":
            assert 0 <= queue.trade(units, number * 100) <= units
        else:
            queue.show(units, number * 100)
        assert 0 <= queue.ahead_units <= before
