"""What an order's events say, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping

from actors.execution.damaged import OrderMadeAnew, OrderSetAside
from actors.execution.desk_state import OrdersCreated, SideFreed
from actors.messages.execution import (
    CancelOrder,
    CancelRequested,
    Fill,
    FillFailed,
    OrderAccepted,
    OrderCancelled,
    OrderClosed,
    OrderRejected,
    OrderReport,
    OrderSubmitted,
    OutcomeUnknown,
)
from actors.messages.position import FillBooked
from actors.model import FillDetail
from actors.position.core import EntryChanged
from actors.runtime.codec import Undecodable, decode_as
from actors.runtime.journal import StoredEvent
from actors.units import dollars_text, price_text, size_text
from understudy.reading.real_event_descriptions import LIVE_EVENTS, describe_real_event

_KNOWN: Mapping[str, type] = {
    event_type.__name__: event_type
    for event_type in (
        CancelOrder,
        CancelRequested,
        EntryChanged,
        Fill,
        FillBooked,
        FillFailed,
        OrderAccepted,
        OrderCancelled,
        OrderClosed,
        OrderMadeAnew,
        OrderRejected,
        OrderReport,
        OrderSetAside,
        OrderSubmitted,
        OrdersCreated,
        OutcomeUnknown,
        SideFreed,
        *LIVE_EVENTS,
    )
}

_EARLIER: Mapping[str, str] = {"OrderForgotten": "let go of"}
"""What only earlier releases recorded."""


def describe_event(event: StoredEvent) -> str:
    """Say what an event was; one that has no words here is shown as it is recorded."""
    event_type = _KNOWN.get(event.kind)
    body = json.dumps(event.body)
    if event_type is None:
        return _EARLIER.get(event.kind, f"{event.kind} {body}")
    try:
        value: object = decode_as(event_type, body)
    except Undecodable:
        return f"{event.kind}, which cannot be read as one: {body}"
    return _of_the_order(value) or describe_real_event(value) or _of_others(value)


def _of_the_order(value: object) -> str:
    """What the Order itself recorded, mostly the executor's words as they reached it."""
    match value:
        case OrderAccepted(venue_order_id=venue_order_id):
            return "accepted" + (f" as {venue_order_id}" if venue_order_id else "")
        case OrderRejected(reason=reason):
            return f"rejected: {reason}"
        case Fill(fill=fill):
            return f"filled {_fill_words(fill)}"
        case OrderCancelled(reason=reason, filled_units=filled_units):
            total = "" if filled_units is None else f", {size_text(filled_units)} filled in all"
            return f"cancelled: {reason}{total}"
        case OutcomeUnknown(reason=reason):
            return f"outcome unknown: {reason}"
        case FillFailed(trade_id=trade_id, reason=reason):
            return f"trade {trade_id} is taken back: {reason}"
        case CancelRequested(reason=reason):
            return f"to be cancelled: {reason}"
        case FillBooked(trade_id=trade_id, is_reversal=is_reversal, version=version):
            what = "the reversal of " if is_reversal else ""
            return f"knows that {what}trade {trade_id} is in position version {version}"
        case OrderClosed():
            return "record closed"
    return ""


def _of_others(value: object) -> str:
    """What desk, executor and position recorded of it."""
    match value:
        case OrdersCreated(intents=intents):
            return f"created: {', '.join(intent.order_id for intent in intents)}"
        case OrderSubmitted():
            return "on its way to the venue"
        case CancelOrder(reason=reason):
            return f"will be cancelled on arrival: {reason}"
        case OrderReport():
            return _report_words(value)
        case OrderMadeAnew(reason=reason):
            return f"goes on from its creation: {reason}"
        case OrderSetAside(reason=reason):
            return f"set aside, nobody follows it any more: {reason}"
        case EntryChanged(entry=entry, position=position):
            verb = "booked" if entry.reversed_version is None else "took back"
            return f"{verb} {_fill_words(entry.fill)}: position version {position.version}"
        case SideFreed(status=status, required_version=version):
            return f"side freed after {status.value}: signals must know position version {version}"
    raise AssertionError(f"{type(value).__name__} is listed, but has no words")


def _fill_words(fill: FillDetail) -> str:
    words = f"{size_text(fill.size_units)} at {price_text(fill.price_ticks)}"
    if fill.fee_nanos:
        words += f", fee {dollars_text(fill.fee_nanos)}"
    return f"{words} ({'maker' if fill.is_maker else 'taker'}, trade {fill.trade_id})"


def _report_words(report: OrderReport) -> str:
    status = "unheard of" if report.status is None else report.status.value
    filled_units = sum(fill.size_units for fill in report.fills)
    words = f"stands at {status}, {size_text(filled_units)} filled"
    return f"{words}: {report.reason}" if report.reason else words
