"""What a run has recorded, as far as a verdict needs it: read once, when the run has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import attrs

from actors.execution.paper import PaperEnd, PaperOrder
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderState
from actors.model import FillDetail
from actors.position.ledger import WindowLedger
from actors.roles import EXECUTOR
from actors.runtime.journal import JournalReader

_Value = TypeVar("_Value")

Pair = tuple[str, str]
"""(trade id, order id): what may be booked once."""


@attrs.frozen(kw_only=True)
class Books:
    """The desk's, the orders', the executor's and the ledger's records, side by side."""

    created: tuple[str, ...]
    """Order ids of every OrdersCreated, repetitions too."""
    carried_out: tuple[int, ...]
    """The signals' number of every OrdersCreated, repetitions too."""
    orders: Mapping[str, OrderState]
    submitted: tuple[str, ...]
    """Order ids that the executor sent on their way, repetitions too."""
    executed: Mapping[str, tuple[FillDetail, ...]]
    """The executor's own fills, by order id."""
    failed: frozenset[Pair] = frozenset()
    """Of these, the ones that were taken back."""
    venue_ids: Mapping[str, str] = attrs.field(factory=dict)
    """Of live orders, the venue's id by our own; empty where nothing was signed."""
    booked: tuple[Pair, ...]
    """Of every booking that the ledger recorded, repetitions too."""
    windows: tuple[WindowLedger, ...]


def read_books(reader: JournalReader) -> Books:
    """Collect the records of a run."""
    creations = [event.body for event in reader.events(kind="OrdersCreated")]
    submissions = reader.events(kind="OrderSubmitted")
    bookings = [event.body for event in reader.events(kind="EntryChanged")]
    orders = _only(OrderState, reader.states("order", open_only=False))
    windows = _only(WindowLedger, reader.states("position", open_only=False))
    live = _only(LiveOrder, reader.states("live", open_only=False))
    return Books(
        created=tuple(intent["order_id"] for body in creations for intent in body["intents"]),
        carried_out=tuple(body["signals_id"] for body in creations),
        orders={order.intent.order_id: order for order in orders},
        submitted=tuple(
            event.order_id
            for event in submissions
            if event.role == EXECUTOR and event.order_id is not None
        ),
        executed=_executed(reader.states("paper", open_only=False)) | _traded(live),
        failed=frozenset(pair for order in live for pair in _failed(order)),
        venue_ids={order.order_id: order.venue_order_id for order in live},
        booked=tuple(
            (body["entry"]["fill"]["trade_id"], body["order_id"])
            for body in bookings
            if body["entry"]["reversed_version"] is None
        ),
        windows=tuple(windows),
    )


def _only(kind: type[_Value], values: Iterable[object]) -> list[_Value]:
    return [value for value in values if isinstance(value, kind)]


def _executed(papers: Iterable[object]) -> dict[str, tuple[FillDetail, ...]]:
    executed = {}
    for paper in papers:
        if isinstance(paper, PaperOrder):
            executed[paper.order_id] = paper.fills
        elif isinstance(paper, PaperEnd):
            executed[paper.report.order_id] = paper.report.fills
    return executed


def _traded(orders: Iterable[LiveOrder]) -> dict[str, tuple[FillDetail, ...]]:
    return {order.order_id: tuple(trade.fill for trade in order.trades) for order in orders}


def _failed(order: LiveOrder) -> list[Pair]:
    return [
        (trade.fill.trade_id, order.order_id)
        for trade in order.trades
        if trade.settlement is Settlement.FAILED
    ]
