"""Descriptions of an order's events: one row for each kind of event recorded for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from actors.execution.damaged import OrderMadeAnew, OrderSetAside
from actors.execution.desk_state import OrdersCreated, SideFreed
from actors.execution.real import messages, orders
from actors.execution.real.redemptions import ClaimClosed, ClaimOpened
from actors.messages import execution
from actors.messages.position import FillBooked
from actors.model import FillDetail
from actors.position.core import EntryChanged
from actors.runtime.codec import Undecodable, decode_as
from actors.runtime.journal import StoredEvent
from actors.units import dollars_text, price_text, size_text

_EARLIER: Mapping[str, str] = {"OrderForgotten": "let go of"}
"""Kinds that only earlier releases recorded."""


def describe_event(event: StoredEvent) -> str:
    """Describe an event; one without a description is shown as it is recorded."""
    body = json.dumps(event.body)
    if event.kind not in DESCRIBED:
        return _EARLIER.get(event.kind, f"{event.kind} {body}")
    event_type = DESCRIBED[event.kind]
    words = _WORDS[event_type]
    try:
        value: object = decode_as(event_type, body)
    except Undecodable:
        return f"{event.kind}, which cannot be read as one: {body}"
    return words.format(value) if isinstance(words, str) else words(value)


def _fill_text(fill: FillDetail) -> str:
    words = f"{size_text(fill.size_units)} at {price_text(fill.price_ticks)}"
    if fill.fee_nanos:
        words += f", fee {dollars_text(fill.fee_nanos)}"
    return f"{words} ({'maker' if fill.is_maker else 'taker'}, trade {fill.trade_id})"


def _cancel_text(event: execution.OrderCancelled) -> str:
    filled_units = event.filled_units
    total = "" if filled_units is None else f", {size_text(filled_units)} filled in all"
    return f"cancelled: {event.reason}{total}"


def _booking_text(event: FillBooked) -> str:
    what = "the reversal of " if event.is_reversal else ""
    return f"knows that {what}trade {event.trade_id} is in position version {event.version}"


def _report_text(report: execution.OrderReport) -> str:
    status = "unheard of" if report.status is None else report.status.value
    filled_units = sum(fill.size_units for fill in report.fills)
    words = f"stands at {status}, {size_text(filled_units)} filled"
    return f"{words}: {report.reason}" if report.reason else words


def _entry_text(event: EntryChanged) -> str:
    verb = "booked" if event.entry.reversed_version is None else "took back"
    return f"{verb} {_fill_text(event.entry.fill)}: position version {event.position.version}"


def _freed_text(event: SideFreed) -> str:
    version = event.required_version
    return f"side freed after {event.status.value}: signals must know position version {version}"


def _refusal_text(event: messages.PostRefused) -> str:
    if event.status == 0:
        return f"no connection was made: {event.text}"
    return f"the venue refused it ({event.status}): {event.text}"


def _venue_text(event: orders.VenueSaid) -> str:
    order = event.order
    status = order.status.lower() or ("cancelled" if order.is_cancellation else "changed")
    if order.matched_units is None:
        return f"the venue says: {status}"
    return f"the venue says: {status}, {size_text(order.matched_units)} matched"


def _trade_text(event: orders.TradeSeen) -> str:
    part = event.part
    size, price = size_text(part.size_units), price_text(part.price_ticks)
    role = "maker" if part.is_maker else "taker"
    return f"trade {part.trade_id} of {size} at {price} ({role}) is {part.settlement.value}"


_WORDS: Mapping[type, str | Callable[[Any], str]] = {
    # the order itself, mostly the executor's words as they reached it
    execution.OrderAccepted: lambda e: (
        f"accepted as {e.venue_order_id}" if e.venue_order_id else "accepted"
    ),
    execution.OrderRejected: "rejected: {0.reason}",
    execution.Fill: lambda event: f"filled {_fill_text(event.fill)}",
    execution.OrderCompleted: "filled whole",
    execution.OrderCancelled: _cancel_text,
    execution.OutcomeUnknown: "outcome unknown: {0.reason}",
    execution.FillFailed: "trade {0.trade_id} is reversed: {0.reason}",
    execution.CancelRequested: "to be cancelled: {0.reason}",
    FillBooked: _booking_text,
    execution.OrderClosed: "record closed",
    # desk, executor and position
    OrdersCreated: lambda event: f"created: {', '.join(i.order_id for i in event.intents)}",
    execution.OrderSubmitted: "on its way to the venue",
    execution.CancelOrder: "will be cancelled on arrival: {0.reason}",
    execution.OrderReport: _report_text,
    OrderMadeAnew: "goes on from its creation: {0.reason}",
    OrderSetAside: "set aside, nobody follows it any more: {0.reason}",
    EntryChanged: _entry_text,
    SideFreed: _freed_text,
    # the real executor: what was sent, and the venue's answers
    messages.OrderSigned: "signed; the venue will call it {0.venue_order_id}",
    messages.SigningFailed: "not signed: {0.reason}",
    orders.OrderPosted: "posted, in the bytes that were signed",
    messages.PostAnswered: "the venue took it: {0.status}",
    messages.PostRefused: _refusal_text,
    messages.PostUnclear: "whether the venue has it is not known: {0.reason}",
    orders.OrderWithdrawn: "it ends without having been at the venue: {0.reason}",
    orders.VenueSaid: _venue_text,
    orders.TradeSeen: _trade_text,
    orders.CancelTold: "the venue has taken it back",
    orders.AbsenceTold: "the venue shows no more of it: {0.reason}",
    orders.LiveClosed: "nothing can become of it any more",
    ClaimOpened: "its window is over; the shares that are left are to be turned into money",
    messages.HoldingsClaimed: "shares of its window were turned into money",
    messages.ClaimFailed: "shares of its window were not turned into money: {0.reason}",
    ClaimClosed: "the account holds no shares of its window any more",
}
"""Description of each kind of event: a pattern with the event as argument 0, or a function."""
DESCRIBED: Mapping[str, type] = {kind.__name__: kind for kind in _WORDS}
"""Every kind of event that has a description, by its recorded name."""
