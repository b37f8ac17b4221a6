"""The journal held against the exchange's books: every way in which they can differ is found."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from drill_builders import MARKET, ONE_PART, TWO_PARTS, books

from actors.model import Action, Side
from actors.units import NANOS_PER_DOLLAR, PAYOUT_TICKS, shares
from understudy.drill.books import Books
from understudy.drill.exchange_books import ExchangeBooks, ExchangeTrade
from understudy.drill.exchange_verdict import judge_by_exchange
from understudy.drill.verdict import DrillVerdict, judge

OUTCOMES = {MARKET.slug: Side.YES}
DEPOSIT = 1_000 * NANOS_PER_DOLLAR
VENUE_IDS = {"a": "0xaa", "b": "0xbb"}
OURS = books(venue_ids=VENUE_IDS)

SPENT = sum(fill.price_ticks * fill.size_units + fill.fee_nanos for fill in (*TWO_PARTS, *ONE_PART))
PAID = shares(20) * PAYOUT_TICKS


def trades() -> dict[tuple[str, str], ExchangeTrade]:
    return {
        (fill.trade_id, venue_id): ExchangeTrade(
            market_id=MARKET.market_id,
            side=side,
            action=Action.BUY,
            price_ticks=fill.price_ticks,
            size_units=fill.size_units,
            fee_nanos=fill.fee_nanos,
        )
        for venue_id, side, fills in (("0xaa", Side.YES, TWO_PARTS), ("0xbb", Side.NO, ONE_PART))
        for fill in fills
    }


def theirs(**changes: Any) -> ExchangeBooks:
    """The exchange's books of a window that it has paid out."""
    good = ExchangeBooks(
        cash_nanos=DEPOSIT - SPENT + PAID,
        order_ids=frozenset({"0xaa", "0xbb"}),
        open_ids=frozenset(),
        trades=trades(),
        shares={},
        faults={},
    )
    return attrs.evolve(good, **changes)


def with_trade(**changes: Any) -> ExchangeBooks:
    pair = ("t3", "0xbb")
    return theirs(trades=trades() | {pair: attrs.evolve(trades()[pair], **changes)})


def verdict_on(run: Books, exchange: ExchangeBooks, outcomes: Any = OUTCOMES) -> DrillVerdict:
    verdict = DrillVerdict()
    judge_by_exchange(run, exchange, outcomes, DEPOSIT, verdict)
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
    assert verdict_on(OURS, exchange, outcomes) == DrillVerdict()


@pytest.mark.parametrize(
    ("exchange", "counter"),
    [
        pytest.param(
            theirs(order_ids=frozenset({"0xaa", "0xbb", "0xcc"})), "orders_lost", id="unknown order"
        ),
        pytest.param(theirs(open_ids=frozenset({"0xaa"})), "orders_lost", id="it still rests"),
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
    ],
)
def test_every_difference_is_counted_and_told(exchange: ExchangeBooks, counter: str) -> None:
    verdict = verdict_on(OURS, exchange)
    assert getattr(verdict, counter) > 0
    assert not verdict.is_good


def test_one_venue_order_for_two_of_ours_is_a_double() -> None:
    run = books(venue_ids={"a": "0xaa", "b": "0xbb", "c": "0xbb"})
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
    assert verdict == DrillVerdict()
