"""What the real executor does when nothing, or little, goes wrong."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from order_builders import MARKET, ORDER_ID, T0, intent, snapshot
from real_bench import READY, VENUE_ID, Bench, venue_id, wire_order, wire_trade

from actors.directory.messages import MarketClosing, MarketOpened, Side
from actors.execution.messages import (
    CancelEverything,
    CancelOrder,
    Fill,
    HaltTrading,
    OrderAccepted,
    OrderCancelled,
    OrderForgotten,
    OrderRejected,
    OrderReport,
    OrderStatus,
    OrderSubmitted,
    SubmitOrder,
    TimeInForce,
)
from actors.execution.real.claims import BY_HAND_AFTER, MERGE_AFTER_MS, REDEEM_AFTER_MS
from actors.execution.real.messages import (
    CancelAll,
    CancelOrders,
    ClaimFailed,
    ClaimHoldings,
    ClientFailed,
    HeartbeatAnswered,
    HeartbeatFailed,
    HoldingsClaimed,
    OpenClient,
    PostAnswered,
    PostOrder,
    SendHeartbeat,
    SigningFailed,
    SignOrder,
    SubscribeUser,
)
from actors.feeds.connection import Connect, Disconnect, SendText
from actors.feeds.messages import FeedHealth, FeedStale, FeedUp
from actors.market.messages import SnapshotTaken
from actors.messages import PeerRestarted
from actors.position.messages import PositionWanted
from actors.roles import DESK, MARKET_STATE, OBSERVER, POSITION, order_role
from actors.strategy.messages import Action
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
    told = [type(each) for _, each in bench.sent if _ == order_role(ORDER_ID)]
    assert told == [OrderSubmitted, OrderAccepted, Fill, Fill]
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
    assert bench.news(OrderReport)[-1].status is OrderStatus.ACCEPTED


def test_an_order_that_is_unknown_here_is_said_to_be() -> None:
    bench = Bench().open()
    assert bench.report().status is None


def test_an_order_whose_time_was_over_is_not_taken_in() -> None:
    bench = Bench().open()
    bench.submit(expires_at_ms=T0)
    assert bench.news(OrderReport)[0].status is OrderStatus.CANCELLED
    assert bench.saved("live") == []


def test_an_order_that_breaks_a_rule_is_refused_before_it_is_signed_and_stays_so() -> None:
    bench = Bench().open()
    bench.submit(price_ticks=455)
    assert "tick size" in bench.news(OrderRejected)[0].reason
    bench.restart()
    bench.submit(price_ticks=455)
    assert bench.news(OrderReport)[-1].status is OrderStatus.REJECTED
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


def test_more_than_was_ordered_is_never_counted_and_is_shown() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 7), wire_trade("t2", 7))
    assert bench.live.traded_units == shares(10)
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
    assert bench.news(OrderReport)[-1].status is OrderStatus.CANCELLED
    bench.restart()
    bench.read()
    bench.agree()
    bench.submit()
    bench.cancel()
    assert bench.commanded(SignOrder) == []
    bench.read_until(T0 + 40_000)
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


# Leaving


def test_an_order_that_lives_cannot_be_forgotten() -> None:
    bench = Bench().open()
    bench.place()
    bench.forget_order()
    assert bench.news(OrderForgotten) == []
    assert bench.logs[-1].level == "error"


def test_forgetting_is_answered_however_often_it_is_asked_for() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.forget_order()
    bench.restart()
    bench.forget_order()
    bench.forget_order("order_9_never")
    assert len(bench.news(OrderForgotten)) == 1
    assert len(bench.news(OrderForgotten, "order_9_never")) == 1


# The window and the account


def test_nothing_is_sent_for_a_window_that_was_not_read() -> None:
    bench = Bench().open()
    following = attrs.evolve(
        MARKET, market_id="0xnext", yes_token="y2", no_token="n2", closes_at_ms=T0 + 2_000_000
    )
    bench.submit(market=following)
    assert bench.commanded(SignOrder) == []
    bench.give(MarketOpened(market=following, strike=None))
    assert not bench.core.is_serving
    assert following.market_id in bench.readings[-1].market_ids


def test_a_late_copy_of_a_past_window_is_ignored() -> None:
    bench = Bench().open()
    past = attrs.evolve(MARKET, market_id="0xpast", closes_at_ms=T0 - 1)
    bench.give(MarketOpened(market=past, strike=None))
    assert bench.core.is_serving


def test_a_ledger_that_differs_for_long_halts_trading_and_names_both_numbers() -> None:
    bench = Bench().open()
    bench.ledger[Side.YES] = shares(3)
    bench.read_until(T0 + 60_000)
    halts = bench.told(DESK, HaltTrading)
    assert "holds 3 YES and 0 NO, the venue's trades say 0 YES and 0 NO" in halts[0].reason
    assert halts[0].cancel
    assert not bench.core.is_serving
    bench.submit(expires_at_ms=T0 + 90_000)
    assert bench.news(OrderRejected)[0].reason == halts[0].reason
    bench.forget()
    bench.give(PeerRestarted(DESK))
    assert bench.told(DESK, HaltTrading)[0].reason == halts[0].reason


def test_a_ledger_that_does_not_answer_is_asked_again_and_nothing_is_signed() -> None:
    bench = Bench()
    bench.start()
    bench.give(MarketOpened(market=MARKET, strike=None))
    bench.give(READY)
    bench.read()
    bench.submit()
    bench.advance(bench.now_ms + 2_500)
    assert len(bench.told(POSITION, PositionWanted)) >= 3
    assert bench.commanded(SignOrder) == []


@pytest.mark.parametrize(
    ("policy", "halts", "cancels"), [("halt", True, 0), ("cancel", False, 1), ("leave", False, 0)]
)
def test_an_order_that_nobody_here_knows_is_treated_by_policy(
    policy: str, halts: bool, cancels: int
) -> None:
    bench = Bench(unknown_orders=policy).open()
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(wire_order("LIVE", id="0x" + "77" * 32))
    bench.agree()
    assert bool(bench.told(DESK, HaltTrading)) is halts
    assert len(bench.commanded(CancelOrders)) == cancels
    assert bench.core.is_serving is not halts


def test_an_unknown_order_of_another_market_is_no_concern() -> None:
    bench = Bench().open()
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(wire_order("LIVE", id="0x" + "77" * 32, market="0xelsewhere"))
    assert bench.told(DESK, HaltTrading) == []


# Credentials and connections


def test_without_credentials_nothing_leaves_and_they_are_asked_for_again() -> None:
    bench = Bench()
    bench.start()
    bench.give(ClientFailed("401"))
    bench.submit()
    bench.advance(bench.now_ms + 6_000)
    assert len(bench.commanded(OpenClient)) == 2
    assert bench.commanded(SignOrder) == []
    assert bench.readings == []


def test_the_user_channel_is_subscribed_pinged_and_watched() -> None:
    bench = Bench()
    bench.start()
    bench.give(READY)
    bench.listen()
    assert len(bench.commanded(SubscribeUser)) == 1
    assert len(bench.told(OBSERVER, FeedUp)) == 1
    bench.advance(bench.now_ms + 40_000)
    assert bench.commanded(SendText)[0] == SendText("PING")
    assert len(bench.told(OBSERVER, FeedStale)) == 1
    assert len(bench.commanded(Disconnect)) == 1
    assert len(bench.commanded(Connect)) == 2
    assert bench.told(OBSERVER, FeedHealth)[-1].reconnect_count == 1


# The dead man's switch


def test_heartbeats_are_chained_and_sent_only_if_wanted() -> None:
    assert Bench().open().commanded(SendHeartbeat) == []
    bench = Bench(venue_heartbeat=True)
    bench.start()
    bench.give(READY)
    assert bench.commanded(SendHeartbeat) == [SendHeartbeat("")]
    bench.advance(bench.now_ms + 6_000)
    assert len(bench.commanded(SendHeartbeat)) == 1
    bench.give(HeartbeatAnswered("h1"))
    bench.advance(bench.now_ms + 5_000)
    assert bench.last(SendHeartbeat) == SendHeartbeat("h1")
    bench.give(HeartbeatFailed("mismatch", expected_id="h7"))
    assert bench.last(SendHeartbeat) == SendHeartbeat("h7")
    bench.give(HeartbeatFailed("no answer"))
    bench.advance(bench.now_ms + 5_000)
    assert len(bench.commanded(SendHeartbeat)) == 4


# Claims


def over(yes: int, no: int = 0) -> tuple[Bench, dict[str, Any]]:
    """A window that is over, with shares left in it."""
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10, status="CONFIRMED"))
    bench.forget_order()
    bench.book("t1")
    bench.give(MarketClosing(MARKET.market_id))
    following = attrs.evolve(
        MARKET, market_id="0xnext", yes_token="y2", no_token="n2", closes_at_ms=T0 + 9_000_000
    )
    bench.now_ms = MARKET.closes_at_ms
    bench.give(MarketOpened(market=following, strike=None))
    return bench, balances(yes, no)


def balances(yes: int, no: int) -> dict[str, Any]:
    return {"balances": ((MARKET.yes_token, shares(yes)), (MARKET.no_token, shares(no)))}


def test_complete_pairs_are_merged_when_the_window_is_over() -> None:
    bench, held = over(10, 4)
    bench.read_until(MARKET.closes_at_ms + MERGE_AFTER_MS + 61_000, **held)
    claim = bench.last(ClaimHoldings)
    assert claim == ClaimHoldings(market_id=MARKET.market_id, pairs_units=shares(4))


def test_shares_are_redeemed_when_the_window_is_resolved_and_the_claim_is_closed() -> None:
    bench, held = over(10)
    bench.read_until(MARKET.closes_at_ms + REDEEM_AFTER_MS - 1_000, **held)
    assert bench.commanded(ClaimHoldings) == []
    bench.read_until(MARKET.closes_at_ms + REDEEM_AFTER_MS + 40_000, **held)
    assert bench.commanded(ClaimHoldings) == [
        ClaimHoldings(market_id=MARKET.market_id, pairs_units=0)
    ]
    bench.give(HoldingsClaimed(MARKET.market_id))
    assert len(bench.saved("claim")) == 1
    bench.read_until(bench.now_ms + 40_000, **balances(0, 0))
    assert bench.saved("claim") == []


def test_what_cannot_be_claimed_is_told_as_to_do_and_never_forgotten() -> None:
    bench, held = over(10)
    for _ in range(BY_HAND_AFTER):
        count = len(bench.commanded(ClaimHoldings))
        while len(bench.commanded(ClaimHoldings)) == count:
            bench.read_until(bench.now_ms + 30_000, **held)
        bench.give(ClaimFailed(market_id=MARKET.market_id, reason="this wallet needs an API key"))
    assert "to do by hand" in bench.logs[-1].text
    bench.logs.clear()
    bench.restart()
    assert "to do by hand" in bench.logs[0].text
    assert "this wallet needs an API key" in bench.logs[0].text
    assert len(bench.saved("claim")) == 1


def test_a_submission_and_a_cancel_name_the_order_they_are_for() -> None:
    bench = Bench().open()
    bench.give(SubmitOrder(intent(order_id=SECOND)))
    bench.give(CancelOrder(SECOND, "no"))
    assert bench.news(OrderCancelled) == []
    assert len(bench.news(OrderCancelled, SECOND)) == 1
    assert bench.commanded(PostOrder) == []


# Money


def test_an_order_that_the_account_cannot_pay_with_its_fee_is_dropped() -> None:
    bench = Bench().open()
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(cash_units=4_600_000)
    bench.agree()
    bench.submit()
    assert "$4.67325 with the fee" in bench.news(OrderRejected)[0].reason
    assert "has $4.6 to spend" in bench.news(OrderRejected)[0].reason


def test_money_is_spoken_for_while_an_order_lives_and_gone_when_it_has_traded() -> None:
    bench = Bench().open()
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(cash_units=9_000_000)
    bench.agree()
    bench.place(**LONG)
    bench.submit(order_id=SECOND, side=Side.NO, **LONG)
    assert len(bench.news(OrderRejected, SECOND)) == 1
    bench.hear(wire_trade("t1", 10))
    bench.submit(order_id="order_3_0000cafe", side=Side.NO, **LONG)
    assert len(bench.news(OrderRejected, "order_3_0000cafe")) == 1
    bench.hear(wire_trade("t1", 10, status="FAILED"))
    bench.submit(order_id="order_4_0000cafe", side=Side.NO, **LONG)
    assert bench.news(OrderRejected, "order_4_0000cafe") == []


def test_a_sale_needs_no_money() -> None:
    bench = Bench().open()
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(cash_units=0)
    bench.agree()
    bench.submit(action=Action.SELL, time_in_force=TimeInForce.FAK)
    assert bench.news(OrderRejected) == []
