"""What the observer has seen of windows: the newest of each series, and what was told of each."""

from __future__ import annotations

from typing import TypeVar

from actors.messages.directory import MarketOpened
from actors.messages.execution import OpenOrders
from actors.messages.market import MarketSnapshot
from actors.messages.observer import SeriesResult, SeriesView
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import Evaluated, StopLossTriggered

MARKETS_KEPT = 64
"""More than the newest windows of all series that there can be, and those before them."""

_Value = TypeVar("_Value")


class SeenMarkets:
    """The newest word of each kind on each window, by market id; the oldest windows go."""

    def __init__(self) -> None:
        self.positions: dict[str, PositionSnapshot] = {}
        self.open_orders: dict[str, OpenOrders] = {}
        self.stop_losses: dict[str, StopLossTriggered] = {}
        self.evaluated: dict[str, Evaluated] = {}

    def take_position(self, message: PositionSnapshot) -> None:
        """Keep each window's newest position."""
        known = self.positions.get(message.market_id)
        if known is None or known.version <= message.version:
            put(self.positions, message.market_id, message)


def put(kept: dict[str, _Value], market_id: str, value: _Value) -> None:
    """Keep a value as the newest of its window."""
    kept.pop(market_id, None)
    kept[market_id] = value
    for oldest in [*kept][:-MARKETS_KEPT]:
        del kept[oldest]


class SeenSeries:
    """The newest window of one series."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opened: MarketOpened | None = None
        self.snapshot: MarketSnapshot | None = None
        self._is_closed = False

    def view(self, markets: SeenMarkets, result: SeriesResult) -> SeriesView:
        """Everything, as it is now."""
        market_id = self.opened.market_id if self.opened is not None else ""
        return SeriesView(
            series=self.name,
            opened=self.opened,
            is_closed=self._is_closed,
            snapshot=self.snapshot,
            position=markets.positions.get(market_id),
            open_orders=markets.open_orders.get(market_id),
            stop_loss=markets.stop_losses.get(market_id),
            evaluated=markets.evaluated.get(market_id),
            result=result,
        )

    def open_window(self, message: MarketOpened) -> None:
        """Show the newest window."""
        newest = self.opened
        if newest is None or message.market.opens_at_ms > newest.market.opens_at_ms:
            self._is_closed = False
            self.opened = message
        elif message.market_id == newest.market_id:
            self.opened = message

    def close_window(self, market_id: str) -> None:
        """Show that a window's time is over, if it is the newest."""
        if self.opened is not None and self.opened.market_id == market_id:
            self._is_closed = True

    def take_snapshot(self, message: MarketSnapshot) -> None:
        """Keep the newest books."""
        if self.snapshot is None or message.taken_at_ms >= self.snapshot.taken_at_ms:
            self.snapshot = message
