"""Restarts, reconnects, and what the venue cancels, against the real executor; numbers as there."""

from __future__ import annotations

import pytest
from order_builders import MARKET, ORDER_ID, T0
from real_bench import OWNER, READY, VENUE_ID, Bench, wire_order, wire_trade

from actors.execution.real.messages import CancelOrders, SignOrder
from actors.execution.real.orders import OrderPosted
from actors.execution.real.reconciler import LAG_MS, UNKNOWN_WINDOW_MS
from actors.feeds.connection import Connect, Connected, Disconnected
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderCancelled, OrderFilled, OrderStatus
from actors.messages.lifecycle import TimerFired
from actors.model import Side
from actors.roles import POSITION
from actors.units import shares

LONG = {"expires_at_ms": T0 + 60_000}


# F14: reconnects


def test_a_new_user_channel_subscribes_and_reads_what_it_may_have_missed() -> None:
    bench = Bench().open()
    bench.place()
    bench.advance(T0 + 2_000)
    epoch = bench.last(Connect).epoch
    bench.give(Disconnected(epoch, "cut"))
    bench.forget()
    bench.give(TimerFired("reconnect"))
    before = len(bench.readings)
    bench.give(Connected(epoch + 1))
    assert len(bench.readings) == before + 1
    bench.ledger[Side.YES] = shares(4)
    bench.read(wire_order("LIVE", 4), wire_trade("t1", 4))
    assert bench.live.traded_units == shares(4)


def test_what_the_channel_says_unreadably_is_read_by_rest() -> None:
    bench = Bench().open()
    bench.place()
    bench.advance(T0 + 2_000)
    before = len(bench.readings)
    bench.hear(wire_trade("t1", price="none"))
    assert len(bench.readings) == before + 1


# F18, F19: restarts


def test_a_resting_order_is_adopted_with_its_fills_after_a_restart() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.hear(wire_trade("t1", 4))
    bench.restart()
    report = bench.reports[-1]
    assert report.status is OrderStatus.PARTIALLY_FILLED
    assert [fill.trade_id for fill in report.fills] == ["t1"]
    bench.ledger[Side.YES] = shares(6)
    bench.read(wire_order("LIVE", 6), wire_trade("t1", 4), wire_trade("t2", 2))
    assert bench.live.traded_units == shares(6)
    assert bench.posts == []


def test_an_order_being_posted_at_the_fall_is_unknown_and_not_posted_before_it_was_looked_for() -> (
    None
):
    bench = Bench().open()
    bench.place(None, **LONG)
    bytes_before = bench.live.payload
    bench.restart()
    assert bench.status is OrderStatus.UNKNOWN
    bench.read_until(T0 + UNKNOWN_WINDOW_MS - 500)
    assert bench.posts == []
    bench.read_until(T0 + UNKNOWN_WINDOW_MS + 3_000)
    assert bench.posts == [bytes_before]


def test_an_order_that_was_being_signed_at_the_fall_ends_and_is_never_signed_again() -> None:
    bench = Bench().open()
    bench.submit()
    bench.restart()
    assert bench.news(OrderCancelled)[0].filled_units == 0
    bench.read()
    bench.agree()
    bench.submit()
    assert bench.commanded(SignOrder) == []
    assert bench.reports[-1].status is OrderStatus.CANCELLED


def test_a_signed_order_that_was_held_is_posted_after_a_restart_and_a_reading() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.refuse(425, "restarting")
    payload = bench.live.payload
    bench.restart()
    assert bench.posts == []
    bench.read()
    bench.agree()
    assert bench.posts == [payload]


def test_nothing_is_signed_before_the_account_was_read_and_agreed_with() -> None:
    bench = Bench()
    bench.start()
    bench.give(MarketOpened(market=MARKET, strike=None))
    bench.submit()
    bench.give(READY)
    assert bench.commanded(SignOrder) == []
    bench.read()
    assert bench.commanded(SignOrder) == []
    bench.agree()
    assert len(bench.commanded(SignOrder)) == 1


# F25: the venue cancels by itself


@pytest.mark.parametrize(
    "status", ["CANCELED_NOT_ENOUGH_BALANCE", "CANCELED_MARKET_RESOLVED", "INVALID", "CANCELED"]
)
def test_an_order_that_the_venue_cancels_ends_with_the_venue_s_reason(status: str) -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.hear(wire_order(status, 0, type="CANCELLATION"))
    ended = bench.news(OrderCancelled)[0]
    assert status in ended.reason
    assert ended.filled_units == 0


def test_a_cancel_whose_size_is_not_told_ends_only_when_no_more_trades_are_found() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.hear(wire_order("CANCELED", "", type="CANCELLATION"))
    assert bench.status is OrderStatus.ACCEPTED
    bench.ledger[Side.YES] = shares(4)
    bench.read_until(T0 + LAG_MS - 500, wire_trade("t1", 4))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.read_until(T0 + LAG_MS + 2_000, wire_trade("t1", 4))
    assert bench.news(OrderCancelled)[0].filled_units == shares(4)


def test_a_cancelled_order_waits_for_the_trades_that_the_venue_counted() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.hear(wire_order("CANCELED", 4, type="CANCELLATION"))
    assert bench.status is OrderStatus.ACCEPTED
    assert bench.report().status is OrderStatus.ACCEPTED
    bench.hear(wire_trade("t1", 4))
    assert bench.news(OrderCancelled)[0].filled_units == shares(4)


def test_a_resting_order_that_vanished_unheard_ends_after_the_lag() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.read_until(T0 + 40_000)
    assert bench.news(OrderCancelled)[0].reason == "the venue no longer holds it"


def test_an_order_that_was_given_up_and_still_rests_is_cancelled() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.lose()
    bench.read_until(T0 + 20_000)
    assert bench.status is OrderStatus.CANCELLED
    bench.forget()
    bench.read_until(T0 + 60_000, wire_order("LIVE"))
    assert bench.last(CancelOrders).venue_order_ids == (VENUE_ID,)


def test_a_fill_of_an_order_that_was_given_up_still_reaches_the_ledger() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.lose()
    bench.read_until(T0 + 17_000)
    bench.hear(wire_trade("t1", 10))
    told = bench.told(POSITION, OrderFilled)
    assert [each.fill.size_units for each in told] == [shares(10)]


def test_a_fill_of_an_order_that_the_venue_refused_still_reaches_the_ledger() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.refuse(400, "invalid signature")
    bench.hear(wire_trade("t1", 10))
    assert [each.fill.trade_id for each in bench.told(POSITION, OrderFilled)] == ["t1"]
    assert bench.status is OrderStatus.REJECTED


def test_names_that_are_no_secret_stay_out_of_printed_rows() -> None:
    bench = Bench().open()
    bench.place()
    assert bench.live.payload not in repr(bench.live)
    assert OWNER not in repr(bench.live)


def test_every_posting_is_recorded_before_it_leaves() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.refuse(425, "restarting")
    bench.read_until(T0 + 6_000)
    assert OrderPosted(ORDER_ID) in bench.events
