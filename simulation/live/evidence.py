"""What really happened to real orders: the exchange's books, and the executor's records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from actors.core import Record
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.orders import TakenBack
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import OrderStatus, OrderSubmitted
from actors.model import FillDetail
from simulation.exchange.order_side import OrderSide


class LiveEvidence:
    """Fills are from the exchange; that an order was sent and ended is the executor's record."""

    def __init__(self, side: OrderSide) -> None:
        self.side = side
        self.rows: dict[str, LiveOrder] = {}
        """The executor's newest record of each order."""
        self.open_ids: dict[str, None] = {}
        """Orders whose row is open."""
        self._accepted: Counter[str] = Counter()
        self._to_hear: dict[str, frozenset[str]] = {}
        self._taken_back: dict[str, OrderStatus | None] = {}
        """Orders that were cancelled before they arrived."""

    def take(self, record: Record) -> None:
        """Use a record of the real executor."""
        if isinstance(record.event, OrderSubmitted):
            self._accepted[record.event.order_id] += 1
        for save in record.saves:
            if isinstance(save.value, LiveOrder):
                self._take_row(save.key, save.value, is_open=save.is_open)
            elif isinstance(save.value, TakenBack):
                self._taken_back[save.key] = save.value.report.status

    def _take_row(self, order_id: str, live: LiveOrder, *, is_open: bool) -> None:
        before = self.rows.get(order_id)
        if live.is_final and not (before is not None and before.is_final):
            self._to_hear[order_id] = _failed(live)
        self.rows[order_id] = live
        self.open_ids.pop(order_id, None)
        if is_open:
            self.open_ids[order_id] = None

    def accepted_count(self, order_id: str) -> int:
        """Return how often the order was accepted."""
        return self._accepted[order_id]

    def end(self, order_id: str) -> OrderStatus | None:
        """Return how it ended according to the record; None while it has not."""
        live = self.rows.get(order_id)
        if live is None:
            return self._taken_back.get(order_id)
        return live.status if live.is_final else None

    def fills(self, order_id: str) -> Mapping[str, FillDetail]:
        """Return its trades at the exchange, by trade id."""
        return self.side.fills_of(order_id)

    def recorded_fills(self, order_id: str) -> Mapping[str, FillDetail]:
        """Return its trades as far as the executor has recorded them."""
        live = self.rows.get(order_id)
        trades = live.trades if live is not None else ()
        return {trade.fill.trade_id: trade.fill for trade in trades}

    def failed(self, order_id: str) -> Collection[str]:
        """Return the trade ids that failed at the exchange."""
        return self.side.failed_of(order_id)

    def recorded_failed(self, order_id: str) -> Collection[str]:
        """Return those of them that the executor has recorded."""
        live = self.rows.get(order_id)
        return _failed(live) if live is not None else frozenset()

    def to_be_heard(self, order_id: str) -> Collection[str]:
        """Return those of them that the executor knew when the order ended."""
        return self._to_hear.get(order_id, frozenset())

    def order_ids(self) -> Iterable[str]:
        """Return the ids of all orders that the exchange has accepted."""
        return [order_id for order_id in self.side.signatures if self.side.records_of(order_id)]


def _failed(live: LiveOrder) -> frozenset[str]:
    return frozenset(
        trade.fill.trade_id for trade in live.trades if trade.settlement is Settlement.FAILED
    )
