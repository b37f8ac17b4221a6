"""The findings about the records of a finished run: each rule compares two that must agree.

Each rule computes both sides again, without the code that is being checked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

import attrs

from actors.messages.execution import OrderIntent
from actors.model import Action, FillDetail, Side
from actors.position.ledger import WindowLedger
from actors.units import dollars_text, size_text
from audit.books import ENDED, Books, Outcomes, standing_parts
from audit.sums import Part, Sums, due_fee_nanos, sums, told_by

_HUNDREDTH_SHARE_UNITS = 10_000
"""The venue may trade this much, and one per cent, more than was ordered
(docs/decisions/excess.md)."""


@attrs.define
class AuditVerdict:
    """Counts that must all be zero, and a sentence for each finding."""

    orders_lost: int = 0
    """Created, but not ended with every fill booked."""
    orders_doubled: int = 0
    """Created twice, made twice from one signal, or sent to the venue twice."""
    fills_lost: int = 0
    """Traded, but unknown to the order or the ledger."""
    fills_doubled: int = 0
    """Booked twice, or traded beyond the order's size."""
    fills_impossible: int = 0
    """Never traded, or at a price, time or fee that the order did not allow."""
    position_error: int = 0
    """Total error of the ledger: shares (in millionths) plus money (in nanodollars)."""
    winners_wrong: int = 0
    """Windows that were settled differently from the exchange's result."""
    processes_left: int = 0
    """Processes that outlived their system by more than five seconds."""
    findings: list[str] = attrs.field(factory=list)

    @property
    def is_good(self) -> bool:
        """Whether there are no findings."""
        return not self.findings

    def find(self, counter: str, sentence: str, count: int = 1) -> None:
        """Count a finding, and describe it."""
        setattr(self, counter, getattr(self, counter) + count)
        self.findings.append(sentence)

    def hold_sums(self, whose: str, told: Sums, right: Sums) -> None:
        """Report each sum that is wrong."""
        for name, error in told.minus(right).items():
            if error:
                text = size_text(error) if name.startswith("shares") else f"${dollars_text(error)}"
                self.find("position_error", f"{whose}: {name} are off by {text}", abs(error))


def judge(
    books: Books, outcomes: Outcomes, verdict: AuditVerdict, *, has_ended: bool = True
) -> None:
    """Compare the records of a run with each other and with the exchange's results.

    Args:
        books: the journal's records; nothing may be in progress.
        outcomes: the exchange's results, by slug.
        verdict: collects the findings.
        has_ended: whether every order must have ended.
    """
    if has_ended:
        _every_order_has_ended(books, verdict)
    for rule in _RULES:
        rule(books, verdict)
    for window in books.windows:
        _check_settlement(window, outcomes, verdict)


def _every_order_has_ended(books: Books, verdict: AuditVerdict) -> None:
    for order_id in dict.fromkeys((*books.created, *books.orders)):
        order = books.orders.get(order_id)
        if order is None:
            verdict.find("orders_lost", f"{order_id} was created and has no record")
        elif order.status not in ENDED:
            verdict.find("orders_lost", f"{order_id} was left {order.status.value}")
        elif order.unbooked or order.unbooked_reversals:
            verdict.find("orders_lost", f"{order_id} ended, and a fill of it was never answered")


def _no_order_was_made_or_sent_twice(books: Books, verdict: AuditVerdict) -> None:
    for order_id in _repeated(books.created):
        verdict.find("orders_doubled", f"{order_id} was created twice")
    for order_id in _repeated(books.submitted):
        verdict.find("orders_doubled", f"{order_id} was sent to the venue twice")
    for signals_id in _repeated(filter(None, books.carried_out)):
        verdict.find("orders_doubled", f"signals {signals_id} became orders twice")


def _every_fill_is_known(books: Books, verdict: AuditVerdict) -> None:
    in_ledger = {
        (each.fill.trade_id, each.order_id) for window in books.windows for each in window.entries
    }
    # Trades after an order's end were reported to the ledger alone.
    late = {
        (trade.fill.trade_id, order_id)
        for order_id, live in books.live.items()
        for trade in live.trades
        if trade.is_late
    }
    for order_id, fills in books.executed.items():
        order = books.orders.get(order_id)
        known = set(order.fills) if order is not None else set()
        for fill in fills:
            pair = (fill.trade_id, order_id)
            if fill not in known and pair not in late:
                verdict.find("fills_lost", f"{fill.trade_id} is unknown to its order")
            if pair not in in_ledger and pair not in books.failed:
                verdict.find("fills_lost", f"{fill.trade_id} is not in the ledger")


def _no_fill_is_counted_twice(books: Books, verdict: AuditVerdict) -> None:
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
        if order is not None and _is_beyond(order.intent, fills):
            traded_units = sum(fill.size_units for fill in fills)
            text = f"{size_text(traded_units)} of {size_text(order.intent.size_units)} shares"
            verdict.find("fills_doubled", f"{order_id} traded {text}")


def _is_beyond(intent: OrderIntent, fills: tuple[FillDetail, ...]) -> bool:
    """Return whether more was traded than ordered, in money if the order was sized in money."""
    most_units = intent.size_units + _HUNDREDTH_SHARE_UNITS + intent.size_units // 100
    if intent.action is Action.BUY and not intent.time_in_force.may_rest:
        spent_nanos = sum(fill.price_ticks * fill.size_units for fill in fills)
        return spent_nanos > intent.price_ticks * most_units
    return sum(fill.size_units for fill in fills) > most_units


def _every_fill_was_possible(books: Books, verdict: AuditVerdict) -> None:
    for order_id, order in books.orders.items():
        executed = books.executed.get(order_id, ())
        for fill in order.fills:
            objection = _objection(order.intent, fill, is_live=order_id in books.live)
            objection = objection if fill in executed else "the executor does not have it"
            if objection:
                verdict.find("fills_impossible", f"{fill.trade_id}: {objection}")


def _objection(intent: OrderIntent, fill: FillDetail, *, is_live: bool) -> str:
    sign = 1 if intent.action is Action.BUY else -1
    if sign * fill.price_ticks > sign * intent.price_ticks:
        return f"traded at {fill.price_ticks}, the limit was {intent.price_ticks}"
    rate_bps = 0 if fill.is_maker else intent.market.fee_rate_bps
    due_nanos = due_fee_nanos(fill.price_ticks, fill.size_units, rate_bps)
    if fill.fee_nanos != due_nanos:
        return f"its fee is ${dollars_text(fill.fee_nanos)} instead of ${dollars_text(due_nanos)}"
    if is_live:
        return ""  # it ends once the venue has cancelled it; the venue's times are in seconds
    if not intent.created_at_ms <= fill.timestamp_ms <= intent.expires_at_ms:
        return "traded outside the order's time"
    return ""


def _the_position_is_the_sum_of_all_fills(books: Books, verdict: AuditVerdict) -> None:
    parts: dict[str, list[Part]] = defaultdict(list)
    for order_id, fills in books.executed.items():
        order = books.orders.get(order_id)
        if order is not None:
            intent = order.intent
            parts[intent.market.market_id] += [
                (intent.side, intent.action, each)
                for each in fills
                if (each.trade_id, order_id) not in books.failed
            ]
    for window in books.windows:
        right = sums(parts.pop(window.market.market_id, ()))
        verdict.hold_sums(window.market.slug, told_by(window.snapshot()), right)
    for market_id, left in parts.items():
        flow_nanos = sums(left).flow_nanos
        if flow_nanos:
            sentence = f"{market_id} has fills and no ledger"
            verdict.find("position_error", sentence, abs(flow_nanos))


def _check_settlement(window: WindowLedger, outcomes: Outcomes, verdict: AuditVerdict) -> None:
    slug, result = window.market.slug, window.result
    if result is None:
        return
    error = window.pnl_nanos() - sums(standing_parts(window)).pnl_nanos(result.winner)
    if error:
        sentence = f"{slug}: the result is off by ${dollars_text(error)}"
        verdict.find("position_error", sentence, abs(error))
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


_RULES: tuple[Callable[[Books, AuditVerdict], None], ...] = (
    _no_order_was_made_or_sent_twice,
    _every_fill_is_known,
    _no_fill_is_counted_twice,
    _every_fill_was_possible,
    _the_position_is_the_sum_of_all_fills,
)
