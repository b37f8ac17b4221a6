"""Faults around the posting of an order, against the real executor; numbers as in the code."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from order_builders import MARKET, ORDER_ID, T0
from polymarket.errors import RequestRejectedError, UnexpectedResponseError
from real_bench import VENUE_ID, Bench, wire_order, wire_trade

from actors.core import Record
from actors.execution.real.account_readings import READ_HOLD_MAX_MS, READ_RETRY_MAX_MS
from actors.execution.real.messages import (
    AccountUnread,
    CancelFailed,
    CancelOrders,
    OrderSigned,
    PostOrder,
    PostRefused,
    ReadAccount,
    SignOrder,
)
from actors.execution.real.port import VenuePort
from actors.execution.real.reconciler import UNKNOWN_WINDOW_MS
from actors.messages.execution import (
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OrderStatus,
    OutcomeUnknown,
)
from actors.messages.halts import CancelEverything
from actors.model import Action, Side, TimeInForce
from actors.settings import VenueSettings
from actors.units import shares

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


def test_an_account_that_cannot_be_read_is_asked_for_less_often_and_told_once() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.lose()
    before, logs_count = len(bench.readings), len(bench.logs)
    for _ in range(60):
        bench.give(AccountUnread(read_id=bench.readings[-1].read_id, reason="no answer"))
        bench.advance(bench.now_ms + 1_000)
    assert 60_000 // READ_RETRY_MAX_MS <= len(bench.readings) - before <= 15
    bench.advance(bench.now_ms + READ_RETRY_MAX_MS)
    bench.read()
    bench.give(AccountUnread(read_id=bench.readings[-1].read_id, reason="no answer"))
    told = [log.text for log in bench.logs[logs_count:] if "account" in log.text]
    assert told == ["the account could not be read: no answer", "the account can be read again"]


def test_f30_a_market_that_the_venue_does_not_show_proves_no_absence() -> None:
    bench = Bench().open()
    bench.place(None, **LONG)
    bench.lose()
    bench.read_until(T0 + 120_000, unread_markets=(MARKET.market_id,))
    assert bench.status is OrderStatus.UNKNOWN
    assert len(bench.posts) == 1


def test_the_account_is_read_again_soon_however_long_the_venue_asks_to_wait() -> None:
    bench = Bench().open()
    bench.place()
    bench.listen()
    bench.advance(T0 + 2_000)
    read_id = bench.readings[-1].read_id
    bench.give(AccountUnread(read_id=read_id, reason="429", retry_after_ms=3_600_000))
    bench.advance(T0 + 2_000 + READ_HOLD_MAX_MS - 100)
    assert bench.readings[-1].read_id == read_id
    bench.advance(T0 + 2_100 + READ_HOLD_MAX_MS)
    assert bench.readings[-1].read_id > read_id


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


def test_an_order_signed_just_before_the_account_is_doubted_leaves_only_when_it_is_not() -> None:
    bench = Bench(unknown_orders="halt").open()
    bench.submit(**LONG)
    assert bench.commanded(SignOrder)
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(wire_order("LIVE", id="0x" + "77" * 32))
    assert not bench.core.is_serving
    bench.sign()
    assert [type(event) for event in bench.events if isinstance(event, OrderSigned)]
    assert bench.commanded(PostOrder) == []
    bench.read_until(bench.now_ms + 35_000)
    assert bench.core.is_serving
    assert len(bench.commanded(PostOrder)) == 1


def test_an_order_signed_while_the_account_is_cancelled_does_not_leave_meanwhile() -> None:
    bench = Bench(cancel_all_on_halt=True).open()
    bench.submit(**LONG)
    bench.give(CancelEverything("enough", 1))
    bench.sign()
    assert bench.commanded(PostOrder) == []


def test_one_order_that_the_venue_refuses_to_show_spoils_no_other_part_of_the_reading() -> None:
    asked = ReadAccount(
        read_id=1, venue_order_ids=("0xbad", VENUE_ID), market_ids=("0x1",), balances_of=("7", "8")
    )

    class Client:
        """The venue, which answers 400 for one order and for one token."""

        async def order(self, venue_order_id: str) -> object:
            if venue_order_id == "0xbad":
                raise RequestRejectedError("no such id", status=400)
            return wire_order()

        async def rows(self, path: str, _market_id: str) -> list[object]:
            return [wire_trade()] if "trades" in path else [wire_order()]

        async def balance_units(self, token: str) -> int:
            if token == "7":
                raise UnexpectedResponseError("a balance of -1")
            return 5

    port = VenuePort(VenueSettings(), None, "0x" + "b2" * 32)
    try:
        read = asyncio.run(port._account(asked, Client()))  # type: ignore[arg-type]
    finally:
        port.close()
    assert [order.order_id for order in read.orders] == [VENUE_ID]
    assert [trade.trade_id for trade in read.trades] == ["t1"]
    assert read.balances == (("8", 5),)
    assert [row.venue_order_id for row in read.unread] == ["0xbad", ""]
    assert read.unread_markets == ()


def test_401_for_one_order_still_voids_the_reading() -> None:
    class Client:
        """The venue, which refuses the credentials."""

        async def order(self, _venue_order_id: str) -> object:
            raise RequestRejectedError("who are you", status=401)

    port = VenuePort(VenueSettings(), None, "0x" + "b2" * 32)
    asked = ReadAccount(read_id=1, venue_order_ids=("0x1",), market_ids=(), balances_of=())
    try:
        with pytest.raises(RequestRejectedError):
            asyncio.run(port._account(asked, Client()))  # type: ignore[arg-type]
    finally:
        port.close()
