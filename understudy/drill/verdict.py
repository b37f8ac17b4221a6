"""What a drill finds: the journal, the executor, the ledger and the exchange held together.

Each rule adds up anew what it compares, from the records of those who were there, and not by the
code that is being judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

import attrs

from actors.execution.order_state import is_booked, is_complete, is_excess
from actors.execution.paper import is_worse
from actors.messages.execution import OrderState
from actors.model import Action, FillDetail, Side
from actors.position.ledger import WindowLedger
from actors.units import dollars_text, size_text
from understudy.drill.books import Books

Outcomes = Mapping[str, Side | None]
"""What the exchange decided, by slug; None for a void window."""


@attrs.define
class DrillVerdict:
    """Counts that must all be zero, and a sentence for each thing that is wrong."""

    orders_lost: int = 0
    """Created, and not ended with every fill booked."""
    orders_doubled: int = 0
    """Created twice, made of one signal twice, or sent to the venue twice."""
    fills_lost: int = 0
    """Traded, and unknown to the order or the ledger."""
    fills_doubled: int = 0
    """Booked twice, or traded beyond the order's size."""
    fills_impossible: int = 0
    """Never traded, or at a price or time that the order did not allow."""
    position_error: int = 0
    """Shares (in millionths) and money (in nanodollars) by which the ledger is off, in all."""
    winners_wrong: int = 0
    """Windows that were settled otherwise than the exchange decided."""
    processes_left: int = 0
    """That outlived their system by more than five seconds."""
    findings: list[str] = attrs.field(factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def find(self, counter: str, sentence: str, count: int = 1) -> None:
        """Count something that is wrong, and say what it is."""
        setattr(self, counter, getattr(self, counter) + count)
        self.findings.append(sentence)


def judge(books: Books, outcomes: Outcomes, verdict: DrillVerdict) -> None:
    """Hold the records of a run that has ended against each other and the exchange's outcomes."""
    for rule in _RULES:
        rule(books, verdict)
    for window in books.windows:
        _check_winner(window, outcomes, verdict)


def _every_order_has_ended(books: Books, verdict: DrillVerdict) -> None:
    for order_id in dict.fromkeys(books.created):
        order = books.orders.get(order_id)
        if order is None:
            verdict.find("orders_lost", f"{order_id} was created and has no record")
        elif not is_complete(order):
            verdict.find("orders_lost", f"{order_id} was left {order.status.value}")
        elif not is_booked(order):
            verdict.find("orders_lost", f"{order_id} ended, and a fill of it was never answered")


def _no_order_was_made_or_sent_twice(books: Books, verdict: DrillVerdict) -> None:
    for order_id in _repeated(books.created):
        verdict.find("orders_doubled", f"{order_id} was created twice")
    for order_id in _repeated(books.submitted):
        verdict.find("orders_doubled", f"{order_id} was sent to the venue twice")
    for signals_id in _repeated(filter(None, books.carried_out)):
        verdict.find("orders_doubled", f"signals {signals_id} became orders twice")


def _every_fill_is_known(books: Books, verdict: DrillVerdict) -> None:
    booked = set(books.booked)
    for order_id, fills in books.executed.items():
        order = books.orders.get(order_id)
        known = set(order.fills) if order is not None else set()
        for fill in fills:
            if fill not in known:
                verdict.find("fills_lost", f"{fill.trade_id} is unknown to its order")
            pair = (fill.trade_id, order_id)
            if pair not in booked and pair not in books.failed:
                verdict.find("fills_lost", f"{fill.trade_id} is not in the ledger")


def _no_fill_is_counted_twice(books: Books, verdict: DrillVerdict) -> None:
    in_ledger = [
        (entry.fill.trade_id, entry.order_id)
        for window in books.windows
        for entry in window.entries
    ]
    for trade_id, _order_id in {*_repeated(books.booked), *_repeated(in_ledger)}:
        verdict.find("fills_doubled", f"{trade_id} was booked twice")
    for order_id, fills in books.executed.items():
        for trade_id in _repeated(fill.trade_id for fill in fills):
            verdict.find("fills_doubled", f"{trade_id} was traded twice")
        order = books.orders.get(order_id)
        traded_units = sum(fill.size_units for fill in fills)
        if order is not None and is_excess(order.intent, fills):
            text = f"{size_text(traded_units)} of {size_text(order.intent.size_units)} shares"
            verdict.find("fills_doubled", f"{order_id} traded {text}")


def _every_fill_was_possible(books: Books, verdict: DrillVerdict) -> None:
    for order in books.orders.values():
        executed = books.executed.get(order.intent.order_id, ())
        for fill in order.fills:
            is_live = order.intent.order_id in books.venue_ids
            objection = _objection(order, fill, is_live=is_live)
            objection = objection if fill in executed else "the executor has not it"
            if objection:
                verdict.find("fills_impossible", f"{fill.trade_id}: {objection}")


def _objection(order: OrderState, fill: FillDetail, *, is_live: bool) -> str:
    intent = order.intent
    if is_worse(intent.action, fill.price_ticks, intent.price_ticks):
        return f"traded at {fill.price_ticks}, the limit was {intent.price_ticks}"
    if is_live:
        return ""  # it ends when the venue has taken it back; the venue tells times in seconds
    if not intent.created_at_ms <= fill.timestamp_ms <= intent.expires_at_ms:
        return "traded outside the order's time"
    return ""


@attrs.define
class _Sum:
    """What an order's fills add up to, for one window."""

    units: Counter[Side] = attrs.field(factory=Counter)
    spent_nanos: int = 0
    fees_nanos: int = 0

    def add(self, order: OrderState, fills: Iterable[FillDetail]) -> None:
        sign = 1 if order.intent.action is Action.BUY else -1
        for fill in fills:
            self.units[order.intent.side] += sign * fill.size_units
            self.spent_nanos += sign * fill.price_ticks * fill.size_units
            self.fees_nanos += fill.fee_nanos


def _the_position_is_the_sum_of_all_fills(books: Books, verdict: DrillVerdict) -> None:
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for order_id, fills in books.executed.items():
        order = books.orders.get(order_id)
        if order is not None:
            standing = [each for each in fills if (each.trade_id, order_id) not in books.failed]
            sums[order.intent.market.market_id].add(order, standing)
    for window in books.windows:
        _check_position(window, sums.pop(window.market.market_id, _Sum()), verdict)
    for market_id, total in sums.items():
        if total.spent_nanos:
            verdict.find(
                "position_error", f"{market_id} has fills and no ledger", abs(total.spent_nanos)
            )


def _check_position(window: WindowLedger, right: _Sum, verdict: DrillVerdict) -> None:
    totals = window.totals()
    # A sale takes its share of the cost with it, rounded: what was spent in all stays exact.
    spent_nanos = totals.cost_nanos - totals.realized_nanos
    off = {
        "shares of YES": totals.yes.quantity_units - right.units[Side.YES],
        "shares of NO": totals.no.quantity_units - right.units[Side.NO],
        "cost": spent_nanos - right.spent_nanos,
        "fees": totals.fees_nanos - right.fees_nanos,
    }
    for name, error in off.items():
        if error:
            text = size_text(error) if name.startswith("shares") else f"${dollars_text(error)}"
            sentence = f"{window.market.slug}: {name} are off by {text}"
            verdict.find("position_error", sentence, abs(error))


def _check_winner(window: WindowLedger, outcomes: Outcomes, verdict: DrillVerdict) -> None:
    slug, result = window.market.slug, window.result
    if result is None:
        return
    if slug not in outcomes:
        verdict.find("winners_wrong", f"{slug} is settled, and the exchange has not decided it")
    elif result.winner is not outcomes[slug]:
        names = [_name(side) for side in (result.winner, outcomes[slug])]
        verdict.find("winners_wrong", f"{slug} is settled as {names[0]}, the exchange: {names[1]}")


def _name(side: Side | None) -> str:
    return "void" if side is None else side.value


_Value = TypeVar("_Value", bound=Hashable)


def _repeated(values: Iterable[_Value]) -> list[_Value]:
    return [value for value, count in Counter(values).items() if count > 1]


_RULES: tuple[Callable[[Books, DrillVerdict], None], ...] = (
    _every_order_has_ended,
    _no_order_was_made_or_sent_twice,
    _every_fill_is_known,
    _no_fill_is_counted_twice,
    _every_fill_was_possible,
    _the_position_is_the_sum_of_all_fills,
)
