"""The life of an order, as one table over (status, event).

The rules behind the table:

* PENDING ends with the venue's first statement. A fill, an acceptance and the answer to the POST
  may come in any order: each counts for what it proves, and implies the ones before.
* UNKNOWN ends only on evidence from the venue. No row here is a timeout, and none can be.
* FILLED, CANCELLED and REJECTED are final: the status stays, whatever comes later. Money is
  separate from status: a fill that raced a cancel still counts, and a reversal still takes shares
  back.
* A missing pair contradicts an earlier statement of the venue (it rejected an order that it holds).
  ``apply`` then raises IllegalTransition and changes nothing; the caller shows it to a person.
* Repetition changes nothing: a trade counts once, whatever happens to the status.
* What the venue reports as traded has been traded, even beyond the order's size (F40).

No fill ends an order, whatever its size: a purchase that is sized in money buys more shares than it
asked for if they are cheaper, and only the executor knows when its last trade has arrived. It then
sends ``OrderCompleted``. docs/orders.md shows this table; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from actors.core import Effects, Send, require
from actors.messages.execution import (
    Fill,
    FillFailed,
    FillReversed,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderFilled,
    OrderIntent,
    OrderRejected,
    OrderReport,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
)
from actors.model import FillDetail
from actors.roles import POSITION, order_role
from actors.units import UNITS_PER_SHARE

VenueEvent = (
    OrderAccepted
    | OrderRejected
    | Fill
    | OrderCompleted
    | OrderCancelled
    | OutcomeUnknown
    | FillFailed
)

_PENDING = OrderStatus.PENDING
_UNKNOWN = OrderStatus.UNKNOWN
_ACCEPTED = OrderStatus.ACCEPTED
_PARTIAL = OrderStatus.PARTIALLY_FILLED
_FILLED = OrderStatus.FILLED
_CANCELLED = OrderStatus.CANCELLED
_REJECTED = OrderStatus.REJECTED
_HELD = (_ACCEPTED, _PARTIAL, _FILLED)
"""Statuses which prove that the venue holds the order, or held it."""

TRANSITIONS: Mapping[tuple[OrderStatus, type], OrderStatus] = {
    (_PENDING, OrderAccepted): _ACCEPTED,
    (_PENDING, OrderRejected): _REJECTED,
    (_PENDING, Fill): _PARTIAL,  # the fill overtook the acceptance (F10)
    (_PENDING, OrderCompleted): _FILLED,
    (_PENDING, OrderCancelled): _CANCELLED,  # taken back on its way, or FAK without a match
    (_PENDING, OutcomeUnknown): _UNKNOWN,
    (_PENDING, FillFailed): _PENDING,  # the failure overtook its fill, which will count nothing
    #
    (_UNKNOWN, OrderAccepted): _ACCEPTED,
    (_UNKNOWN, OrderRejected): _REJECTED,
    (_UNKNOWN, Fill): _PARTIAL,
    (_UNKNOWN, OrderCompleted): _FILLED,
    (_UNKNOWN, OrderCancelled): _CANCELLED,
    (_UNKNOWN, OutcomeUnknown): _UNKNOWN,
    (_UNKNOWN, FillFailed): _UNKNOWN,  # one trade's end is not the order's
    #
    (_ACCEPTED, OrderAccepted): _ACCEPTED,
    (_ACCEPTED, Fill): _PARTIAL,
    (_ACCEPTED, OrderCompleted): _FILLED,
    (_ACCEPTED, OrderCancelled): _CANCELLED,
    (_ACCEPTED, OutcomeUnknown): _ACCEPTED,  # the venue's events were faster than the answer
    (_ACCEPTED, FillFailed): _ACCEPTED,  # the failure overtook its fill
    #
    (_PARTIAL, OrderAccepted): _PARTIAL,  # late (F10)
    (_PARTIAL, Fill): _PARTIAL,
    (_PARTIAL, OrderCompleted): _FILLED,
    (_PARTIAL, OrderCancelled): _CANCELLED,
    (_PARTIAL, OutcomeUnknown): _PARTIAL,  # late: a fill is evidence enough
    (_PARTIAL, FillFailed): _PARTIAL,  # shares go back, the rest still rests (F6)
    #
    (_FILLED, OrderAccepted): _FILLED,  # late "it rests" does not revive it (F11)
    (_FILLED, Fill): _FILLED,  # more than was ordered: it counts (F40)
    (_FILLED, OrderCompleted): _FILLED,
    (_FILLED, OrderCancelled): _FILLED,  # the last fill won the race; nothing was left to cancel
    (_FILLED, OutcomeUnknown): _FILLED,  # late
    (_FILLED, FillFailed): _FILLED,  # shares go back; the venue does not offer them again (F6)
    #
    (_CANCELLED, OrderAccepted): _CANCELLED,  # late (F11)
    (_CANCELLED, Fill): _CANCELLED,  # the fill raced the cancel: it counts, the status stays
    (_CANCELLED, OrderCompleted): _CANCELLED,  # as above: the fills before it count
    (_CANCELLED, OrderCancelled): _CANCELLED,
    (_CANCELLED, OutcomeUnknown): _CANCELLED,  # late
    (_CANCELLED, FillFailed): _CANCELLED,
    #
    (_REJECTED, OrderRejected): _REJECTED,
    (_REJECTED, OutcomeUnknown): _REJECTED,  # late
}


class IllegalTransition(Exception):
    """An event contradicts the venue's earlier reports on the order."""

    def __init__(self, order: OrderState, event: VenueEvent) -> None:
        super().__init__(
            f"{order.intent.order_id} is {order.status.value} and cannot take {event!r}"
        )


def apply(order: OrderState, event: VenueEvent, now_ms: int) -> OrderState:
    """Return the order after an event; the very same object if the event adds nothing.

    Raises:
        IllegalTransition: the table has no row for the pair; nothing has changed.
        AssertionError: the fill has no size, or the event is another order's.
    """
    order_id = order.intent.order_id
    require(event.order_id == order_id, f"{order_id} got {event!r}, which belongs to another order")
    if isinstance(event, Fill):
        require(event.fill.size_units > 0, f"{order_id} cannot take {event.fill}")
        if any(fill.trade_id == event.fill.trade_id for fill in order.fills):
            return order
    status = TRANSITIONS.get((order.status, type(event)))
    if status is None:
        raise IllegalTransition(order, event)
    changed = attrs.evolve(order, status=status, **_facts(order, event))
    return order if changed == order else attrs.evolve(changed, updated_at_ms=now_ms)


def apply_report(
    order: OrderState, report: OrderReport, now_ms: int
) -> list[tuple[VenueEvent, OrderState]]:
    """Return the new events in a report, each with the order after it.

    Raises:
        IllegalTransition: the report contradicts what is known.
        AssertionError: as ``apply``.
    """
    news = []
    for event in events_in(report):
        after = apply(order, event, now_ms)
        if after is not order:
            news.append((event, after))
        order = after
    return news


def events_in(report: OrderReport) -> tuple[VenueEvent, ...]:
    """Return the events implied by a report, in the order in which they must have happened."""
    order_id, status = report.order_id, report.status
    events: list[VenueEvent] = []
    if status in _HELD:
        events.append(OrderAccepted(order_id, report.venue_order_id))
    events += [Fill(order_id, fill) for fill in report.fills]
    events += [FillFailed(order_id, each, "it did not settle") for each in report.failed_trade_ids]
    match status:
        case OrderStatus.UNKNOWN:
            events.append(OutcomeUnknown(order_id, report.reason))
        case OrderStatus.REJECTED:
            events.append(OrderRejected(order_id, report.reason))
        case OrderStatus.FILLED:
            events.append(OrderCompleted(order_id))
        case OrderStatus.CANCELLED:
            filled_units = sum(fill.size_units for fill in report.fills)
            events.append(OrderCancelled(order_id, report.reason, filled_units))
    return tuple(events)


def tell_order(report: OrderReport, before: OrderReport | None = None) -> Effects:
    """Send an order its executor's report; nothing if unchanged since ``before``."""
    if before is not None and events_in(report) == events_in(before):
        return []
    return [Send(order_role(report.order_id), report)]


def tell_trades(
    message_type: type[OrderFilled | FillReversed],
    intent: OrderIntent,
    fills: Iterable[FillDetail],
    trade_ids: frozenset[str],
    answer_to: str | None = None,
) -> Effects:
    """Send position those trades of an order that it must book, or reverse."""
    return [
        Send(
            POSITION,
            message_type(
                order_id=intent.order_id,
                market=intent.market,
                side=intent.side,
                action=intent.action,
                fill=fill,
                answer_to=answer_to,
            ),
        )
        for fill in fills
        if fill.trade_id in trade_ids
    ]


def tolerated_excess_units(size_units: int) -> int:
    """Return how far an order may exceed its size before that is logged as an error.

    A hundredth of a share plus one per cent: docs/decisions/excess.md.
    """
    return (UNITS_PER_SHARE + size_units) // 100


def is_excess(intent: OrderIntent, fills: Iterable[FillDetail]) -> bool:
    """Return whether fills exceed the order by more than rounding explains.

    A purchase that never rests is sized in money: at a better price it buys more shares.
    """
    parts = tuple(fills)
    most_units = intent.size_units + tolerated_excess_units(intent.size_units)
    if sum(fill.size_units for fill in parts) <= most_units:
        return False
    spent_nanos = sum(fill.price_ticks * fill.size_units for fill in parts)
    return not intent.is_sized_in_money or spent_nanos > intent.price_ticks * most_units


def is_booked(order: OrderState) -> bool:
    """Return whether position has confirmed every fill and reversal known so far."""
    return not order.unbooked and not order.unbooked_reversals


def _facts(order: OrderState, event: VenueEvent) -> dict[str, Any]:
    """Return the fields, apart from the status, that an event changes."""
    match event:
        case OrderAccepted(_, venue_order_id) if venue_order_id is not None:
            return {"venue_order_id": venue_order_id}
        case OrderRejected(_, reason) | OrderCancelled(_, reason) if not order.is_terminal:
            return {"end_reason": reason}
        case Fill(_, fill):
            is_reversed = fill.trade_id in order.reversed_trade_ids
            return {
                "fills": (*order.fills, fill),
                "unbooked": order.unbooked if is_reversed else order.unbooked | {fill.trade_id},
            }
        case FillFailed(_, trade_id) if trade_id not in order.reversed_trade_ids:
            is_known = any(fill.trade_id == trade_id for fill in order.fills)
            added = frozenset({trade_id} if is_known else ())
            return {
                "reversed_trade_ids": order.reversed_trade_ids | {trade_id},
                "unbooked_reversals": order.unbooked_reversals | added,
            }
    return {}
