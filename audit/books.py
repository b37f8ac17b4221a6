"""The records of a run that a verdict needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from actors.execution.paper import PaperEnd, PaperOrder
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import FillFailed, OrderState, OrderStatus
from actors.model import FillDetail, Side
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.roles import EXECUTOR
from actors.runtime.journal import JournalReader
from audit.sums import Part

_Value = TypeVar("_Value")

Outcomes = Mapping[str, Side | None]
"""The exchange's results, by slug; None for a void window."""

Pair = tuple[str, str]
"""(trade id, order id): what may be booked only once."""

Told = tuple[str, str, Mapping[str, Any]]
"""A recorded event: the role that recorded it, its kind and its fields."""

ENDED = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED)
"""Statuses in which an order can no longer trade."""

ROW_KINDS = ("order", "position", "paper", "failed", "live")
"""The kinds of rows that a verdict uses."""
EVENT_KINDS = ("OrdersCreated", "OrderSubmitted", "EntryChanged")
"""The kinds of events that a verdict uses."""


@attrs.frozen(kw_only=True)
class Books:
    """The records of desk, orders, executor and ledger, side by side."""

    created: tuple[str, ...] = ()
    """Order ids in every OrdersCreated, including repetitions."""
    carried_out: tuple[int, ...] = ()
    """The signals' number of every OrdersCreated, including repetitions."""
    submitted: tuple[str, ...] = ()
    """Order ids that the executor submitted, including repetitions."""
    booked: tuple[Pair, ...] = ()
    """Every booking recorded by the ledger, including repetitions."""
    orders: Mapping[str, OrderState]
    executed: Mapping[str, tuple[FillDetail, ...]]
    """The executor's own fills, by order id."""
    failed: frozenset[Pair] = frozenset()
    """Those of them that were reversed."""
    live: Mapping[str, LiveOrder] = attrs.field(factory=dict)
    """The real executor's rows of orders; empty if nothing was signed."""
    windows: tuple[WindowLedger, ...]


def standing_entries(window: WindowLedger) -> Iterator[LedgerEntry]:
    """Yield the ledger's entries that are booked and not reversed."""
    return (entry for entry in window.entries if entry.reversed_version is None)


def standing_parts(window: WindowLedger) -> Iterator[Part]:
    """Yield the same as parts to be added up."""
    return ((entry.side, entry.action, entry.fill) for entry in standing_entries(window))


def read_books(reader: JournalReader) -> Books:
    """Collect the records of a run that has ended."""
    values = [row for kind in ROW_KINDS for row in reader.states(kind, open_only=False)]
    events = [event for kind in EVENT_KINDS for event in reader.events(kind=kind)]
    return books_of(values, ((event.role, event.kind, event.body) for event in events))


def books_of(values: Iterable[object], events: Iterable[Told] = ()) -> Books:
    """Sort the newest values of all rows, and the events that led to them."""
    rows = list(values)
    live = {order.order_id: order for order in _only(LiveOrder, rows)}
    executed = {paper.order_id: paper.fills for paper in _only(PaperOrder, rows)}
    executed |= {end.report.order_id: end.report.fills for end in _only(PaperEnd, rows)}
    executed |= {key: tuple(each.fill for each in order.trades) for key, order in live.items()}
    failed = {(each.trade_id, each.order_id) for each in _only(FillFailed, rows)}
    failed |= {
        (trade.fill.trade_id, order_id)
        for order_id, order in live.items()
        for trade in order.trades
        if trade.settlement is Settlement.FAILED
    }
    created: list[str] = []
    carried_out, submitted, booked = [], [], []
    for role, kind, body in events:
        if kind == "OrdersCreated":
            created += [intent["order_id"] for intent in body["intents"]]
            carried_out.append(body["signals_id"])
        elif kind == "OrderSubmitted" and role == EXECUTOR:
            submitted.append(body["order_id"])
        elif kind == "EntryChanged" and body["entry"]["reversed_version"] is None:
            booked.append((body["entry"]["fill"]["trade_id"], body["order_id"]))
    return Books(
        created=tuple(created),
        carried_out=tuple(carried_out),
        submitted=tuple(submitted),
        booked=tuple(booked),
        orders={order.intent.order_id: order for order in _only(OrderState, rows)},
        executed=executed,
        failed=frozenset(failed),
        live=live,
        windows=tuple(_only(WindowLedger, rows)),
    )


def _only(kind: type[_Value], values: Iterable[object]) -> list[_Value]:
    return [value for value in values if isinstance(value, kind)]
