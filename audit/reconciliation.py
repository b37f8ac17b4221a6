"""Compares the journal with the exchange's own books: orders, trades, shares and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from actors.execution.real.live_order import LiveOrder
from actors.messages.execution import OrderState, OrderStatus
from actors.model import Action, Side
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import dollars_text, size_text
from audit.books import ENDED, Books, Outcomes, Pair, standing_entries, standing_parts
from audit.exchange_books import ExchangeBooks, TakenOrder
from audit.sums import Sums, paid_for_pairs_nanos, sums, told_by
from audit.verdict import AuditVerdict


def reconcile(
    books: Books,
    theirs: ExchangeBooks,
    outcomes: Outcomes,
    deposit_nanos: int,
    verdict: AuditVerdict,
) -> None:
    """Compare the records of a run with the exchange's books of its account.

    Call it when nothing is in progress that only one of the two knows of.

    Args:
        books: the journal's records.
        theirs: the exchange's books, read after the run.
        outcomes: the exchange's results, by slug; requested after its books were read.
        deposit_nanos: the account's balance at the start.
        verdict: collects the findings.
    """
    _check_orders(books, theirs, verdict)
    _check_trades(books, theirs, verdict)
    right_nanos = deposit_nanos
    for window in books.windows:
        traded = sums(theirs.parts(window.market.market_id))
        verdict.hold_sums(
            f"{window.market.slug}, held against the exchange", told_by(window.snapshot()), traded
        )
        ours = sums(standing_parts(window))
        right_nanos += ours.cash_nanos + _paid_nanos(window, ours, theirs, outcomes, verdict)
    error = right_nanos - theirs.cash_nanos
    if error:
        sentence = f"the account's money differs from the exchange's by ${dollars_text(error)}"
        verdict.find("position_error", sentence, abs(error))


def _check_orders(books: Books, theirs: ExchangeBooks, verdict: AuditVerdict) -> None:
    signed = [order for order in books.live.values() if order.venue_order_id]
    ours = {order.venue_order_id: order for order in signed}
    for venue_id, order in theirs.orders.items():
        if venue_id not in ours:
            verdict.find("orders_lost", f"{venue_id} is at the exchange, and in no record")
            continue
        live = ours[venue_id]
        state = books.orders.get(live.order_id)
        if state is not None and state.status in ENDED:
            objection = _objection(live, state, order)
            if objection:
                verdict.find("orders_lost", f"{live.order_id} {objection}: {state}, {order}")
    for venue_id, count in Counter(order.venue_order_id for order in signed).items():
        if count > 1:
            verdict.find("orders_doubled", f"{venue_id} stands for {count} orders")


def _objection(live: LiveOrder, state: OrderState, theirs: TakenOrder) -> str:
    """Return how an ended order differs at the exchange; empty if it does not."""
    intent = live.intent
    offered = (intent.market.market_id, intent.side, intent.action, live.offered_units)
    if theirs.is_open:
        return "still rests at the exchange"
    if offered != (theirs.market_id, theirs.side, theirs.action, theirs.size_units):
        return "is another order at the exchange"
    if _traded_units(live, state) != theirs.filled_units:
        return "has traded differently at the exchange"
    # A purchase sized in money may get all its shares with some money left over.
    is_for_money = intent.action is Action.BUY and not intent.time_in_force.may_rest
    is_enough = is_for_money and theirs.filled_units >= theirs.size_units
    is_whole = theirs.status == "MATCHED" or is_enough
    is_filled = state.status is OrderStatus.FILLED
    if state.status is OrderStatus.REJECTED or (is_filled and not is_whole):
        return "has ended differently at the exchange"
    return ""


def _traded_units(live: LiveOrder, state: OrderState) -> int:
    """Return what an order has traded for its Order and, after that had closed, for the executor.

    An order is complete once it has traded its size; if the venue rounded a trade up, another may
    still come (F40). Whether the ledger has it, `_check_trades` says.
    """
    fills = {fill.trade_id: fill for fill in state.fills}
    late = {trade.fill.trade_id: trade.fill for trade in live.trades if trade.is_late}
    return sum(fill.size_units for fill in (late | fills).values())


def _check_trades(books: Books, theirs: ExchangeBooks, verdict: AuditVerdict) -> None:
    ours = _standing(books)
    for pair in theirs.trades.keys() - ours.keys():
        verdict.find("fills_lost", f"{pair[0]} was traded, and is not in the ledger")
    for pair in ours.keys() - theirs.trades.keys():
        verdict.find("fills_impossible", f"{pair[0]} is in the ledger but not at the exchange")
    for pair in ours.keys() & theirs.trades.keys():
        entry, (_, part) = ours[pair], theirs.trades[pair]
        if sums([(entry.side, entry.action, entry.fill)]) != sums([part]):
            verdict.find("fills_impossible", f"{pair[0]} is {entry}, the exchange has {part}")


def _standing(books: Books) -> Mapping[Pair, LedgerEntry]:
    venue_ids = {order.order_id: order.venue_order_id for order in books.live.values()}
    return {
        (entry.fill.trade_id, venue_ids.get(entry.order_id, "")): entry
        for window in books.windows
        for entry in standing_entries(window)
    }


def _paid_nanos(
    window: WindowLedger,
    ours: Sums,
    theirs: ExchangeBooks,
    outcomes: Outcomes,
    verdict: AuditVerdict,
) -> int:
    """Return what the exchange has paid for a window's shares: for all, or for merged pairs."""
    market = window.market
    left = {side: theirs.shares.get((market.market_id, side), 0) for side in Side}
    if market.slug in outcomes and not any(left.values()):
        return ours.payout_nanos(outcomes[market.slug])
    gone = {side: ours.units(side) - left[side] for side in Side}
    merged_units = gone[Side.YES]
    is_over = market.closes_at_ms <= theirs.now_ms
    if gone[Side.NO] != merged_units or merged_units < 0 or (merged_units and not is_over):
        texts = " and ".join(f"{size_text(each)} {side.value}" for side, each in gone.items())
        sentence = f"{market.slug}: {texts} are missing that were neither sold nor merged"
        verdict.find("position_error", sentence, sum(map(abs, gone.values())))
    return paid_for_pairs_nanos(merged_units)
