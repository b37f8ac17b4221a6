"""The faults that real traders met, each against the real executor; numbers as in the code."""

from __future__ import annotations

from typing import Any

import pytest
from order_builders import MARKET, ORDER_ID, T0
from real_bench import (
    OWNER,
    READY,
    VENUE_ID,
    Bench,
    venue_id,
    wire_maker_trade,
    wire_order,
    wire_trade,
)

from actors.core import Record
from actors.directory.messages import MarketOpened, Side
from actors.execution.messages import (
    Fill,
    FillFailed,
    FillReversed,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderForgotten,
    OrderRejected,
    OrderReport,
    OrderStatus,
    OutcomeUnknown,
    TimeInForce,
)
from actors.execution.real.messages import (
    AccountUnread,
    CancelFailed,
    CancelOrders,
    OrderSigned,
    PostOrder,
    PostRefused,
    SignOrder,
)
from actors.execution.real.orders import OrderPosted
from actors.execution.real.reconciler import LAG_MS, UNKNOWN_WINDOW_MS
from actors.feeds.connection import Connect, Connected, Disconnected
from actors.feeds.user_channel import Settlement
from actors.messages import TimerFired
from actors.roles import POSITION
from actors.strategy.messages import Action
from actors.units import shares, taker_fee_nanos

LONG = {"expires_at_ms": T0 + 60_000}


def test_an_order_is_recorded_signed_recorded_and_only_then_posted() -> None:
    bench = Bench().open()
    bench.submit()
    assert bench.live.payload == ""
    assert bench.posts == []
    bench.sign()
    assert bench.live.venue_order_id == VENUE_ID
    assert bench.posts == [bench.live.payload]
    assert bench.live.posted_at_ms == T0


def test_the_record_comes_before_the_command_to_post() -> None:
    bench = Bench().open()
    bench.submit()
    effects = bench.give(
        OrderSigned(
            order_id=ORDER_ID,
            venue_order_id=VENUE_ID,
            payload="{}",
            offered_units=shares(10),
        )
    )
    kinds = [type(getattr(effect, "command", effect)) for effect in effects]
    assert kinds.index(Record) < kinds.index(PostOrder)


# F1, F2, F3: no clear answer


@pytest.mark.parametrize("doubt", ["no answer", 500, 502, 503, 504, 408])
def test_an_unclear_posting_leaves_the_order_unknown_and_asks_by_its_hash(doubt: Any) -> None:
    bench = Bench().open()
    bench.place(None)
    bench.advance(T0 + 1_000)
    if isinstance(doubt, int):
        bench.refuse(doubt, "order timed out")
    else:
        bench.lose()
    assert bench.status is OrderStatus.UNKNOWN
    assert len(bench.news(OutcomeUnknown)) == 1
    assert bench.readings[-1].venue_order_ids == (VENUE_ID,)
    assert bench.readings[-1].market_ids == (MARKET.market_id,)


def test_an_unknown_order_that_is_found_resting_is_adopted_and_never_posted_again() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.read_until(T0 + 40_000, wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED
    assert bench.news(OrderAccepted) == [OrderAccepted(ORDER_ID, VENUE_ID)]
    assert len(bench.posts) == 1


def test_an_unknown_order_that_traded_is_found_by_its_trade() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(T0 + 40_000, wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED
    assert [news.fill.trade_id for news in bench.news(Fill)] == ["t1"]
    assert len(bench.posts) == 1


def test_an_order_that_never_arrived_is_posted_again_in_the_same_bytes_after_the_window() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.read_until(T0 + UNKNOWN_WINDOW_MS - 500)
    assert len(bench.posts) == 1
    assert bench.status is OrderStatus.UNKNOWN
    bench.read_until(T0 + UNKNOWN_WINDOW_MS + 2_000)
    assert len(bench.posts) == 2
    assert bench.posts[0] == bench.posts[1]
    assert len(bench.commanded(SignOrder)) == 1
    bench.answer("live")
    assert bench.status is OrderStatus.ACCEPTED


def test_a_repost_that_the_venue_knows_already_is_not_taken_for_a_refusal() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.read_until(T0 + UNKNOWN_WINDOW_MS + 2_000)
    bench.refuse(400, f"order {VENUE_ID} is invalid. Duplicated.")
    assert bench.status is OrderStatus.UNKNOWN
    bench.read_until(bench.now_ms + 3_000, wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED
    assert len(bench.posts) == 2


@pytest.mark.parametrize(
    "text",
    ["not enough balance / allowance", "invalid signature", "no orders found to match with FAK"],
)
def test_a_refused_repost_proves_nothing_of_the_first_posting(text: str) -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.read_until(T0 + UNKNOWN_WINDOW_MS + 2_000)
    bench.refuse(400, text)
    assert bench.status is OrderStatus.UNKNOWN
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(bench.now_ms + 3_000, wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED


def test_an_order_whose_time_is_over_is_not_posted_again_and_ends_when_no_trace_is_found() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.lose()
    bench.read_until(T0 + UNKNOWN_WINDOW_MS - 500)
    assert bench.status is OrderStatus.UNKNOWN
    bench.read_until(T0 + UNKNOWN_WINDOW_MS + 2_000)
    assert len(bench.posts) == 1
    assert bench.news(OrderCancelled) == [
        OrderCancelled(ORDER_ID, "the venue has no trace of it", 0)
    ]


def test_unknown_never_ends_while_the_venue_cannot_be_read() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.lose()
    for _ in range(300):
        bench.give(AccountUnread(read_id=bench.readings[-1].read_id, reason="no answer"))
        bench.advance(bench.now_ms + 1_000)
    assert bench.status is OrderStatus.UNKNOWN


def test_an_absence_must_last_in_reading_after_reading() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.lose()
    bench.read_until(T0 + 10_000)
    bench.give(AccountUnread(read_id=bench.readings[-1].read_id - 1, reason="an old one"))
    bench.read_until(T0 + 12_000, wire_order("DELAYED"))
    assert bench.status is OrderStatus.ACCEPTED


# F4, F5: the venue's delay


def test_a_delayed_order_is_never_sent_again_and_fills_when_its_trade_comes() -> None:
    bench = Bench().open()
    bench.place("delayed", **LONG)
    assert bench.status is OrderStatus.ACCEPTED
    bench.read_until(T0 + 3_000, wire_order("DELAYED"))
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(T0 + 10_000, wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED
    assert len(bench.posts) == 1


def test_an_order_answered_unmatched_is_unknown_and_adopted_if_it_rests() -> None:
    bench = Bench().open()
    bench.place("unmatched", **LONG)
    assert bench.status is OrderStatus.UNKNOWN
    assert bench.news(OrderRejected) == []
    bench.read(wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED


# F6: ghost fills


def test_a_fill_counts_when_it_is_matched_and_is_taken_back_when_it_fails() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    assert bench.live.trades[0].settlement is Settlement.MATCHED
    bench.hear(wire_trade("t1", 10, status="FAILED"))
    assert bench.live.trades[0].settlement is Settlement.FAILED
    assert [(news.trade_id) for news in bench.news(FillFailed)] == ["t1"]
    assert bench.report().failed_trade_ids == ("t1",)


def test_a_failure_that_a_restart_missed_is_found_by_reading() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.restart()
    bench.read(wire_trade("t1", 10, status="TRADE_STATUS_FAILED"))
    assert bench.news(FillFailed)[0].trade_id == "t1"


def test_a_trade_first_heard_of_as_failed_is_told_and_taken_back() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 4, status="FAILED"))
    assert [news.fill.trade_id for news in bench.news(Fill)] == ["t1"]
    assert [news.trade_id for news in bench.news(FillFailed)] == ["t1"]


def test_a_failure_after_the_order_has_left_is_told_to_position_until_it_is_booked() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.forget_order()
    bench.book("t1")
    bench.forget()
    bench.hear(wire_trade("t1", 10, status="FAILED"))
    told = bench.told(POSITION, FillReversed)
    assert [each.fill.trade_id for each in told] == ["t1"]
    assert told[0].answer_to == "executor"
    bench.restart()
    assert bench.told(POSITION, FillReversed) == told
    bench.advance(bench.now_ms + 3_000)
    assert len(bench.told(POSITION, FillReversed)) >= 3
    bench.book("t1", is_reversal=True)
    bench.forget()
    bench.advance(bench.now_ms + 3_000)
    assert bench.told(POSITION, FillReversed) == []
    assert bench.news(FillFailed) == []


def test_an_order_that_has_not_heard_of_a_failure_hears_of_it_before_it_is_forgotten() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10), wire_trade("t1", 10, status="FAILED"))
    bench.forget()
    bench.forget_order()
    assert bench.news(OrderForgotten) == []
    assert [news.failed_trade_ids for news in bench.news(OrderReport)] == [("t1",)]
    bench.forget_order(ORDER_ID, "t1")
    assert len(bench.news(OrderForgotten)) == 1


def test_what_an_order_may_have_missed_is_told_to_position_when_it_leaves() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10), wire_trade("t1", 10, status="FAILED"))
    bench.forget_order(ORDER_ID, "t1")
    assert [each.fill.trade_id for each in bench.told(POSITION, OrderFilled)] == ["t1"]
    assert [each.fill.trade_id for each in bench.told(POSITION, FillReversed)] == ["t1"]


def test_a_row_stays_open_until_its_window_is_past_and_its_trades_are_final() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.forget_order()
    bench.book("t1")
    bench.ledger[Side.YES] = shares(10)
    past_ms = MARKET.closes_at_ms + 200_000
    bench.read_until(past_ms, wire_trade("t1", 10))
    assert bench.live in bench.saved("live")
    bench.read_until(past_ms + 40_000, wire_trade("t1", 10, status="CONFIRMED"))
    assert bench.live not in bench.saved("live")


# F7, F8, F9: own fills


def test_a_trade_counts_once_however_often_and_in_whatever_status_it_is_told() -> None:
    bench = Bench().open()
    bench.place()
    for status in ("MATCHED", "MINED", "MATCHED", "CONFIRMED", "MINED", "RETRYING"):
        bench.hear(wire_trade("t1", 4, status=status))
    bench.restart()
    bench.hear(wire_trade("t1", 4, status="CONFIRMED"))
    bench.read(wire_trade("t1", 4, status="TRADE_STATUS_CONFIRMED"), wire_order("LIVE", 4))
    assert bench.live.traded_units == shares(4)
    assert bench.live.trades[0].settlement is Settlement.CONFIRMED
    assert len(bench.report().fills) == 1


def test_one_trade_that_fills_several_of_our_orders_counts_once_for_each() -> None:
    bench = Bench(max_open_orders=4).open()
    bench.place()
    bench.place(order_id="order_2_0000beef", side=Side.YES)
    other = venue_id("order_2_0000beef")
    trade = wire_maker_trade("t1", (VENUE_ID, 3), (other, 5))
    bench.hear(trade, trade)
    assert [news.fill.size_units for news in bench.news(Fill)] == [shares(3)]
    assert [news.fill.size_units for news in bench.news(Fill, "order_2_0000beef")] == [shares(5)]
    assert all(news.fill.is_maker and news.fill.fee_nanos == 0 for news in bench.news(Fill))


def test_a_maker_fill_across_tokens_is_booked_on_the_order_s_own_side_and_price() -> None:
    bench = Bench().open()
    bench.place()
    taker = {"asset_id": MARKET.no_token, "side": "BUY", "price": "0.55", "size": "7"}
    bench.hear(wire_maker_trade("t1", (VENUE_ID, 3), **taker))
    fill = bench.news(Fill)[0].fill
    assert (fill.price_ticks, fill.size_units) == (450, shares(3))
    bench.forget_order()
    assert bench.live.intent.side is Side.YES


def test_a_taker_s_fill_costs_the_fee_that_the_venue_does_not_itemise() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10, price="0.44"))
    fill = bench.news(Fill)[0].fill
    assert fill.price_ticks == 440
    assert fill.fee_nanos == taker_fee_nanos(440, shares(10), MARKET.fee_rate_bps) > 0


# F10, F11: the order of events


def test_a_fill_may_come_before_the_answer_to_its_posting() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.hear(wire_trade("t1", 10), wire_order("MATCHED", 10))
    assert bench.status is OrderStatus.FILLED
    bench.answer("matched")
    assert bench.status is OrderStatus.FILLED
    assert len(bench.news(Fill)) == 1


def test_events_that_come_before_a_lost_answer_leave_no_doubt() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.hear(wire_order("LIVE", type="PLACEMENT"))
    bench.lose()
    assert bench.status is OrderStatus.ACCEPTED
    assert bench.news(OutcomeUnknown) == []


@pytest.mark.parametrize("late", ["LIVE", "DELAYED", "MATCHED", ""])
def test_a_late_word_does_not_revive_a_finished_order(late: str) -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_order("CANCELED", 0, type="CANCELLATION"))
    assert bench.status is OrderStatus.CANCELLED
    bench.hear(wire_order(late))
    bench.answer("live")
    assert bench.status is OrderStatus.CANCELLED
    assert bench.news(OrderAccepted) == [OrderAccepted(ORDER_ID, VENUE_ID)]


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


# F15: the balance lags


def sell(**changes: Any) -> dict[str, Any]:
    return {
        "action": Action.SELL,
        "time_in_force": TimeInForce.FAK,
        "expires_at_ms": T0 + 5_000,
    } | changes


def test_a_sale_that_the_balance_lags_behind_is_posted_again_in_the_same_bytes() -> None:
    bench = Bench().open()
    bench.place(None, **sell())
    bench.refuse(400, "not enough balance / allowance: the balance is not enough")
    assert bench.status is OrderStatus.PENDING
    assert bench.live.posted_at_ms == 0
    bench.advance(T0 + 600)
    assert bench.posts[0] == bench.posts[1]
    assert bench.last(PostOrder).refreshed_token == MARKET.yes_token
    bench.answer("matched")
    bench.hear(wire_trade("t1", 10, side="SELL"))
    assert bench.status is OrderStatus.FILLED


def test_a_sale_that_never_finds_its_shares_ends_with_the_venue_s_reason() -> None:
    bench = Bench().open()
    bench.place(None, **sell())
    while bench.now_ms < T0 + 6_000:
        if len(bench.posts) > len(bench.news(OutcomeUnknown)) and bench.live.posted_at_ms:
            bench.refuse(400, "not enough balance / allowance")
        bench.advance(bench.now_ms + 50)
    ended = bench.news(OrderCancelled)
    assert len(ended) == 1
    assert "not enough balance" in ended[0].reason
    assert 3 <= len(bench.posts) <= 6


def test_a_purchase_without_the_money_is_refused_at_once() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.refuse(400, "not enough balance / allowance")
    assert bench.status is OrderStatus.REJECTED
    assert bench.live.posted_at_ms == 0


# F16, F17: the venue takes none now


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (425, "the matching engine is restarting"),
        (429, "Too Many Requests"),
        (503, "post-only mode: only post-only orders and cancels are allowed"),
        (503, "Trading is currently cancel-only. New orders are not accepted"),
        (503, "Trading is currently disabled. Check polymarket.com for updates"),
        (0, "no connection"),
    ],
)
def test_while_the_venue_takes_none_orders_wait_and_then_leave_in_the_same_bytes(
    status: int, text: str
) -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.refuse(status, text, retry_after_ms=8_000)
    assert bench.status is OrderStatus.PENDING
    bench.place(None, order_id="order_2_0000beef", side=Side.NO, **LONG)
    bench.advance(T0 + 7_900)
    assert len(bench.posts) == 1
    bench.read_until(T0 + 8_100)
    assert len(bench.posts) == 3
    assert bench.posts[0] == bench.posts[1]


def test_an_order_that_waited_too_long_ends_and_says_why() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.refuse(425, "the matching engine is restarting")
    bench.advance(T0 + 4_000)
    assert bench.news(OrderCancelled)[0].reason.endswith("the matching engine is restarting")
    assert len(bench.posts) == 1


def test_cancels_go_on_while_new_orders_wait() -> None:
    bench = Bench().open()
    bench.place()
    bench.place(None, order_id="order_2_0000beef", side=Side.NO)
    bench.give(PostRefused(order_id="order_2_0000beef", status=425, text="restarting"))
    bench.cancel()
    assert bench.last(CancelOrders).venue_order_ids == (VENUE_ID,)


def test_no_order_leaves_before_a_cancel_that_must_wait() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.cancel()
    bench.give(CancelFailed(venue_order_ids=(VENUE_ID,), reason="429", retry_after_ms=3_000))
    bench.place(None, order_id="order_2_0000beef", side=Side.NO, **LONG)
    assert len(bench.posts) == 1
    bench.forget()
    bench.read_until(T0 + 3_100, wire_order("LIVE"))
    order = [type(each) for each in bench.commands if isinstance(each, CancelOrders | PostOrder)]
    assert order == [CancelOrders, PostOrder]


# F18, F19: restarts


def test_a_resting_order_is_adopted_with_its_fills_after_a_restart() -> None:
    bench = Bench().open()
    bench.place(**LONG)
    bench.hear(wire_trade("t1", 4))
    bench.restart()
    report = bench.news(OrderReport)[-1]
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
    assert bench.news(OrderReport)[-1].status is OrderStatus.CANCELLED


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
    bench.forget_order()
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
