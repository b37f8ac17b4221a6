"""What an order's events say, in words: one row for each kind of event that is recorded of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from actors.execution.damaged import OrderMadeAnew, OrderSetAside
from actors.execution.desk_state import OrdersCreated, SideFreed
from actors.execution.real.claims import ClaimClosed, ClaimOpened
from actors.execution.real.messages import (
    ClaimFailed,
    HoldingsClaimed,
    OrderSigned,
    PostAnswered,
    PostRefused,
    PostUnclear,
    SigningFailed,
)
from actors.execution.real.orders import (
    AbsenceTold,
    CancelTold,
    LiveClosed,
    OrderPosted,
    OrderWithdrawn,
    TradeSeen,
    VenueSaid,
)
from actors.messages.execution import (
    CancelOrder,
    CancelRequested,
    Fill,
    FillFailed,
    OrderAccepted,
    OrderCancelled,
    OrderClosed,
    OrderCompleted,
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

_Event = TypeVar("_Event")

_EARLIER: Mapping[str, str] = {"OrderForgotten": "let go of"}
"""What only earlier releases recorded."""

_Row = tuple[type, Callable[[Any], str]]


def describe_event(event: StoredEvent) -> str:
    """Say what an event was; one that has no words here is shown as it is recorded."""
    body = json.dumps(event.body)
    if event.kind not in DESCRIBED:
        return _EARLIER.get(event.kind, f"{event.kind} {body}")
    event_type, words = DESCRIBED[event.kind]
    try:
        return words(decode_as(event_type, body))
    except Undecodable:
        return f"{event.kind}, which cannot be read as one: {body}"


def _is(event_type: type[_Event], words: str | Callable[[_Event], str]) -> _Row:
    """One kind of event and its words, or what makes them of the event."""
    return event_type, (lambda _: words) if isinstance(words, str) else words


def _fill_words(fill: FillDetail) -> str:
    words = f"{size_text(fill.size_units)} at {price_text(fill.price_ticks)}"
    if fill.fee_nanos:
        words += f", fee {dollars_text(fill.fee_nanos)}"
    return f"{words} ({'maker' if fill.is_maker else 'taker'}, trade {fill.trade_id})"


def _cancel_words(event: OrderCancelled) -> str:
    filled_units = event.filled_units
    total = "" if filled_units is None else f", {size_text(filled_units)} filled in all"
    return f"cancelled: {event.reason}{total}"


def _booking_words(event: FillBooked) -> str:
    what = "the reversal of " if event.is_reversal else ""
    return f"knows that {what}trade {event.trade_id} is in position version {event.version}"


def _report_words(report: OrderReport) -> str:
    status = "unheard of" if report.status is None else report.status.value
    filled_units = sum(fill.size_units for fill in report.fills)
    words = f"stands at {status}, {size_text(filled_units)} filled"
    return f"{words}: {report.reason}" if report.reason else words


def _entry_words(event: EntryChanged) -> str:
    verb = "booked" if event.entry.reversed_version is None else "took back"
    return f"{verb} {_fill_words(event.entry.fill)}: position version {event.position.version}"


def _freed_words(event: SideFreed) -> str:
    version = event.required_version
    return f"side freed after {event.status.value}: signals must know position version {version}"


def _refusal_words(event: PostRefused) -> str:
    if event.status == 0:
        return f"no connection was made: {event.text}"
    return f"the venue refused it ({event.status}): {event.text}"


def _venue_words(event: VenueSaid) -> str:
    order = event.order
    status = order.status.lower() or ("cancelled" if order.is_cancellation else "changed")
    if order.matched_units is None:
        return f"the venue says: {status}"
    return f"the venue says: {status}, {size_text(order.matched_units)} matched"


def _trade_words(event: TradeSeen) -> str:
    part = event.part
    size, price = size_text(part.size_units), price_text(part.price_ticks)
    role = "maker" if part.is_maker else "taker"
    return f"trade {part.trade_id} of {size} at {price} ({role}) is {part.settlement.value}"


_TAKEN = "accepted"

_ROWS = (
    # the Order itself, mostly the executor's words as they reached it
    _is(OrderAccepted, lambda e: f"accepted as {e.venue_order_id}" if e.venue_order_id else _TAKEN),
    _is(OrderRejected, lambda event: f"rejected: {event.reason}"),
    _is(Fill, lambda event: f"filled {_fill_words(event.fill)}"),
    _is(OrderCompleted, "filled whole"),
    _is(OrderCancelled, _cancel_words),
    _is(OutcomeUnknown, lambda event: f"outcome unknown: {event.reason}"),
    _is(FillFailed, lambda event: f"trade {event.trade_id} is taken back: {event.reason}"),
    _is(CancelRequested, lambda event: f"to be cancelled: {event.reason}"),
    _is(FillBooked, _booking_words),
    _is(OrderClosed, "record closed"),
    # desk, executor and position
    _is(OrdersCreated, lambda event: f"created: {', '.join(i.order_id for i in event.intents)}"),
    _is(OrderSubmitted, "on its way to the venue"),
    _is(CancelOrder, lambda event: f"will be cancelled on arrival: {event.reason}"),
    _is(OrderReport, _report_words),
    _is(OrderMadeAnew, lambda event: f"goes on from its creation: {event.reason}"),
    _is(OrderSetAside, lambda event: f"set aside, nobody follows it any more: {event.reason}"),
    _is(EntryChanged, _entry_words),
    _is(SideFreed, _freed_words),
    # the real executor: what left, and what the venue said to it
    _is(OrderSigned, lambda event: f"signed; the venue will call it {event.venue_order_id}"),
    _is(SigningFailed, lambda event: f"not signed: {event.reason}"),
    _is(OrderPosted, "posted, in the bytes that were signed"),
    _is(PostAnswered, lambda event: f"the venue took it: {event.status}"),
    _is(PostRefused, _refusal_words),
    _is(PostUnclear, lambda event: f"whether the venue has it is not known: {event.reason}"),
    _is(OrderWithdrawn, lambda e: f"it ends without having been at the venue: {e.reason}"),
    _is(VenueSaid, _venue_words),
    _is(TradeSeen, _trade_words),
    _is(CancelTold, "the venue has taken it back"),
    _is(AbsenceTold, lambda event: f"the venue shows no more of it: {event.reason}"),
    _is(LiveClosed, "nothing can become of it any more"),
    _is(ClaimOpened, "its window is over; the shares that are left are to be turned into money"),
    _is(HoldingsClaimed, "shares of its window were turned into money"),
    _is(ClaimFailed, lambda e: f"shares of its window were not turned into money: {e.reason}"),
    _is(ClaimClosed, "the account holds no shares of its window any more"),
)
DESCRIBED: Mapping[str, _Row] = {row[0].__name__: row for row in _ROWS}
"""Every kind of event that has words, by the name that it is recorded under."""
