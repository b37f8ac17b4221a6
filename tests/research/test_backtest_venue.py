from __future__ import annotations

import pytest
from backtest_builders import DOWN, UP, VenueStage
from hypothesis import given
from hypothesis import strategies as st

from actors.messages.feeds import LastTradeEvent, PriceChangeEvent, TickSizeEvent
from actors.model import Action, FillDetail, Side, TimeInForce
from actors.units import shares, taker_fee_nanos
from research.backtest.executor import (
    VenueAccepted,
    VenueCancelled,
    VenueFilled,
    VenueNews,
    VenueRejected,
)
from venue.engine.book import OrderBook, WorkingOrder
from venue.engine.messages import Lifetime, NewOrder, Outcome


def fills(stage: VenueStage) -> list[FillDetail]:
    return [each.fill for each in stage.told(VenueFilled) if isinstance(each, VenueFilled)]


def reasons(news: list[VenueNews]) -> list[str]:
    return [each.reason for each in news if isinstance(each, VenueRejected | VenueCancelled)]


def test_a_taker_walks_the_book_after_the_way_out_and_the_venues_delay() -> None:
    stage = VenueStage(out_ms=100)
    stage.show([(480, 50)], [(490, 5), (500, 8), (510, 100)])
    stage.place(price_ticks=500, size_units=shares(20))

    stage.pass_ms(100 + 249)
    assert fills(stage) == []
    stage.pass_ms(1 + 10)

    assert [(each.price_ticks, each.size_units) for each in fills(stage)] == [
        (490, shares(5)),
        (500, shares(8)),
    ]
    assert all(not each.is_maker for each in fills(stage))
    assert [each.fee_nanos for each in fills(stage)] == [
        taker_fee_nanos(490, shares(5), 700),
        taker_fee_nanos(500, shares(8), 700),
    ]
    assert stage.venue.resting_count == 1  # with what is left of it


def test_the_book_that_counts_is_the_one_after_the_delay() -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=250)
    stage.show([(480, 50)], [(500, 100)])
    stage.place(price_ticks=500)
    stage.pass_ms(249)
    stage.show([(480, 50)], [(510, 100)])
    stage.pass_ms(300)

    assert fills(stage) == []
    assert stage.venue.resting_count == 1


def test_what_was_taken_is_gone_until_more_is_shown_or_the_level_has_been_away() -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([(480, 50)], [(500, 20)])
    stage.place("order_1_0000000a", size_units=shares(20), time_in_force=TimeInForce.FAK)
    stage.pass_ms(20)
    stage.place("order_2_0000000b", size_units=shares(20), time_in_force=TimeInForce.FAK)
    stage.pass_ms(20)
    assert sum(each.size_units for each in fills(stage)) == shares(20)

    stage.show([(480, 50)], [(500, 26)])  # six more have come
    stage.place("order_3_0000000c", size_units=shares(20), time_in_force=TimeInForce.FAK)
    stage.pass_ms(20)
    assert sum(each.size_units for each in fills(stage)) == shares(26)

    stage.show([(480, 50)], [(510, 10)])
    stage.show([(480, 50)], [(500, 20)])
    stage.place("order_4_0000000d", size_units=shares(20), time_in_force=TimeInForce.FAK)
    stage.pass_ms(20)
    assert sum(each.size_units for each in fills(stage)) == shares(46)


def test_an_order_for_down_meets_the_mirror_of_ups_book() -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([(480, 12)], [(500, 20)])  # Up is bid at 0.48: Down is offered at 0.52
    stage.place(side=Side.NO, price_ticks=530, size_units=shares(30))
    stage.pass_ms(20)

    assert [(each.price_ticks, each.size_units) for each in fills(stage)] == [(520, shares(12))]


@pytest.mark.parametrize("token", [UP, DOWN])
def test_changes_of_either_token_change_the_one_book(token: str) -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([(480, 12)], [(500, 20)])
    level = (490, shares(7))
    change = (
        PriceChangeEvent(UP, stage.scheduler.now_ms, (), (level,))
        if token == UP
        else PriceChangeEvent(DOWN, stage.scheduler.now_ms, ((510, shares(7)),), ())
    )
    stage.venue.show([change])
    stage.place(price_ticks=490, time_in_force=TimeInForce.FAK)
    stage.pass_ms(20)

    assert [(each.price_ticks, each.size_units) for each in fills(stage)] == [(490, shares(7))]


def test_an_order_in_its_delay_cannot_be_cancelled_and_one_that_rests_can() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    stage.place(price_ticks=500, size_units=shares(20))
    stage.pass_ms(100)
    stage.withdraw()
    stage.pass_ms(100)
    assert stage.told(VenueCancelled) == []

    stage.pass_ms(100)
    stage.withdraw()
    stage.pass_ms(20)
    (cancelled,) = stage.told(VenueCancelled)
    assert isinstance(cancelled, VenueCancelled)
    assert cancelled.filled_units == shares(8)
    assert stage.venue.resting_count == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"price_ticks": 485}, "minimum tick size"),
        ({"price_ticks": 450, "size_units": shares(4)}, "lower than the minimum"),
        ({"price_ticks": 500, "size_units": shares(1)}, "marketable order's"),
        ({"action": Action.SELL, "price_ticks": 600}, "not enough shares"),
    ],
)
def test_what_the_venue_refuses_at_its_door(changed: dict[str, object], words: str) -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    stage.place(**changed)
    stage.pass_ms(20)

    (reason,) = reasons(stage.news)
    assert words in reason
    assert stage.told(VenueAccepted) == []


def test_a_finer_grid_counts_from_the_moment_it_is_told() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    stage.venue.show([TickSizeEvent(UP, stage.scheduler.now_ms, 1)])
    stage.place(price_ticks=485)
    stage.pass_ms(20)

    assert stage.told(VenueRejected) == []
    assert stage.venue.resting_count == 1


def test_shares_that_were_bought_can_be_sold_once() -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([(480, 50)], [(500, 20)])
    stage.place("order_1_0000000a", size_units=shares(20))
    stage.pass_ms(20)
    sale = {"action": Action.SELL, "price_ticks": 600, "size_units": shares(12)}
    stage.place("order_2_0000000b", **sale)
    stage.place("order_3_0000000c", **sale)
    stage.pass_ms(20)

    assert reasons(stage.news) == ["not enough shares"]


def test_a_resting_order_waits_behind_what_its_level_showed() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 20)])
    stage.place(price_ticks=480, size_units=shares(20))
    stage.pass_ms(20)

    def trade(size: int) -> None:
        now_ms = stage.scheduler.now_ms
        event = LastTradeEvent(UP, now_ms, 480, shares(size), taker_buys=False)
        stage.venue.show([event])
        stage.pass_ms(20)

    trade(40)
    assert fills(stage) == []
    trade(18)  # ten were still ahead
    (fill,) = fills(stage)
    assert (fill.price_ticks, fill.size_units) == (480, shares(8))
    assert fill.is_maker
    assert fill.fee_nanos == 0


def test_a_level_that_was_nearly_empty_for_an_instant_has_let_the_order_ahead() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 100)])
    stage.place(price_ticks=480, size_units=shares(20))
    stage.pass_ms(1)
    now_ms = stage.scheduler.now_ms
    stage.venue.show(
        [PriceChangeEvent(UP, now_ms, ((480, shares(size)),), ()) for size in (10, 300)]
    )
    stage.venue.show([LastTradeEvent(UP, now_ms + 1, 480, shares(15), taker_buys=False)])
    stage.pass_ms(20)

    assert [each.size_units for each in fills(stage)] == [shares(5)]


def test_a_trade_through_its_price_reaches_the_order_whatever_was_ahead() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50), (470, 10)], [(500, 20)])
    stage.place(price_ticks=480, size_units=shares(20))
    stage.pass_ms(20)
    now_ms = stage.scheduler.now_ms
    stage.venue.show([LastTradeEvent(UP, now_ms, 470, shares(6), taker_buys=False)])
    stage.pass_ms(20)

    assert [each.size_units for each in fills(stage)] == [shares(6)]


def test_the_same_trade_told_on_both_tokens_counts_once() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(470, 50)], [(500, 20)])
    stage.place(price_ticks=480, size_units=shares(20))
    stage.pass_ms(20)
    now_ms = stage.scheduler.now_ms
    stage.venue.show(
        [
            LastTradeEvent(UP, now_ms, 480, shares(6), taker_buys=False),
            LastTradeEvent(DOWN, now_ms, 520, shares(6), taker_buys=True),
        ]
    )
    stage.pass_ms(20)

    assert [each.size_units for each in fills(stage)] == [shares(6)]


def test_the_crossed_model_fills_only_when_the_market_comes_over_the_limit() -> None:
    stage = VenueStage(out_ms=0, fill_model="crossed")
    stage.show([(480, 50)], [(500, 20)])
    stage.place(price_ticks=480, size_units=shares(20))
    stage.pass_ms(20)
    now_ms = stage.scheduler.now_ms
    stage.venue.show([LastTradeEvent(UP, now_ms, 480, shares(500), taker_buys=False)])
    assert fills(stage) == []

    stage.show([(460, 50)], [(470, 7), (490, 20)])
    stage.pass_ms(20)
    (fill,) = fills(stage)
    assert (fill.price_ticks, fill.size_units, fill.is_maker) == (480, shares(7), True)


@pytest.mark.parametrize(
    ("price", "words"), [(500, ["post-only, and it would trade at once"]), (480, [])]
)
def test_a_post_only_order_rests_or_is_refused(price: int, words: list[str]) -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    stage.place(price_ticks=price, is_post_only=True)
    stage.pass_ms(300)

    assert reasons(stage.news) == words
    assert fills(stage) == []


@pytest.mark.parametrize(("shown", "filled"), [(8, 0), (20, shares(20))])
def test_fill_or_kill_takes_all_or_nothing(shown: int, filled: int) -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([(480, 50)], [(500, shown)])
    stage.place(time_in_force=TimeInForce.FOK)
    stage.pass_ms(20)

    assert sum(each.size_units for each in fills(stage)) == filled
    assert stage.venue.resting_count == 0


@pytest.mark.parametrize(
    ("kind", "filled"), [(TimeInForce.FAK, shares(8)), (TimeInForce.GTC, shares(8))]
)
def test_what_may_not_rest_ends_with_what_it_got(kind: TimeInForce, filled: int) -> None:
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    stage.place(time_in_force=kind)
    stage.pass_ms(20)

    assert sum(each.size_units for each in fills(stage)) == filled
    assert bool(stage.told(VenueCancelled)) is (kind is TimeInForce.FAK)


@given(
    asks=st.dictionaries(st.integers(30, 60), st.integers(1, 40), max_size=5),
    size=st.integers(5, 90),
    side=st.sampled_from(Side),
    kind=st.sampled_from((TimeInForce.FAK, TimeInForce.FOK)),
)
def test_a_purchase_that_never_rests_gets_for_its_money_what_the_local_exchange_would_give(
    asks: dict[int, int], size: int, side: Side, kind: TimeInForce
) -> None:
    levels = sorted((10 * price, shares) for price, shares in asks.items())
    stage = VenueStage(out_ms=0, taker_delay_ms=0)
    stage.show([], levels, UP if side is Side.YES else DOWN)
    stage.place(side=side, size_units=shares(size), time_in_force=kind)
    stage.pass_ms(20)
    exchange = OrderBook()
    outcome = Outcome.UP if side is Side.YES else Outcome.DOWN
    for number, (price, count) in enumerate(levels):
        rests = _engine_order(outcome, price, shares(count), is_buy=False)
        resting = WorkingOrder.of(rests, number, 0)
        exchange.side(resting).add(resting)
    taker = WorkingOrder.of(_engine_order(outcome, 500, shares(size), is_buy=True), 99, 0)
    plan, left = exchange.plan(taker)
    expected = [(taker.own_price(price), units) for price, units in plan]
    if kind is TimeInForce.FOK and not taker.is_done_with(left):
        expected = []

    assert [(each.price_ticks, each.size_units) for each in fills(stage)] == expected
    whole = [each for each in stage.told(VenueFilled) if isinstance(each, VenueFilled)]
    assert any(each.is_last for each in whole) is taker.is_done_with(left)


def _engine_order(outcome: Outcome, price: int, units: int, *, is_buy: bool) -> NewOrder:
    return NewOrder(
        order_id="1",
        owner="one",
        outcome=outcome,
        is_buy=is_buy,
        price_ticks=price,
        size_units=units,
        lifetime=Lifetime.FAK if is_buy else Lifetime.GTC,
        spend_nanos=price * units if is_buy else None,
    )


def test_the_end_of_the_window_ends_what_rests_and_refuses_what_comes() -> None:
    stage = VenueStage(out_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    stage.place("order_1_0000000a", price_ticks=480)
    stage.pass_ms(20)
    stage.venue.end_window()
    stage.place("order_2_0000000b", price_ticks=480)
    stage.pass_ms(20)

    assert reasons(stage.news) == ["the window is over", "the market takes no more orders"]


def test_drawn_latencies_keep_the_order_of_what_was_sent() -> None:
    stage = VenueStage(out_ms=50, latency_jitter_ms=200, taker_delay_ms=0)
    stage.show([(480, 50)], [(500, 8)])
    for number in range(1, 40):
        order_id = f"order_{number}_0000000a"
        stage.place(order_id, price_ticks=470, size_units=shares(5))
        stage.withdraw(order_id)
        stage.pass_ms(7)
    stage.pass_ms(1_000)

    assert stage.venue.resting_count == 0  # no cancel came before its order
    accepted = [each.order_id for each in stage.told(VenueAccepted)]
    assert accepted == [f"order_{number}_0000000a" for number in range(1, 40)]


@pytest.mark.parametrize(("told_ms", "set_ms", "delay_ms"), [(70, None, 70), (70, 30, 30)])
def test_a_recorded_delay_counts_unless_the_settings_say_another(
    told_ms: int, set_ms: int | None, delay_ms: int
) -> None:
    stage = VenueStage(out_ms=0, recorded_delay_ms=told_ms, taker_delay_ms=set_ms)
    stage.show([(480, 50)], [(500, 100)])
    stage.place(price_ticks=500)
    stage.pass_ms(delay_ms + 9)
    assert fills(stage) == []
    stage.pass_ms(1)

    assert len(fills(stage)) == 1
