"""The journal held against the exchange's books: every way in which they can differ is found."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from audit_builders import MARKET, ONE_PART, TWO_PARTS, books

from actors.execution.real.live_order import LiveOrder, LiveTrade
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderStatus
from actors.model import Action, Side, TimeInForce
from actors.units import NANOS_PER_DOLLAR, PAYOUT_TICKS, shares
from audit.books import Books
from audit.exchange_books import ExchangeBooks, TakenOrder
from audit.reconciliation import reconcile
from audit.sums import Part
from audit.verdict import AuditVerdict, judge

OUTCOMES = {MARKET.slug: Side.YES}
DEPOSIT = 1_000 * NANOS_PER_DOLLAR


def signed(**venue_ids: str) -> dict[str, LiveOrder]:
    """What the real executor has of some orders."""
    orders = books().orders
    return {
        order_id: LiveOrder(
            intent=attrs.evolve(orders.get(order_id, orders["a"]).intent, order_id=order_id),
            status=OrderStatus.FILLED,
            venue_order_id=venue_id,
            offered_units=shares(20),
        )
        for order_id, venue_id in venue_ids.items()
    }


OURS = books(live=signed(a="0xaa", b="0xbb"))

SPENT = sum(fill.price_ticks * fill.size_units + fill.fee_nanos for fill in (*TWO_PARTS, *ONE_PART))
PAID = shares(20) * PAYOUT_TICKS


def trades() -> dict[tuple[str, str], tuple[str, Part]]:
    return {
        (fill.trade_id, venue_id): (MARKET.market_id, (side, Action.BUY, fill))
        for venue_id, side, fills in (("0xaa", Side.YES, TWO_PARTS), ("0xbb", Side.NO, ONE_PART))
        for fill in fills
    }


def orders(**changes: Any) -> dict[str, TakenOrder]:
    """Both orders as the exchange has them; a change befalls the first."""
    first = TakenOrder(
        market_id=MARKET.market_id,
        side=Side.YES,
        action=Action.BUY,
        size_units=shares(20),
        filled_units=shares(20),
        status="MATCHED",
    )
    return {"0xaa": attrs.evolve(first, **changes), "0xbb": attrs.evolve(first, side=Side.NO)}


def theirs(**changes: Any) -> ExchangeBooks:
    """The exchange's books of a window that it has paid out."""
    good = ExchangeBooks(
        now_ms=MARKET.closes_at_ms,
        cash_nanos=DEPOSIT - SPENT + PAID,
        orders=orders(),
        trades=trades(),
        shares={},
    )
    return attrs.evolve(good, **changes)


def with_trade(**changes: Any) -> ExchangeBooks:
    part = (Side.NO, Action.BUY, attrs.evolve(ONE_PART[0], **changes))
    return theirs(trades=trades() | {("t3", "0xbb"): (MARKET.market_id, part)})


def verdict_on(run: Books, exchange: ExchangeBooks, outcomes: Any = OUTCOMES) -> AuditVerdict:
    verdict = AuditVerdict()
    reconcile(run, exchange, outcomes, DEPOSIT, verdict)
    return verdict


@pytest.mark.parametrize(
    ("exchange", "outcomes"),
    [
        pytest.param(theirs(), OUTCOMES, id="paid out"),
        pytest.param(
            theirs(
                cash_nanos=DEPOSIT - SPENT,
                shares={
                    (MARKET.market_id, Side.YES): shares(20),
                    (MARKET.market_id, Side.NO): shares(20),
                },
            ),
            *({},),
            id="held",
        ),
        pytest.param(
            theirs(
                cash_nanos=DEPOSIT - SPENT + shares(12) * PAYOUT_TICKS,
                shares={
                    (MARKET.market_id, Side.YES): shares(8),
                    (MARKET.market_id, Side.NO): shares(8),
                },
            ),
            *({},),
            id="merged in part",
        ),
    ],
)
def test_books_that_agree_are_good(exchange: ExchangeBooks, outcomes: Any) -> None:
    assert verdict_on(OURS, exchange, outcomes) == AuditVerdict()


@pytest.mark.parametrize(
    ("exchange", "counter"),
    [
        pytest.param(
            theirs(orders=orders() | {"0xcc": orders()["0xaa"]}), "orders_lost", id="unknown order"
        ),
        pytest.param(theirs(orders=orders(status="LIVE")), "orders_lost", id="it still rests"),
        pytest.param(theirs(orders=orders(status="CANCELED")), "orders_lost", id="another end"),
        pytest.param(theirs(orders=orders(side=Side.NO)), "orders_lost", id="another side"),
        pytest.param(theirs(orders=orders(size_units=shares(9))), "orders_lost", id="offer"),
        pytest.param(theirs(orders=orders(filled_units=shares(9))), "orders_lost", id="traded"),
        pytest.param(
            theirs(trades=trades() | {("t9", "0xbb"): trades()["t3", "0xbb"]}),
            "fills_lost",
            id="a fill that nobody heard of",
        ),
        pytest.param(
            theirs(trades={pair: part for pair, part in trades().items() if pair[0] != "t3"}),
            "fills_impossible",
            id="a fill that never was",
        ),
        pytest.param(with_trade(price_ticks=349), "fills_impossible", id="another price"),
        pytest.param(with_trade(size_units=shares(19)), "position_error", id="another size"),
        pytest.param(with_trade(fee_nanos=1), "position_error", id="another fee"),
        pytest.param(
            theirs(cash_nanos=DEPOSIT - SPENT + PAID - 1), "position_error", id="other money"
        ),
        pytest.param(
            theirs(
                cash_nanos=DEPOSIT - SPENT,
                shares={(MARKET.market_id, Side.YES): shares(20)},
            ),
            "position_error",
            id="shares of one side are gone",
        ),
        pytest.param(
            theirs(
                now_ms=MARKET.closes_at_ms - 1,
                cash_nanos=DEPOSIT - SPENT + shares(12) * PAYOUT_TICKS,
                shares={(MARKET.market_id, side): shares(8) for side in Side},
            ),
            "position_error",
            id="merged before the end",
        ),
    ],
)
def test_every_difference_is_counted_and_told(exchange: ExchangeBooks, counter: str) -> None:
    verdict = verdict_on(OURS, exchange)
    assert getattr(verdict, counter) > 0
    assert not verdict.is_good


def test_an_order_that_lives_with_both_is_good() -> None:
    resting = attrs.evolve(OURS.orders["a"], status=OrderStatus.PARTIALLY_FILLED)
    run = attrs.evolve(OURS, orders={**OURS.orders, "a": resting})
    assert verdict_on(run, theirs(orders=orders(status="LIVE"))) == AuditVerdict()


@pytest.mark.parametrize("is_late", [True, False])
def test_what_traded_after_an_order_had_closed_is_the_executor_s_to_show(is_late: bool) -> None:
    late = LiveTrade(
        fill=attrs.evolve(TWO_PARTS[0], trade_id="late", size_units=shares(3)),
        settlement=Settlement.CONFIRMED,
        is_late=is_late,
    )
    known = LiveTrade(fill=TWO_PARTS[0], settlement=Settlement.CONFIRMED, is_late=True)
    live = signed(a="0xaa", b="0xbb")
    run = books(live=live | {"a": attrs.evolve(live["a"], trades=(known, late))})
    found = verdict_on(run, theirs(orders=orders(filled_units=shares(23)))).findings
    assert bool(found) is not is_late


def test_a_purchase_for_money_may_end_with_some_of_it_left() -> None:
    order, live = OURS.orders["a"], OURS.live["a"]
    kill = attrs.evolve(order.intent, time_in_force=TimeInForce.FAK)
    run = attrs.evolve(
        OURS,
        orders={**OURS.orders, "a": attrs.evolve(order, intent=kill)},
        live={**OURS.live, "a": attrs.evolve(live, intent=kill)},
    )
    assert verdict_on(run, theirs(orders=orders(status="CANCELED"))) == AuditVerdict()


def test_one_venue_order_for_two_of_ours_is_a_double() -> None:
    run = books(live=signed(a="0xaa", b="0xbb", c="0xbb"))
    assert verdict_on(run, theirs()).orders_doubled == 1


def test_a_trade_that_was_taken_back_counts_for_nobody() -> None:
    window = OURS.windows[0]
    entries = tuple(
        attrs.evolve(entry, reversed_version=3) if entry.order_id == "b" else entry
        for entry in window.entries
    )
    order = attrs.evolve(OURS.orders["b"], reversed_trade_ids=frozenset({"t3"}))
    run = attrs.evolve(
        OURS,
        failed=frozenset({("t3", "b")}),
        orders={**OURS.orders, "b": order},
        windows=(attrs.evolve(window, entries=entries),),
    )
    kept = {pair: part for pair, part in trades().items() if pair[0] != "t3"}
    spent = sum(fill.price_ticks * fill.size_units + fill.fee_nanos for fill in TWO_PARTS)
    exchange = theirs(trades=kept, cash_nanos=DEPOSIT - spent + PAID)
    verdict = verdict_on(run, exchange)
    judge(run, OUTCOMES, verdict)
    assert verdict == AuditVerdict()
