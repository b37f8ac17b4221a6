"""The real executor and its account: the window, credentials, claims and money."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from order_builders import MARKET, T0, intent
from real_bench import READY, Bench, wire_order, wire_trade

from actors.execution.real.messages import (
    CancelOrders,
    ClaimFailed,
    ClaimHoldings,
    ClientFailed,
    HeartbeatAnswered,
    HeartbeatFailed,
    HoldingsClaimed,
    OpenClient,
    PostOrder,
    SendHeartbeat,
    SignOrder,
    SubscribeUser,
)
from actors.execution.real.redemptions import (
    BY_HAND_AFTER,
    EMPTY_FOR_MS,
    MERGE_AFTER_MS,
    REDEEM_AFTER_MS,
)
from actors.execution.real.venue_session import HEARTBEAT_EVERY_MS
from actors.feeds.connection import Connect, Disconnect, SendText
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import CancelOrder, OrderCancelled, OrderRejected, SubmitOrder
from actors.messages.feeds import FeedHealth, FeedStale, FeedUp
from actors.messages.halts import HaltTrading
from actors.messages.lifecycle import PeerRestarted
from actors.messages.position import PositionWanted
from actors.model import Action, Side, TimeInForce
from actors.roles import DESK, OBSERVER, POSITION
from actors.units import shares

LONG = {"expires_at_ms": T0 + 60_000}
SECOND = "order_2_0000beef"


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


def test_a_reading_that_does_not_show_what_traded_meanwhile_proves_nothing() -> None:
    bench = Bench().open()
    bench.place("live", size_units=shares(1_000), expires_at_ms=T0 + 600_000)
    rows: list[dict[str, Any]] = []
    for number in range(20):
        bench.listen()
        bench.advance(bench.now_ms + 2_000)
        shown, row = list(rows), wire_trade(f"t{number}", 1, status="CONFIRMED")
        bench.hear(row)
        rows.append(row)
        bench.ledger[Side.YES] += shares(1)
        bench.read(wire_order("LIVE", number), *shown)
        bench.agree()
    assert bench.told(DESK, HaltTrading) == []
    assert bench.core.is_serving


def test_a_ledger_that_does_not_answer_is_asked_again_and_nothing_is_signed() -> None:
    bench = Bench().begin()
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


def test_a_venue_that_refuses_each_heartbeat_id_is_asked_no_quicker_and_told_once() -> None:
    bench = Bench(venue_heartbeat=True)
    bench.start()
    bench.give(READY)
    for number in range(12):
        bench.give(HeartbeatFailed("mismatch", expected_id=f"h{number}"))
        assert len(bench.commanded(SendHeartbeat)) == 2 + number // 2
        if number % 2:
            bench.advance(bench.now_ms + HEARTBEAT_EVERY_MS)
    bench.give(HeartbeatAnswered("right"))


# Claims


def over(yes: int, no: int = 0) -> tuple[Bench, dict[str, Any]]:
    """A window that is over, with shares left in it."""
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10, status="CONFIRMED"))
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
    bench.read_until(bench.now_ms + EMPTY_FOR_MS + 40_000, **balances(0, 0))
    assert bench.saved("claim") == []


def test_one_reading_without_shares_closes_no_claim() -> None:
    bench, held = over(10)
    bench.read_until(MARKET.closes_at_ms + MERGE_AFTER_MS, **held)
    for _ in range(3):
        bench.read_until(bench.now_ms + EMPTY_FOR_MS, **balances(0, 0))
        bench.read_until(bench.now_ms + 31_000, **held)
    assert len(bench.saved("claim")) == 1
    assert bench.commanded(ClaimHoldings), "it is still claimed"


def test_a_claim_is_opened_again_when_a_trade_becomes_known_late() -> None:
    bench, _ = over(10)
    bench.read_until(MARKET.closes_at_ms + MERGE_AFTER_MS + EMPTY_FOR_MS + 61_000, **balances(0, 0))
    assert bench.saved("claim") == []
    late = wire_trade("t2", 3, status="CONFIRMED")
    bench.read_until(bench.now_ms + 61_000, late, **balances(3, 0))
    assert len(bench.saved("claim")) == 1


def test_what_cannot_be_claimed_is_told_as_to_do_and_never_forgotten() -> None:
    bench, held = over(10)
    for _ in range(BY_HAND_AFTER):
        count = len(bench.commanded(ClaimHoldings))
        while len(bench.commanded(ClaimHoldings)) == count:
            bench.read_until(bench.now_ms + 30_000, **held)
        bench.give(ClaimFailed(market_id=MARKET.market_id, reason="this wallet needs an API key"))
    assert "by hand" in bench.logs[-1].text
    bench.logs.clear()
    bench.restart()
    assert "by hand" in bench.logs[0].text
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


def bench_with(cash_units: int) -> Bench:
    """One that has just read how much money the account has."""
    bench = Bench().open()
    bench.listen()
    bench.advance(T0 + 2_000)
    bench.read(cash_units=cash_units)
    bench.agree()
    return bench


def test_an_order_that_the_account_cannot_pay_with_its_fee_is_dropped() -> None:
    bench = bench_with(cash_units=4_600_000)
    bench.submit()
    assert "$4.67325 with the fee" in bench.news(OrderRejected)[0].reason
    assert "has $4.6 to spend" in bench.news(OrderRejected)[0].reason


def test_money_is_spoken_for_while_an_order_lives_and_gone_when_it_has_traded() -> None:
    bench = bench_with(cash_units=9_000_000)
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
    bench = bench_with(cash_units=0)
    bench.submit(action=Action.SELL, time_in_force=TimeInForce.FAK)
    assert bench.news(OrderRejected) == []


def test_what_an_open_purchase_spent_before_the_money_was_read_is_taken_off_once() -> None:
    bench = bench_with(cash_units=20_000_000)
    bench.place(**LONG)
    bench.hear(wire_trade("t1", 5))
    bench.ledger[Side.YES] = shares(5)
    rows = (wire_trade("t1", 5), wire_order(matched=5))
    bench.listen()
    bench.advance(bench.now_ms + 2_000)
    bench.read(*rows, cash_units=17_663_380)
    bench.hear(wire_order("CANCELED", 5, type="CANCELLATION"))
    assert len(bench.news(OrderCancelled)) == 1
    bench.submit(order_id=SECOND, size_units=shares(35), side=Side.NO, **LONG)
    assert bench.news(OrderRejected, SECOND) == []
