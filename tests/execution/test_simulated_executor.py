from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_builders import (
    MARKET,
    ORDER_ID,
    T0,
    book,
    dice,
    intent,
    records,
    saved,
    sent,
    settings,
    snapshot,
    timers,
)

from actors.core import Effects, Record, Send
from actors.directory.messages import MarketClosing, MarketOpened, Side
from actors.execution.messages import (
    CancelOrder,
    Fill,
    FillDetail,
    ForgetOrder,
    OrderAccepted,
    OrderCancelled,
    OrderForgotten,
    OrderIntent,
    OrderRejected,
    OrderReport,
    OrderStatus,
    OrderSubmitted,
    QueryOrder,
    SubmitOrder,
    TimeInForce,
)
from actors.execution.simulated import SimulatedExecutorCore
from actors.market.messages import BookView, MarketSnapshot, SnapshotTaken
from actors.messages import Started, TimerFired
from actors.roles import EXECUTOR, MARKET_STATE, order_role
from actors.strategy.messages import Action
from actors.units import shares, taker_fee_nanos

ARRIVES = T0 + 150
FIRST = ARRIVES + 200
SECOND = FIRST + 300
EXPIRES = T0 + 3_000


class Bench:
    """A simulated executor with the rows it saved, so that it can be started again."""

    def __init__(self, *, max_book_age_ms: int = 60_000) -> None:
        self.settings = attrs.evolve(
            settings(), strategy=attrs.evolve(settings().strategy, max_book_age_ms=max_book_age_ms)
        )
        self.rows: dict[tuple[str, str], object] = {}
        self.core = self._start(T0)

    def _start(self, now_ms: int) -> SimulatedExecutorCore:
        core = SimulatedExecutorCore(EXECUTOR, self.settings, dice())
        rows = tuple(value for (kind, _), value in self.rows.items() if kind in core.RECOVERS)
        self.started = core.handle(Started(rows), now_ms)
        return core

    def restart(self, now_ms: int) -> Effects:
        self.core = self._start(now_ms)
        return self.started

    def feed(self, message: object, now_ms: int) -> Effects:
        effects = self.core.handle(message, now_ms)
        for key, save in saved(effects).items():
            if save.is_open:
                self.rows[key] = save.value
            else:
                self.rows.pop(key)
        return effects

    def submit(self, now_ms: int = T0, **changes: Any) -> Effects:
        return self.feed(SubmitOrder(intent(**changes)), now_ms)

    def wake(self, now_ms: int, order_id: str = ORDER_ID) -> Effects:
        return self.feed(TimerFired(order_id), now_ms)

    def see(
        self, yes: BookView | None = None, now_ms: int = T0, no: BookView | None = None
    ) -> Effects:
        return self.feed(snapshot(yes, no, at_ms=now_ms), now_ms)

    def report(self, now_ms: int = T0, order_id: str = ORDER_ID) -> OrderReport:
        (report,) = sent(self.feed(QueryOrder(order_id), now_ms), OrderReport)
        assert isinstance(report, OrderReport)
        return report


def fills(effects: Effects) -> list[tuple[int, int]]:
    """(price, whole shares) of each fill told."""
    return [
        (message.fill.price_ticks, message.fill.size_units // shares(1))
        for message in sent(effects, Fill)
    ]


def test_an_order_is_on_its_way_for_the_latency() -> None:
    bench = Bench()
    effects = bench.submit()
    assert sent(effects, OrderSubmitted, order_role(ORDER_ID))
    assert timers(effects) == {ORDER_ID: 150}
    assert isinstance(effects[0], Record)


def test_enough_liquidity_at_the_limit_or_better_fills_it_whole_on_arrival() -> None:
    bench = Bench()
    bench.see(book(asks={440: 4, 450: 20, 460: 50}))
    bench.submit()
    effects = bench.wake(ARRIVES)
    assert sent(effects, OrderAccepted)
    assert fills(effects) == [(440, 4), (450, 6)]
    assert bench.report().status is OrderStatus.FILLED


def test_each_taken_level_is_a_fill_of_its_own_and_pays_the_takers_fee() -> None:
    bench = Bench()
    bench.see(book(asks={440: 4, 450: 20}))
    bench.submit()
    details = [message.fill for message in sent(bench.wake(ARRIVES), Fill)]
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
    assert sent(arrived, OrderAccepted)
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
    assert sent(effects, OrderAccepted)
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
    assert bench.feed(TimerFired("forget/order_9_99999999"), T0) == []


def test_what_rests_and_is_crossed_later_trades_at_its_own_limit_without_a_fee() -> None:
    bench = Bench()
    bench.see(book(asks={480: 50}))
    bench.submit()
    assert fills(bench.wake(ARRIVES)) == []
    effects = bench.see(book(asks={430: 4, 440: 2, 480: 50}), ARRIVES + 50)
    (message,) = sent(effects, Fill)
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
        snapshot(attrs.evolve(book(asks={440: 99}), is_synced=False)),
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
    assert sent(effects, OrderAccepted)
    assert fills(effects) == []
    assert bench.report().status is OrderStatus.ACCEPTED


def test_what_rests_ends_by_its_time_to_live() -> None:
    bench = Bench()
    bench.submit()
    assert timers(bench.wake(ARRIVES)) == {ORDER_ID: 3_000 - 150}
    (ended,) = sent(bench.wake(EXPIRES), OrderCancelled)
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
    assert [each.filled_units for each in sent(effects, OrderCancelled)] == [shares(4)]


def test_fill_and_kill_without_a_match_ends_on_arrival() -> None:
    bench = Bench()
    bench.see(book(bids={440: 4}))
    bench.submit(action=Action.SELL, time_in_force=TimeInForce.FAK)
    effects = bench.wake(ARRIVES)
    assert not sent(effects, OrderAccepted)
    assert sent(effects, OrderCancelled)


def test_a_cancel_on_the_way_is_obeyed_on_arrival() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    assert not sent(bench.feed(CancelOrder(ORDER_ID, "halted"), T0 + 10), object)
    effects = bench.wake(ARRIVES)
    assert fills(effects) == []
    assert [each.reason for each in sent(effects, OrderCancelled)] == ["halted"]


def test_a_cancel_tells_how_much_was_traded_before_it() -> None:
    bench = Bench()
    bench.see(book(asks={450: 5}))
    bench.submit()
    bench.wake(ARRIVES)
    bench.wake(FIRST)
    (ended,) = sent(bench.feed(CancelOrder(ORDER_ID, "halted"), FIRST + 1), OrderCancelled)
    assert ended.filled_units == shares(3)


def test_a_cancel_that_overtakes_its_order_keeps_it_from_ever_leaving() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    assert sent(bench.feed(CancelOrder(ORDER_ID, "halted"), T0), OrderCancelled)
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
    (report,) = sent(bench.submit(EXPIRES), OrderReport)
    assert report.status is OrderStatus.CANCELLED
    assert bench.rows == {}


def test_a_forgotten_order_is_kept_until_no_late_copy_can_bring_it_back() -> None:
    bench = Bench()
    bench.see(book(asks={440: 99}))
    bench.submit()
    bench.wake(ARRIVES)
    effects = bench.feed(ForgetOrder(ORDER_ID), ARRIVES + 5)
    assert sent(effects, OrderForgotten, order_role(ORDER_ID))
    bench.restart(ARRIVES + 10)
    assert not sent(bench.submit(ARRIVES + 10), OrderSubmitted)
    assert timers(bench.started) == {f"forget/{ORDER_ID}": EXPIRES - ARRIVES - 10}
    bench.feed(TimerFired(f"forget/{ORDER_ID}"), EXPIRES)
    assert ("paper", ORDER_ID) not in bench.rows
    assert bench.report(EXPIRES).status is None


def test_forgetting_is_answered_however_often_it_is_asked_for() -> None:
    bench = Bench()
    assert sent(bench.feed(ForgetOrder(ORDER_ID), T0), OrderForgotten)


def test_an_order_that_lives_is_not_forgotten() -> None:
    bench = Bench()
    bench.submit()
    assert not sent(bench.feed(ForgetOrder(ORDER_ID), T0), OrderForgotten)
    assert bench.report().status is OrderStatus.PENDING


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
    assert [each.fill.trade_id for each in sent(effects, Fill)] == [f"paper-{ORDER_ID}-2"]


def test_f24_a_price_off_the_grid_that_holds_on_arrival_is_rejected() -> None:
    bench = Bench()
    coarse = attrs.evolve(MARKET, tick_size_ticks=100)
    bench.feed(snapshot(book(asks={440: 99}), market=coarse), T0)
    bench.submit()
    effects = bench.wake(ARRIVES)
    assert [each.reason for each in sent(effects, OrderRejected)]
    assert fills(effects) == []
    assert bench.report().status is OrderStatus.REJECTED


def test_f25_the_end_of_the_window_ends_what_is_left_in_it() -> None:
    bench = Bench()
    bench.submit()
    bench.wake(ARRIVES)
    assert bench.feed(MarketClosing("0xother"), ARRIVES + 1) == []
    (ended,) = sent(bench.feed(MarketClosing(MARKET.market_id), ARRIVES + 1), OrderCancelled)
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
            told |= {each.fill.trade_id: each.fill for each in sent(effects, Fill)}
        if step % restart_every == 0:
            bench.restart(now_ms)
    assert sum(each.size_units for each in told.values()) <= wanted.size_units
    assert tuple(told.values()) == bench.report(now_ms).fills
    for each in told.values():
        if action is Action.BUY:
            assert each.price_ticks <= wanted.price_ticks
        else:
            assert each.price_ticks >= wanted.price_ticks
