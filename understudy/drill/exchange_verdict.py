"""The journal held against the exchange's own books: orders, trades, shares and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from actors.model import Action, Side
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import PAYOUT_TICKS, dollars_text, size_text
from understudy.drill.books import Books, Pair
from understudy.drill.exchange_books import ExchangeBooks
from understudy.drill.verdict import DrillVerdict, Outcomes


def judge_by_exchange(
    books: Books,
    theirs: ExchangeBooks,
    outcomes: Outcomes,
    deposit_nanos: int,
    verdict: DrillVerdict,
) -> None:
    """Hold the records of a run that has ended against what the exchange has of its account.

    Args:
        books: the journal's.
        theirs: the exchange's, read after the run.
        outcomes: what the exchange decided, by slug.
        deposit_nanos: what the account had at the start.
        verdict: takes what is wrong.
    """
    _check_orders(books, theirs, verdict)
    _check_trades(books, theirs, verdict)
    for window in books.windows:
        _check_shares(window, theirs, verdict)
    _check_cash(books, theirs, outcomes, deposit_nanos, verdict)


def _check_orders(books: Books, theirs: ExchangeBooks, verdict: DrillVerdict) -> None:
    ours = Counter(venue_id for venue_id in books.venue_ids.values() if venue_id)
    for venue_id in sorted(theirs.order_ids - ours.keys()):
        verdict.find("orders_lost", f"{venue_id} is at the exchange, and in no record")
    for venue_id in sorted(theirs.open_ids):
        verdict.find("orders_lost", f"{venue_id} still rests at the exchange")
    for venue_id, count in ours.items():
        if count > 1:
            verdict.find("orders_doubled", f"{venue_id} stands for {count} orders")


def _check_trades(books: Books, theirs: ExchangeBooks, verdict: DrillVerdict) -> None:
    ours = _standing(books)
    for pair in theirs.trades.keys() - ours.keys():
        verdict.find("fills_lost", f"{pair[0]} was traded, and is not in the ledger")
    for pair in ours.keys() - theirs.trades.keys():
        verdict.find("fills_impossible", f"{pair[0]} is in the ledger, and the exchange has it not")
    for pair in ours.keys() & theirs.trades.keys():
        entry, trade = ours[pair], theirs.trades[pair]
        mine = (entry.action, entry.side, entry.fill.price_ticks, entry.fill.size_units)
        if mine != (trade.action, trade.side, trade.price_ticks, trade.size_units):
            verdict.find("fills_impossible", f"{pair[0]} is {entry}, the exchange has {trade}")
        fee_error = entry.fill.fee_nanos - trade.fee_nanos
        if fee_error:
            sentence = f"the fee of {pair[0]} is off by ${dollars_text(fee_error)}"
            verdict.find("position_error", sentence, abs(fee_error))


def _standing(books: Books) -> Mapping[Pair, LedgerEntry]:
    return {
        (entry.fill.trade_id, books.venue_ids.get(entry.order_id, "")): entry
        for window in books.windows
        for entry in window.entries
        if entry.reversed_version is None
    }


def _check_shares(window: WindowLedger, theirs: ExchangeBooks, verdict: DrillVerdict) -> None:
    traded: Counter[Side] = Counter()
    for trade in theirs.trades.values():
        if trade.market_id == window.market.market_id:
            traded[trade.side] += _sign(trade.action) * trade.size_units
    held = window.snapshot()
    for side in Side:
        error = held.holding(side).quantity_units - traded[side]
        if error:
            sentence = f"{window.market.slug}: shares of {side.value} differ from the exchange's"
            verdict.find("position_error", f"{sentence} by {size_text(error)}", abs(error))


def _check_cash(
    books: Books,
    theirs: ExchangeBooks,
    outcomes: Outcomes,
    deposit_nanos: int,
    verdict: DrillVerdict,
) -> None:
    right_nanos = deposit_nanos
    for window in books.windows:
        right_nanos += _flow_nanos(window) + _paid_nanos(window, theirs, outcomes)
    error = right_nanos - theirs.cash_nanos
    if error:
        sentence = f"the account's money differs from the exchange's by ${dollars_text(error)}"
        verdict.find("position_error", sentence, abs(error))


def _standing_entries(window: WindowLedger) -> list[LedgerEntry]:
    return [entry for entry in window.entries if entry.reversed_version is None]


def _flow_nanos(window: WindowLedger) -> int:
    """What a window's trades brought and cost, by plain addition."""
    return sum(
        _sign(entry.action) * -entry.fill.price_ticks * entry.fill.size_units - entry.fill.fee_nanos
        for entry in _standing_entries(window)
    )


def _paid_nanos(window: WindowLedger, theirs: ExchangeBooks, outcomes: Outcomes) -> int:
    """What the exchange has paid for a window's shares: all of them, or pairs that were merged."""
    held: Counter[Side] = Counter()
    for entry in _standing_entries(window):
        held[entry.side] += _sign(entry.action) * entry.fill.size_units
    market_id = window.market.market_id
    is_over = not any(theirs.shares.get((market_id, side)) for side in Side)
    if not is_over or window.market.slug not in outcomes:
        gone = [held[side] - theirs.shares.get((market_id, side), 0) for side in Side]
        return min(gone) * PAYOUT_TICKS
    winner = outcomes[window.market.slug]
    if winner is None:
        return sum(held.values()) * PAYOUT_TICKS // 2
    return held[winner] * PAYOUT_TICKS


def _sign(action: Action) -> int:
    return 1 if action is Action.BUY else -1
