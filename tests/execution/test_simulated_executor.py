from __future__ import annotations

import attrs
from order_builders import MARKET, ORDER_ID, T0, book, order, records, sent, snapshot, timers
from simulated_stage import ARRIVES, EXPIRES, FIRST, SECOND, Bench, fills, news

from actors.core import Effects
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import (
    CLOCK_STEP_MAX_MS,
    CancelOrder,
    Fill,
    OrderCancelled,
    OrderRejected,
    OrderReport,
    OrderState,
    OrderStatus,
)
from actors.messages.lifecycle import Recalled, TimerFired
from actors.messages.market import SnapshotTaken
from actors.roles import MARKET_STATE
from actors.units import shares


def test_a_cancel_on_the_way_is_obeyed_on_arrival() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    assert not sent(bench.feed(CancelOrder(ORDER_ID, "halted"), T0 + 10), object)
    effects = bench.wake(ARRIVES)
    assert fills(effects) == []
    assert [each.reason for each in news(effects, OrderCancelled)] == ["halted"]


def test_a_cancel_tells_how_much_was_traded_before_it() -> None:
    bench = Bench()
    bench.see(book(asks={450: 5}))
    bench.submit()
    bench.wake(ARRIVES)
    bench.wake(FIRST)
    assert not news(bench.feed(CancelOrder(ORDER_ID, "halted"), FIRST + 1), OrderCancelled)
    (ended,) = news(bench.wake(FIRST + 151), OrderCancelled)
    assert (ended.filled_units, ended.reason) == (shares(3), "halted")


def test_what_rests_can_trade_until_its_cancel_has_arrived() -> None:
    bench = Bench()
    bench.submit()
    bench.wake(ARRIVES)
    assert timers(bench.feed(CancelOrder(ORDER_ID, "quoted anew"), ARRIVES + 10)) == {ORDER_ID: 150}
    assert not bench.feed(CancelOrder(ORDER_ID, "said again"), ARRIVES + 20)
    assert fills(bench.see(book(asks={440: 4}), ARRIVES + 159)) == [(450, 4)]
    bench.restart(ARRIVES + 159)
    assert timers(bench.started) == {ORDER_ID: 1}
    (ended,) = news(bench.wake(ARRIVES + 160), OrderCancelled)
    assert (ended.filled_units, ended.reason) == (shares(4), "quoted anew")


def test_a_cancel_that_overtakes_its_order_keeps_it_from_ever_leaving() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    assert news(bench.feed(CancelOrder(ORDER_ID, "halted"), T0), OrderCancelled)
    (report,) = sent(bench.submit(), OrderReport)
    assert report.status is OrderStatus.CANCELLED
    bench.restart(T0 + 1)
    (report,) = sent(bench.submit(T0 + 2), OrderReport)
    assert report.status is OrderStatus.CANCELLED


def test_invariant_4_a_second_submit_is_answered_from_the_record() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    assert [each.status for each in sent(bench.submit(), OrderReport)] == [OrderStatus.PENDING]
    bench.wake(ARRIVES)
    (report,) = sent(bench.submit(), OrderReport)
    assert report.status is OrderStatus.FILLED
    assert sum(detail.size_units for detail in report.fills) == shares(10)


def test_a_submit_is_answered_from_the_record_after_its_order_ended_and_a_restart() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    bench.wake(ARRIVES)
    bench.restart(ARRIVES + 1)
    (report,) = sent(bench.submit(), OrderReport)
    assert report.status is OrderStatus.FILLED


def test_a_submit_that_comes_after_its_time_to_live_is_not_carried_out() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    assert news(bench.submit(EXPIRES), OrderCancelled)
    (report,) = sent(bench.submit(EXPIRES - 30_000), OrderReport)  # the clock was set back
    assert report.status is OrderStatus.CANCELLED


def test_an_order_that_ended_is_kept_until_no_late_copy_can_bring_it_back() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    bench.wake(ARRIVES)
    bench.restart(ARRIVES + 10)
    assert not records(bench.submit(ARRIVES + 10))
    forget = f"forget/{ORDER_ID}"
    assert timers(bench.started) == {forget: EXPIRES + CLOCK_STEP_MAX_MS - ARRIVES - 10}
    recall = bench.feed(TimerFired(forget), EXPIRES + CLOCK_STEP_MAX_MS)
    assert [(each.kind, each.key) for each in recall] == [("order", ORDER_ID)]
    bench.feed(recalled(order(OrderStatus.FILLED, 10)), EXPIRES + CLOCK_STEP_MAX_MS)
    assert ("paper", ORDER_ID) not in bench.rows
    assert bench.report(EXPIRES).status is None


def test_an_order_is_kept_while_its_order_has_not_recorded_the_end() -> None:
    bench = Bench()
    bench.feed(CancelOrder(ORDER_ID, "halted"), T0)
    effects = bench.feed(recalled(order(OrderStatus.ACCEPTED)), T0 + CLOCK_STEP_MAX_MS)
    assert timers(effects) == {f"forget/{ORDER_ID}": CLOCK_STEP_MAX_MS}
    assert bench.report().status is OrderStatus.CANCELLED
    bench.feed(recalled(None), T0 + CLOCK_STEP_MAX_MS)
    assert bench.report().status is None


def recalled(row: OrderState | None) -> Recalled:
    return Recalled("order", ORDER_ID, row, about=None)


def test_f18_a_resting_order_goes_on_after_a_restart_with_the_time_it_had_left() -> None:
    bench = Bench()
    bench.submit()
    bench.wake(ARRIVES)
    started = bench.restart(T0 + 1_000)
    assert timers(started) == {ORDER_ID: 2_000}
    assert [each.status for each in sent(started, OrderReport)] == [OrderStatus.ACCEPTED]
    assert fills(bench.see(book(asks={450: 10}, at_ms=T0 + 1_100), T0 + 1_100)) == [(450, 10)]


def test_f18_a_half_filled_order_goes_on_after_a_restart_where_it_was() -> None:
    bench = Bench()
    bench.see(book(asks={450: 5}))
    bench.submit()
    bench.wake(ARRIVES)
    bench.wake(FIRST)
    started = bench.restart(FIRST + 100)
    assert timers(started) == {ORDER_ID: 200}
    bench.see(book(asks={450: 50}), FIRST + 150)
    effects = bench.wake(SECOND)
    assert fills(effects) == [(450, 7)]
    assert [each.fill.trade_id for each in news(effects, Fill)] == [f"paper-{ORDER_ID}-2"]


def test_f24_a_price_off_the_grid_that_holds_on_arrival_is_rejected() -> None:
    bench = Bench()
    coarse = attrs.evolve(MARKET, tick_size_ticks=100)
    bench.feed(snapshot(book(asks={440: 99}), market=coarse), T0)
    bench.submit()
    effects = bench.wake(ARRIVES)
    assert [each.reason for each in news(effects, OrderRejected)]
    assert fills(effects) == []
    assert bench.report().status is OrderStatus.REJECTED


def test_f25_the_end_of_the_window_ends_what_is_left_in_it() -> None:
    bench = Bench()
    bench.submit()
    bench.wake(ARRIVES)
    assert bench.feed(MarketClosing("0xother"), ARRIVES + 1) == []
    (ended,) = news(bench.feed(MarketClosing(MARKET.market_id), ARRIVES + 1), OrderCancelled)
    assert ended.reason == "the window is over"


def test_while_an_order_lives_every_snapshot_is_answered_so_that_the_next_can_come() -> None:
    bench = Bench()
    bench.submit()
    newer = bench.see(now_ms=T0 + 5)
    older = bench.see(now_ms=T0)
    assert answered(newer) == [6]
    assert answered(older) == [1]


def test_without_an_order_a_snapshot_waits_for_its_answer_until_one_comes() -> None:
    bench = Bench()
    assert answered(bench.see(now_ms=T0)) == []
    assert answered(bench.see(now_ms=T0 + 5)) == []
    assert answered(bench.submit()) == [6]
    assert answered(bench.submit(order_id="order_b")) == []


def answered(effects: Effects) -> list[int]:
    return [each.sequence for each in sent(effects, SnapshotTaken, MARKET_STATE)]


def test_an_opened_window_needs_no_preparation() -> None:
    assert Bench().feed(MarketOpened(market=MARKET, strike=None), T0) == []
