"""The rows of a reading of the account, each by itself: one that cannot be read spoils no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead, UnreadRow
from actors.execution.real.user_channel import UserOrder, UserTrade, order_of, trade_of
from actors.feeds.decoding import MalformedFrame

_Row = TypeVar("_Row", UserOrder, UserTrade)


class AccountRows:
    """Gathers what a reading shows, and what of it could not be read."""

    def __init__(self) -> None:
        self.orders: list[UserOrder] = []
        self.open_orders: list[UserOrder] = []
        self.trades: list[UserTrade] = []
        self.unread: list[UnreadRow] = []
        self.unread_markets: list[str] = []

    def add_order(self, venue_order_id: str, row: object | None) -> None:
        """Take in the row of one order; None where the venue shows none."""
        if row is not None:
            self.orders += self._readable(order_of, [row], "", venue_order_id)

    def add_open_orders(self, market_id: str, rows: Iterable[object]) -> None:
        """Take in a market's open orders."""
        self.open_orders += self._readable(order_of, rows, market_id, "")

    def add_trades(self, market_id: str, rows: Iterable[object]) -> None:
        """Take in a market's trades."""
        self.trades += self._readable(trade_of, rows, market_id, "")

    def leave_out(self, market_id: str, reason: str) -> None:
        """Take note that the venue did not show a market's rows."""
        self.unread.append(UnreadRow(market_id=market_id, venue_order_id="", reason=reason))
        self.unread_markets.append(market_id)

    def leave_out_order(self, venue_order_id: str, reason: str) -> None:
        """Take note that the venue did not show one order's row."""
        self.unread.append(UnreadRow(market_id="", venue_order_id=venue_order_id, reason=reason))

    def leave_out_balance(self, token: str, reason: str) -> None:
        """Take note that the venue did not show how many shares of a token there are."""
        whose = f"the balance of {token}"
        self.unread.append(UnreadRow(market_id=whose, venue_order_id="", reason=reason))

    def _readable(
        self,
        read: Callable[[object], _Row],
        rows: Iterable[object],
        market_id: str,
        venue_order_id: str,
    ) -> list[_Row]:
        readable: list[_Row] = []
        for row in rows:
            try:
                readable.append(read(row))
            except MalformedFrame as problem:
                self.unread.append(
                    UnreadRow(
                        market_id=market_id, venue_order_id=venue_order_id, reason=str(problem)
                    )
                )
        return readable


def may_hide(read: AccountRead, live: LiveOrder) -> bool:
    """Whether something of an order may stand in what could not be read."""
    parts = (part for trade in read.trades for part in trade.unread)
    if any(part.order_id == live.venue_order_id for part in parts):
        return True
    market_id = live.intent.market.market_id
    return any(
        row.market_id == market_id or row.venue_order_id == live.venue_order_id
        for row in read.unread
    )
