"""What the observer has seen of windows: each series' newest one, and messages on each window."""

from __future__ import annotations

from typing import TypeVar

from actors.messages.directory import MarketOpened
from actors.messages.execution import OpenOrders
from actors.messages.market import MarketSnapshot
from actors.messages.observer import SeriesResult, SeriesView
from actors.messages.position import PositionSnapshot
from actors.messages.strategy import Evaluated, StopLossTriggered

MARKETS_KEPT = 64
"""More than the newest and the previous windows of all possible series."""

MarketWord = PositionSnapshot | OpenOrders | StopLossTriggered | Evaluated
_Word = TypeVar("_Word", PositionSnapshot, OpenOrders, StopLossTriggered, Evaluated)


class SeenMarkets:
    """The newest message of each kind on each window; the oldest windows are dropped."""

    def __init__(self) -> None:
        self._words: dict[type, dict[str, MarketWord]] = {}

    def take(self, word: MarketWord) -> None:
        """Keep a message as the newest of its kind on its window, except an older position."""
        kept = self._words.setdefault(type(word), {})
        known = kept.pop(word.market_id, None)
        if isinstance(word, PositionSnapshot) and isinstance(known, PositionSnapshot):
            word = max(known, word, key=lambda position: position.version)
        kept[word.market_id] = word
        for oldest in [*kept][:-MARKETS_KEPT]:
            del kept[oldest]

    def newest(self, kind: type[_Word], market_id: str) -> _Word | None:
        """Return the newest message of a kind on a window; None if there was none."""
        word = self._words.get(kind, {}).get(market_id)
        return word if isinstance(word, kind) else None


class SeenSeries:
    """The newest window of one series."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opened: MarketOpened | None = None
        self.snapshot: MarketSnapshot | None = None
        self._is_closed = False

    def view(self, markets: SeenMarkets, result: SeriesResult) -> SeriesView:
        """Return the current view of the series."""
        market_id = self.opened.market_id if self.opened is not None else ""
        return SeriesView(
            series=self.name,
            opened=self.opened,
            is_closed=self._is_closed,
            snapshot=self.snapshot,
            position=markets.newest(PositionSnapshot, market_id),
            open_orders=markets.newest(OpenOrders, market_id),
            stop_loss=markets.newest(StopLossTriggered, market_id),
            evaluated=markets.newest(Evaluated, market_id),
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
        """Show that a window's time has ended, if it is the newest."""
        if self.opened is not None and self.opened.market_id == market_id:
            self._is_closed = True

    def take_snapshot(self, message: MarketSnapshot) -> None:
        """Keep the newest books."""
        if self.snapshot is None or message.taken_at_ms >= self.snapshot.taken_at_ms:
            self.snapshot = message
