from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from order_builders import MARKET, ORDER_ID, T0, book, intent, records, snapshot, timers
from simulated_stage import ARRIVES, EXPIRES, FIRST, SECOND, Bench, fills, news

from actors.core import Record, Send
from actors.messages.execution import (
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderIntent,
    OrderRejected,
    OrderStatus,
    OrderSubmitted,
    SubmitOrder,
)
from actors.messages.lifecycle import Recalled, TimerFired
from actors.messages.market import MarketSnapshot
from actors.model import Action, FillDetail, Side, TimeInForce
from actors.units import shares, taker_fee_nanos


def test_an_order_is_on_its_way_for_the_latency() -> None:
    bench = Bench()
    effects = bench.submit()
    assert timers(effects) == {ORDER_ID: 150}
    assert isinstance(effects[0], Record)
    assert effects[0].event == OrderSubmitted(ORDER_ID)


def test_enough_liquidity_at_the_limit_or_better_fills_it_whole_on_arrival() -> None:
    bench = Bench()
    bench.see(book(asks={440: 4, 450: 20, 460: 50}))
    bench.submit()
    effects = bench.wake(ARRIVES)
    assert news(effects, OrderAccepted)
    assert fills(effects) == [(440, 4), (450, 6)]
    assert bench.report().status is OrderStatus.FILLED


def test_each_taken_level_is_a_fill_of_its_own_and_pays_the_takers_fee() -> None:
    bench = Bench()
    bench.see(book(asks={440: 4, 450: 20}))
    bench.submit()
    details = [message.fill for message in news(bench.wake(ARRIVES), Fill)]
    assert [detail.trade_id for detail in details] == [f"paper-{ORDER_ID}-{n}" for n in (1, 2)]
    assert [detail.fee_nanos for detail in details] == [
        taker_fee_nanos(440, shares(4), 700),
        taker_fee_nanos(450, shares(6), 700),
    ]
    assert not any(detail.is_maker for detail in details)


def test_too_little_liquidity_fills_thirty_percent_after_200_ms_and_the_rest_300_ms_later() -> None:
    bench = Bench()
    bench.see(book(asks={450: 5}))
    bench.submit()
    arrived = bench.wake(ARRIVES)
    assert news(arrived, OrderAccepted)
    assert fills(arrived) == []
    assert timers(arrived) == {ORDER_ID: 200}
    first = bench.wake(FIRST)
    assert fills(first) == [(450, 3)]
    assert timers(first) == {ORDER_ID: 300}
    bench.see(book(asks={450: 40}), FIRST + 1)
    assert fills(bench.wake(SECOND)) == [(450, 7)]
    assert bench.report().status is OrderStatus.FILLED


def test_both_parts_take_no_more_than_the_book_then_shows() -> None:
    bench = Bench()
    bench.see(book(asks={450: 2}))
    bench.submit()
    bench.wake(ARRIVES)
    assert fills(bench.wake(FIRST)) == [(450, 2)]
    bench.see(book(asks={450: 1, 460: 90}), FIRST + 1)
    assert fills(bench.wake(SECOND)) == [(450, 1)]
    assert bench.report().status is OrderStatus.PARTIALLY_FILLED


def test_shares_displayed_once_fill_us_once() -> None:
    bench = Bench()
    bench.see(book(asks={450: 5}))
    bench.submit()
    bench.wake(ARRIVES)
    taken = [*fills(bench.wake(FIRST)), *fills(bench.wake(SECOND))]
    assert taken == [(450, 3), (450, 2)]
    assert fills(bench.see(book(asks={450: 5}), SECOND + 1)) == []
    assert fills(bench.see(book(asks={450: 6}), SECOND + 2)) == [(450, 5)]


def test_displayed_shares_that_one_order_took_are_gone_for_the_next_also_after_a_restart() -> None:
    bench = Bench()
    bench.see(book(asks={450: 10}))
    bench.submit()
    bench.wake(ARRIVES)
    bench.restart(ARRIVES + 1)
    bench.see(book(asks={450: 10}), ARRIVES + 2)
    other = "order_2_22222222"
    bench.submit(order_id=other)
    effects = bench.wake(ARRIVES + 200, other)
    assert news(effects, OrderAccepted)
    assert fills(effects) == []


def test_what_was_taken_in_one_window_is_nothing_to_the_next() -> None:
    bench = Bench()
    bench.see(book(asks={450: 10}))
    bench.submit()
    bench.wake(ARRIVES)
    following = attrs.evolve(MARKET, market_id="0xnext", yes_token="next-yes", no_token="next-no")
    bench.feed(snapshot(book(asks={450: 10}), at_ms=T0 + 1_000, market=following), T0 + 1_000)
    other = "order_2_22222222"
    bench.submit(T0 + 1_000, order_id=other, market=following, expires_at_ms=T0 + 4_000)
    assert fills(bench.wake(T0 + 1_150, other)) == [(450, 10)]


def test_a_timer_that_fires_too_early_or_too_late_does_nothing() -> None:
    bench = Bench()
    bench.submit()
    assert timers(bench.wake(T0 + 100)) == {ORDER_ID: 50}
    assert bench.wake(T0 + 100, "order_9_99999999") == []
    bench.feed(TimerFired("forget/order_9_99999999"), T0)
    assert bench.feed(Recalled("order", "order_9_99999999", None, about=None), T0) == []


def test_what_rests_and_is_crossed_later_trades_at_its_own_limit_without_a_fee() -> None:
    bench = Bench()
    bench.see(book(asks={480: 50}))
    bench.submit()
    assert fills(bench.wake(ARRIVES)) == []
    effects = bench.see(book(asks={430: 4, 440: 2, 480: 50}), ARRIVES + 50)
    (message,) = news(effects, Fill)
    assert (message.fill.price_ticks, message.fill.size_units) == (450, shares(6))
    assert (message.fill.is_maker, message.fill.fee_nanos) == (True, 0)
    assert bench.report().status is OrderStatus.PARTIALLY_FILLED


def test_a_sale_takes_bids_at_its_limit_or_better() -> None:
    bench = Bench()
    bench.see(book(bids={470: 4, 450: 20, 440: 99}))
    bench.submit(action=Action.SELL)
    assert fills(bench.wake(ARRIVES)) == [(470, 4), (450, 6)]


def test_a_no_order_trades_on_the_no_book() -> None:
    bench = Bench()
    bench.see(book(asks={450: 99}), no=book(asks={440: 99}))
    bench.submit(side=Side.NO)
    assert fills(bench.wake(ARRIVES)) == [(440, 10)]


@pytest.mark.parametrize(
    "market_snapshot",
    [
        snapshot(replace(book(asks={440: 99}), is_synced=False)),
        snapshot(book(asks={440: 99}, bids={440: 1})),
        snapshot(book(asks={440: 99}, at_ms=T0 - 10_000)),
        snapshot(book(asks={440: 99}), market=attrs.evolve(MARKET, market_id="0xother")),
    ],
    ids=["unsynced", "crossed", "stale", "of another market"],
)
def test_an_order_rests_on_a_book_that_is_no_basis_for_a_trade(
    market_snapshot: MarketSnapshot,
) -> None:
    bench = Bench(max_book_age_ms=2_000)
    bench.feed(market_snapshot, T0)
    bench.submit()
    effects = bench.wake(ARRIVES)
    assert news(effects, OrderAccepted)
    assert fills(effects) == []
    assert bench.report().status is OrderStatus.ACCEPTED


def test_what_rests_ends_by_its_time_to_live() -> None:
    bench = Bench()
    bench.submit()
    assert timers(bench.wake(ARRIVES)) == {ORDER_ID: 3_000 - 150}
    (ended,) = news(bench.wake(EXPIRES), OrderCancelled)
    assert ended.filled_units == 0
    assert bench.report().status is OrderStatus.CANCELLED


def test_fill_and_kill_cancels_what_did_not_fill() -> None:
    bench = Bench()
    bench.see(book(bids={450: 4}))
    bench.submit(action=Action.SELL, time_in_force=TimeInForce.FAK)
    bench.wake(ARRIVES)
    assert fills(bench.wake(FIRST)) == [(450, 3)]
    effects = bench.wake(SECOND)
    assert fills(effects) == [(450, 1)]
    assert [each.filled_units for each in news(effects, OrderCancelled)] == [shares(4)]


def test_fill_and_kill_without_a_match_ends_on_arrival() -> None:
    bench = Bench()
    bench.see(book(bids={440: 4}))
    bench.submit(action=Action.SELL, time_in_force=TimeInForce.FAK)
    effects = bench.wake(ARRIVES)
    assert not news(effects, OrderAccepted)
    assert news(effects, OrderCancelled)


def test_fill_or_kill_takes_all_of_it_at_once_or_nothing() -> None:
    bench = Bench()
    bench.see(book(asks={440: 4, 450: 5}))
    bench.submit(time_in_force=TimeInForce.FOK)
    effects = bench.wake(ARRIVES)
    assert fills(effects) == []
    assert [each.filled_units for each in news(effects, OrderCancelled)] == [0]
    enough = Bench()
    enough.see(book(asks={440: 4, 450: 7}))
    enough.submit(time_in_force=TimeInForce.FOK)
    assert fills(enough.wake(ARRIVES)) == [(440, 4), (450, 6)]


def test_a_purchase_that_never_rests_is_sized_in_money_and_gets_more_where_it_is_cheaper() -> None:
    bench = Bench()
    bench.see(book(asks={400: 99}))
    bench.submit(time_in_force=TimeInForce.FAK)  # 10 at 0.45: $4.50
    (filled,) = news(bench.wake(ARRIVES), Fill)
    assert (filled.fill.price_ticks, filled.fill.size_units) == (400, 11_250_000)
    assert bench.report().status is OrderStatus.FILLED
    too_few = Bench()
    too_few.see(book(asks={400: 11}))  # as many shares as it named, for less than its money
    too_few.submit(time_in_force=TimeInForce.FOK)
    assert news(too_few.wake(ARRIVES), OrderCancelled)
    in_parts = Bench()
    in_parts.see(book(asks={400: 11}))
    in_parts.submit(time_in_force=TimeInForce.FAK)
    in_parts.wake(ARRIVES)
    (first,) = news(in_parts.wake(FIRST), Fill)
    assert first.fill.size_units == 3_375_000  # 30 % of the money
    (ended,) = news(in_parts.wake(SECOND), OrderCancelled)
    assert ended.filled_units == shares(11)


def test_a_post_only_order_that_would_take_is_rejected_and_rests_otherwise() -> None:
    bench = Bench()
    bench.see(book(asks={450: 1}))
    bench.submit(is_post_only=True)
    (rejected,) = news(bench.wake(ARRIVES), OrderRejected)
    assert rejected.reason == "invalid post-only order: order crosses book"
    resting = Bench()
    resting.see(book(asks={460: 99}))
    resting.submit(is_post_only=True)
    assert news(resting.wake(ARRIVES), OrderAccepted)
    (filled,) = news(resting.see(book(asks={440: 99}), ARRIVES + 10), Fill)
    assert (filled.fill.is_maker, filled.fill.price_ticks) == (True, 450)


@pytest.mark.parametrize("kind", [TimeInForce.GTC, TimeInForce.GTD])
def test_what_is_left_of_a_good_till_order_rests(kind: TimeInForce) -> None:
    bench = Bench()
    bench.see(book(asks={460: 99}))
    bench.submit(time_in_force=kind)
    assert news(bench.wake(ARRIVES), OrderAccepted)
    assert bench.report().status is OrderStatus.ACCEPTED


def test_a_fill_is_recorded_before_it_is_told() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    effects = bench.wake(ARRIVES)
    first_send = next(i for i, effect in enumerate(effects) if isinstance(effect, Send))
    assert [i for i, effect in enumerate(effects) if isinstance(effect, Record)] < [first_send]
    assert len(records(effects)) == 1


books = st.dictionaries(
    st.integers(38, 55).map(lambda cent: cent * 10), st.integers(1, 30), max_size=6
)


@given(
    script=st.lists(st.tuples(books, st.integers(1, 400)), max_size=25),
    size=st.integers(5, 40),
    action=st.sampled_from(Action),
    restart_every=st.integers(2, 9),
)
def test_no_script_of_books_overfills_an_order_or_fills_it_beyond_its_limit(
    script: list[tuple[dict[int, int], int]], size: int, action: Action, restart_every: int
) -> None:
    bench = Bench()
    wanted: OrderIntent = intent(action=action, size_units=shares(size))
    bench.feed(SubmitOrder(wanted), T0)
    told: dict[str, FillDetail] = {}
    now_ms = T0
    for step, (levels, wait_ms) in enumerate(script):
        now_ms += wait_ms
        shown = book(asks=levels, at_ms=now_ms)
        if action is Action.SELL:
            shown = book(bids=levels, at_ms=now_ms)
        for effects in (bench.see(shown, now_ms), bench.wake(now_ms)):
            told |= {each.fill.trade_id: each.fill for each in news(effects, Fill)}
        if step % restart_every == 0:
            bench.restart(now_ms)
    assert sum(each.size_units for each in told.values()) <= wanted.size_units
    assert tuple(told.values()) == bench.report(now_ms).fills
    for each in told.values():
        if action is Action.BUY:
            assert each.price_ticks <= wanted.price_ticks
        else:
            assert each.price_ticks >= wanted.price_ticks
