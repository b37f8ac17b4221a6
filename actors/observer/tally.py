"""What the observer counts, so that an event told twice counts once."""

from __future__ import annotations

from collections import Counter

import attrs

from actors.messages.execution import OrderState
from actors.messages.observer import ObserverCounts, SeriesResult
from actors.messages.position import WindowSettled
from actors.messages.strategy import TradeSignals
from actors.series import series_of

ENDED_KEPT = 100
"""Ended orders that are still recognised when they are told again."""

SETTLED_KEPT = 24
"""Settled windows that are shown, and corrected when they settle again."""


@attrs.frozen(kw_only=True)
class EndedOrder:
    """What an ended order has added to the counts."""

    status: str
    fills_count: int


@attrs.frozen(kw_only=True)
class ObserverMemory:
    """What the observer saves of itself."""

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
        kept = memory or ObserverMemory()
        self._signals = Counter(kept.signals)
        self._refused_count = kept.refused_count
        self._orders = Counter(kept.orders)
        self._fills_count = kept.fills_count
        self._settled_count = kept.settled_count
        self._total_pnl_nanos = kept.total_pnl_nanos
        self._ended = dict(kept.ended)
        self._settled = {window.market_id: window for window in kept.settled}
        self._results = dict(kept.results)
        self._live: dict[str, OrderState] = {}

    @property
    def live_orders(self) -> tuple[OrderState, ...]:
        """Orders that can still trade, oldest first."""
        return tuple(sorted(self._live.values(), key=lambda order: order.intent.created_at_ms))

    @property
    def settled(self) -> tuple[WindowSettled, ...]:
        """The newest settled windows, in the order of their first settlement."""
        return tuple(self._settled.values())

    def count_signals(self, signals: TradeSignals) -> None:
        """Count an evaluation's signals."""
        self._signals.update(signal.priority for signal in signals.signals)

    def count_refused(self, count: int) -> None:
        """Count signals the desk did not carry out."""
        self._refused_count += count

    def take_order(self, order: OrderState) -> None:
        """Take in an order's present state; an older one than is known changes nothing."""
        order_id = order.intent.order_id
        if order.is_terminal:
            self._live.pop(order_id, None)
            self._end(order_id, order)
            return
        known = self._live.get(order_id)
        is_older = known is not None and order.updated_at_ms < known.updated_at_ms
        if order_id not in self._ended and not is_older:
            self._live[order_id] = order

    def _end(self, order_id: str, order: OrderState) -> None:
        ended = EndedOrder(status=order.status.value, fills_count=_standing_fills(order))
        known = self._ended.pop(order_id, None)
        if known is not None:
            self._orders[known.status] -= 1
            self._fills_count -= known.fills_count
        self._orders[ended.status] += 1
        self._fills_count += ended.fills_count
        self._ended[order_id] = ended
        _drop_oldest(self._ended, ENDED_KEPT)

    def take_settled(self, window: WindowSettled) -> None:
        """Take in a settled window; settled again, its new result takes the old one's place."""
        known = self._settled.get(window.market_id)
        if known is None:
            self._settled_count += 1
        series = series_of(window.slug)
        result = self.result(series)
        self._results[series] = SeriesResult(
            settled_count=result.settled_count + (known is None),
            pnl_nanos=result.pnl_nanos + window.pnl_nanos - (known.pnl_nanos if known else 0),
        )
        self._settled[window.market_id] = window
        self._total_pnl_nanos = window.total_pnl_nanos
        _drop_oldest(self._settled, SETTLED_KEPT)

    def result(self, series: str) -> SeriesResult:
        """What the settled windows of a series came to, since its results are counted."""
        return self._results.get(series, SeriesResult())

    def counts(self) -> ObserverCounts:
        """All counts, live orders included."""
        live = Counter(order.status.value for order in self._live.values())
        return ObserverCounts(
            signals=dict(self._signals),
            refused_count=self._refused_count,
            orders=dict(self._orders + live),
            fills_count=self._fills_count + sum(map(_standing_fills, self._live.values())),
            settled_count=self._settled_count,
            total_pnl_nanos=self._total_pnl_nanos,
        )

    def memory(self) -> ObserverMemory:
        """What a restart needs; live orders are found under their own record."""
        return ObserverMemory(
            signals=dict(self._signals),
            refused_count=self._refused_count,
            orders=dict(self._orders),
            fills_count=self._fills_count,
            settled_count=self._settled_count,
            total_pnl_nanos=self._total_pnl_nanos,
            ended=dict(self._ended),
            settled=self.settled,
            results=dict(self._results),
        )


def _standing_fills(order: OrderState) -> int:
    return sum(fill.trade_id not in order.reversed_trade_ids for fill in order.fills)


def _drop_oldest(kept: dict[str, EndedOrder] | dict[str, WindowSettled], limit: int) -> None:
    for key in [*kept][:-limit]:
        del kept[key]
