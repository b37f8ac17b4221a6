"""What the real executor does when nothing, or little, goes wrong."""

from __future__ import annotations

import attrs
import pytest
from order_builders import MARKET, ORDER_ID, T0, order, snapshot
from real_bench import VENUE_ID, Bench, venue_id, wire_order, wire_trade

from actors.execution.real.messages import (
    CancelAll,
    CancelOrders,
    PostAnswered,
    SigningFailed,
    SignOrder,
)
from actors.messages.directory import MarketClosing
from actors.messages.execution import (
    CLOCK_STEP_MAX_MS,
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderRejected,
    OrderReport,
    OrderStatus,
)
from actors.messages.halts import CancelEverything
from actors.messages.market import SnapshotTaken
from actors.model import Action, Side, TimeInForce
from actors.roles import MARKET_STATE
from actors.units import shares

LONG = {"expires_at_ms": T0 + 60_000}
SECOND = "order_2_0000beef"


# An order's usual life


def test_an_order_rests_trades_and_is_filled() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_order("LIVE", type="PLACEMENT"))
    bench.hear(wire_order("LIVE", 4), wire_trade("t1", 4))
    bench.hear(wire_trade("t2", 6), wire_order("MATCHED", 10))
    ended = [OrderAccepted, Fill, Fill, OrderCompleted]
    assert [type(each) for each in bench.news(object)] == ended
    assert {each.status for _, each in bench.sent if isinstance(each, OrderReport)} == {
        OrderStatus.ACCEPTED,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
    }
    assert bench.report().status is OrderStatus.FILLED


def test_what_is_signed_is_the_intent() -> None:
    bench = Bench().open()
    bench.submit(side=Side.NO)
    assert bench.commanded(SignOrder) == [
        SignOrder(
            order_id=ORDER_ID,
            token=MARKET.no_token,
            action=Action.BUY,
            price_ticks=450,
            size_units=shares(10),
            time_in_force=TimeInForce.GTC,
        )
    ]


def test_a_repeated_submission_is_answered_and_nothing_is_signed_again() -> None:
    bench = Bench().open()
    bench.place()
    bench.submit()
    assert len(bench.commanded(SignOrder)) == 1
    assert bench.reports[-1].status is OrderStatus.ACCEPTED


def test_an_order_that_is_unknown_here_is_said_to_be() -> None:
    bench = Bench().open()
    assert bench.report().status is None


def test_an_order_whose_time_was_over_is_not_taken_in() -> None:
    bench = Bench().open()
    bench.submit(expires_at_ms=T0)
    assert bench.reports[0].status is OrderStatus.CANCELLED
    bench.correct_clock(-30_000)
    bench.submit(expires_at_ms=T0)
    assert [each.status for each in bench.reports] == [OrderStatus.CANCELLED] * 2
    assert bench.commanded(SignOrder) == []


def test_an_order_that_breaks_a_rule_is_refused_before_it_is_signed_and_stays_so() -> None:
    bench = Bench().open()
    bench.submit(price_ticks=455)
    assert "tick size" in bench.news(OrderRejected)[0].reason
    bench.restart()
    bench.submit(price_ticks=455)
    assert bench.reports[-1].status is OrderStatus.REJECTED
    assert bench.commanded(SignOrder) == []


def test_the_grid_that_holds_now_decides() -> None:
    bench = Bench().open()
    fine = attrs.evolve(MARKET, tick_size_ticks=1)
    bench.give(snapshot(market=fine))
    assert bench.told(MARKET_STATE, SnapshotTaken) == [SnapshotTaken(1)]
    bench.submit(price_ticks=455)
    assert bench.news(OrderRejected) == []
    assert bench.live.status is OrderStatus.PENDING


def test_a_remainder_finer_than_the_venue_trades_ends_the_order_as_cancelled() -> None:
    bench = Bench().open()
    bench.place(size_units=10_004_000)
    bench.hear(wire_trade("t1", 10))
    assert bench.status is OrderStatus.CANCELLED
    assert bench.news(OrderCancelled)[0].filled_units == shares(10)


def test_rounding_between_an_order_s_size_and_its_trades_ends_the_order() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 9.995), wire_order("MATCHED", 10))
    assert bench.status is OrderStatus.CANCELLED
    assert bench.news(OrderCancelled)[0].filled_units == 9_995_000


def test_more_than_was_ordered_is_counted_and_is_shown() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 7), wire_trade("t2", 7))
    assert bench.live.traded_units == shares(14)
    assert bench.status is OrderStatus.FILLED
    assert [log.level for log in bench.logs] == ["error"]


def test_a_fill_and_kill_order_without_a_match_is_over() -> None:
    bench = Bench().open()
    bench.place(None, action=Action.SELL, time_in_force=TimeInForce.FAK)
    bench.refuse(400, "no orders found to match with FAK order. FAK orders are killed")
    assert bench.news(OrderCancelled)[0].filled_units == 0


def test_a_fill_and_kill_order_is_asked_about_until_it_is_over() -> None:
    bench = Bench().open()
    bench.place("live", action=Action.SELL, time_in_force=TimeInForce.FAK, **LONG)
    bench.ledger[Side.YES] = -shares(4)
    bench.read_until(T0 + 15_000, wire_trade("t1", 4, side="SELL"))
    assert bench.news(OrderCancelled)[0].filled_units == shares(4)


def test_a_failed_signing_is_tried_again_or_ends_the_order() -> None:
    bench = Bench().open()
    bench.submit()
    bench.give(SigningFailed(order_id=ORDER_ID, reason="no metadata", may_retry=True))
    bench.advance(T0 + 1_100)
    assert len(bench.commanded(SignOrder)) == 2
    bench.give(SigningFailed(order_id=ORDER_ID, reason="price is off", may_retry=False))
    assert bench.news(OrderRejected)[0].reason == "price is off"


def test_a_venue_that_calls_an_order_otherwise_is_believed_and_shown() -> None:
    bench = Bench().open()
    bench.place(None)
    other = "0x" + "99" * 32
    bench.give(PostAnswered(order_id=ORDER_ID, venue_order_id=other, status="live"))
    assert bench.live.venue_order_id == other
    assert bench.logs[-1].level == "error"
    bench.hear(wire_trade("t1", 10, taker_order_id=other))
    assert bench.status is OrderStatus.FILLED


# Cancels


def test_a_cancel_is_evidence_of_an_end_and_the_trades_are_still_awaited() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.cancel()
    assert bench.last(CancelOrders).venue_order_ids == (VENUE_ID,)
    bench.cancelled(VENUE_ID)
    assert bench.status is OrderStatus.ACCEPTED
    bench.hear(wire_order("CANCELED", 0, type="CANCELLATION"))
    assert bench.news(OrderCancelled)[0] == OrderCancelled(ORDER_ID, "enough", 0)


def test_a_cancel_said_again_while_one_is_under_way_is_not_sent_twice() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.cancel()
    bench.cancel()
    assert len(bench.commanded(CancelOrders)) == 1


def test_a_cancel_before_the_answer_to_the_posting_waits_for_it() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.cancel()
    assert bench.commanded(CancelOrders) == []
    bench.answer("live")
    assert len(bench.commanded(CancelOrders)) == 1


def test_a_cancel_during_the_venue_s_delay_is_said_again_soon() -> None:
    bench = Bench().open()
    bench.place("delayed", **LONG)
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "cannot cancel: order is pending"})
    bench.advance(T0 + 400)
    assert len(bench.commanded(CancelOrders)) == 2


def test_a_cancel_of_what_has_matched_leads_to_its_trades() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "order can't be found - already canceled or matched"})
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(T0 + 2_500, wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED


def test_an_order_that_has_not_left_is_cancelled_at_once() -> None:
    bench = Bench().open()
    bench.submit()
    bench.cancel()
    assert bench.news(OrderCancelled)[0].filled_units == 0
    bench.sign()
    assert bench.posts == []


def test_an_order_cancelled_before_it_came_is_never_carried_out() -> None:
    bench = Bench().open()
    bench.cancel()
    assert bench.reports[-1].status is OrderStatus.CANCELLED
    bench.restart()
    bench.read()
    bench.agree()
    bench.submit()
    bench.cancel()
    assert bench.commanded(SignOrder) == []
    bench.read_until(T0 + CLOCK_STEP_MAX_MS + 40_000)
    assert bench.saved("live") == []


def test_an_order_cancelled_before_it_came_is_remembered_until_its_order_has_ended() -> None:
    bench = Bench().open()
    bench._bench.rows["order", ORDER_ID] = (order(OrderStatus.PENDING), True)
    bench.cancel()
    bench.read_until(T0 + 2 * CLOCK_STEP_MAX_MS)
    bench.submit(expires_at_ms=MARKET.closes_at_ms)
    assert bench.commanded(SignOrder) == []
    bench._bench.rows["order", ORDER_ID] = (order(OrderStatus.CANCELLED), False)
    bench.read_until(bench.now_ms + 60_000)
    assert bench.saved("live") == []


def test_orders_of_a_window_that_is_over_are_cancelled_in_one_request() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.place(order_id=SECOND, side=Side.NO, **LONG)
    bench.give(MarketClosing(MARKET.market_id))
    assert [set(each.venue_order_ids) for each in bench.commanded(CancelOrders)] == [
        {VENUE_ID, venue_id(SECOND)}
    ]


def test_a_resting_order_of_a_past_window_is_cancelled_at_the_start() -> None:
    bench = Bench().open()
    bench.place(expires_at_ms=MARKET.closes_at_ms)
    bench.now_ms = MARKET.closes_at_ms + 1
    bench.restart()
    assert bench.last(CancelOrders).venue_order_ids == (VENUE_ID,)


@pytest.mark.parametrize("is_all", [False, True])
def test_a_halt_takes_everything_back_and_if_wanted_the_whole_account(is_all: bool) -> None:
    bench = Bench(cancel_all_on_halt=is_all).open()
    bench.place(**LONG)
    bench.submit(order_id=SECOND, side=Side.NO)
    bench.give(CancelEverything("escalation", T0))
    assert bench.last(CancelOrders).venue_order_ids == (VENUE_ID,)
    assert bench.news(OrderCancelled, SECOND)[0].reason == "escalation"
    assert len(bench.commanded(CancelAll)) == is_all
