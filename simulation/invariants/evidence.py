"""What really happened to the orders, from the point of view of the venue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import attrs

from actors.core import Record
from actors.execution.paper import PaperEnd, PaperOrder
from actors.messages.execution import FillFailed, OrderStatus, OrderSubmitted
from actors.model import FillDetail


class Evidence(Protocol):
    """The venue's records; for the real executor they are the exchange's own."""

    def take(self, record: Record) -> None:
        """Use a record that was accepted, if it contains evidence."""
        ...

    def accepted_count(self, order_id: str) -> int:
        """Return how often the order was sent to the venue."""
        ...

    def end(self, order_id: str) -> OrderStatus | None:
        """Return how it ended at the venue; None while it has not."""
        ...

    def fills(self, order_id: str) -> Mapping[str, FillDetail]:
        """Return its trades by trade id."""
        ...

    def recorded_fills(self, order_id: str) -> Mapping[str, FillDetail]:
        """Return its trades as far as the executor has recorded them."""
        ...

    def failed(self, order_id: str) -> Collection[str]:
        """Return the trade ids of its failed trades."""
        ...

    def recorded_failed(self, order_id: str) -> Collection[str]:
        """Return those of them that the executor has recorded."""
        ...

    def to_be_heard(self, order_id: str) -> Collection[str]:
        """Return those of them that the order must know of before it closes."""
        ...

    def order_ids(self) -> Iterable[str]:
        """Return the ids of all orders that were ever sent."""
        ...


@attrs.define
class _PaperTrail:
    accepted_count: int = 0
    fills: dict[str, FillDetail] = attrs.field(factory=dict)
    failed: set[str] = attrs.field(factory=set)
    failed_before_end: set[str] = attrs.field(factory=set)
    end: OrderStatus | None = None


class PaperEvidence:
    """The simulated executor is the venue: what it has recorded is what happened."""

    def __init__(self) -> None:
        self._trails: dict[str, _PaperTrail] = {}

    def take(self, record: Record) -> None:
        """Use a record of the simulated executor."""
        if isinstance(record.event, OrderSubmitted):
            self._trail(record.event.order_id).accepted_count += 1
        if isinstance(record.event, FillFailed) and record.saves[0].kind == "failed":
            trail = self._trail(record.event.order_id)
            trail.failed.add(record.event.trade_id)
            if trail.end is None:
                trail.failed_before_end.add(record.event.trade_id)
        for save in record.saves:
            value = save.value
            if isinstance(value, PaperOrder):
                trail = self._trail(value.order_id)
                trail.fills.update((fill.trade_id, fill) for fill in value.fills)
            elif isinstance(value, PaperEnd):
                trail = self._trail(value.report.order_id)
                trail.fills.update((fill.trade_id, fill) for fill in value.report.fills)
                trail.end = value.report.status

    def accepted_count(self, order_id: str) -> int:
        """Return how often the order was accepted."""
        return self._known(order_id).accepted_count

    def end(self, order_id: str) -> OrderStatus | None:
        """Return how it ended on paper; None while it has not."""
        return self._known(order_id).end

    def fills(self, order_id: str) -> Mapping[str, FillDetail]:
        """Return its trades by trade id."""
        return self._known(order_id).fills

    def recorded_fills(self, order_id: str) -> Mapping[str, FillDetail]:
        """Return the same trades."""
        return self.fills(order_id)

    def failed(self, order_id: str) -> Collection[str]:
        """Return the trade ids of its failed trades."""
        return self._known(order_id).failed

    def recorded_failed(self, order_id: str) -> Collection[str]:
        """Return the same trade ids."""
        return self.failed(order_id)

    def to_be_heard(self, order_id: str) -> Collection[str]:
        """Return those that failed before its end; position is told of the others."""
        return self._known(order_id).failed_before_end

    def order_ids(self) -> Iterable[str]:
        """Return the ids of all orders that were accepted."""
        return [order_id for order_id, trail in self._trails.items() if trail.accepted_count]

    def _trail(self, order_id: str) -> _PaperTrail:
        return self._trails.setdefault(order_id, _PaperTrail())

    def _known(self, order_id: str) -> _PaperTrail:
        return self._trails.get(order_id, _NO_TRAIL)


_NO_TRAIL = _PaperTrail()
