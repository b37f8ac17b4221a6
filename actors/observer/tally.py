"""The observer's counts, in which a repeated event counts once."""

from __future__ import annotations

from collections import Counter

import attrs

from actors.messages.execution import OrderState
from actors.messages.observer import ObserverCounts, SeriesResult
from actors.messages.position import WindowSettled
from actors.messages.strategy import TradeSignals
from actors.series import series_of

ENDED_KEPT = 100
"""Ended orders that are still recognised when they are reported again."""

SETTLED_KEPT = 24
"""Settled windows that are shown, and corrected when they are settled again."""


@attrs.frozen(kw_only=True)
class EndedOrder:
    """What an ended order has added to the counts."""

    status: str
    fills_count: int


@attrs.frozen(kw_only=True)
class ObserverMemory:
    """The observer's saved state."""

    signals: dict[int, int] = attrs.field(factory=dict)
    refused_count: int = 0
    orders: dict[str, int] = attrs.field(factory=dict)
    """Ended orders by the name of their status."""
    fills_count: int = 0
    """Fills of ended orders that stand."""
    settled_count: int = 0
    total_pnl_nanos: int = 0
    ended: dict[str, EndedOrder] = attrs.field(factory=dict)
    settled: tuple[WindowSettled, ...] = ()
    results: dict[str, SeriesResult] = attrs.field(factory=dict)
    """By series."""


class SeenTally:
    """Running counts of signals, orders, fills and windows."""

    def __init__(self, memory: ObserverMemory | None = None) -> None:
        self.memory = memory or ObserverMemory()
        """The state to be saved; open orders have their own records."""
        self._live: dict[str, OrderState] = {}

    @property
    def live_orders(self) -> tuple[OrderState, ...]:
        """Orders that can still trade, oldest first."""
        return tuple(sorted(self._live.values(), key=lambda order: order.intent.created_at_ms))

    @property
    def settled(self) -> tuple[WindowSettled, ...]:
        """The newest settled windows, in the order of their first settlement."""
        return self.memory.settled

    def count_signals(self, signals: TradeSignals) -> None:
        """Count an evaluation's signals."""
        counts = Counter(self.memory.signals)
        counts.update(signal.priority for signal in signals.signals)
        self.memory = attrs.evolve(self.memory, signals=dict(counts))

    def count_refused(self, count: int) -> None:
        """Count signals the desk did not carry out."""
        refused_count = self.memory.refused_count + count
        self.memory = attrs.evolve(self.memory, refused_count=refused_count)

    def take_order(self, order: OrderState) -> None:
        """Apply an order's current state; an older one has no effect."""
        order_id = order.intent.order_id
        if order.is_terminal:
            self._live.pop(order_id, None)
            self._end(order_id, order)
            return
        known = self._live.get(order_id)
        is_older = known is not None and order.updated_at_ms < known.updated_at_ms
        if order_id not in self.memory.ended and not is_older:
            self._live[order_id] = order

    def _end(self, order_id: str, order: OrderState) -> None:
        memory = self.memory
        orders, fills_count = Counter(memory.orders), memory.fills_count
        known, ended = memory.ended.get(order_id), dict(memory.ended)
        if known is not None:
            del ended[order_id]
            orders[known.status] -= 1
            fills_count -= known.fills_count
        newest = EndedOrder(status=order.status.value, fills_count=_standing_fills(order))
        orders[newest.status] += 1
        ended[order_id] = newest
        for oldest in [*ended][:-ENDED_KEPT]:
            del ended[oldest]
        fills_count += newest.fills_count
        self.memory = attrs.evolve(
            memory, orders=dict(orders), fills_count=fills_count, ended=ended
        )

    def take_settled(self, window: WindowSettled) -> None:
        """Apply a settled window; a new result replaces the previous one."""
        memory = self.memory
        settled = {each.market_id: each for each in memory.settled}
        known = settled.get(window.market_id)
        settled[window.market_id] = window
        series = series_of(window.slug)
        before = self.result(series)
        result = SeriesResult(
            settled_count=before.settled_count + (known is None),
            pnl_nanos=before.pnl_nanos + window.pnl_nanos - (known.pnl_nanos if known else 0),
        )
        self.memory = attrs.evolve(
            memory,
            settled_count=memory.settled_count + (known is None),
            total_pnl_nanos=window.total_pnl_nanos,
            settled=tuple(settled.values())[-SETTLED_KEPT:],
            results={**memory.results, series: result},
        )

    def result(self, series: str) -> SeriesResult:
        """Return the total of a series' settled windows since its results are counted."""
        return self.memory.results.get(series, SeriesResult())

    def counts(self) -> ObserverCounts:
        """Return all counts, open orders included."""
        memory, live = self.memory, self._live.values()
        statuses = Counter(memory.orders) + Counter(order.status.value for order in live)
        return ObserverCounts(
            signals=dict(memory.signals),
            refused_count=memory.refused_count,
            orders=dict(statuses),
            fills_count=memory.fills_count + sum(map(_standing_fills, live)),
            settled_count=memory.settled_count,
            total_pnl_nanos=memory.total_pnl_nanos,
        )


def _standing_fills(order: OrderState) -> int:
    return sum(fill.trade_id not in order.reversed_trade_ids for fill in order.fills)
