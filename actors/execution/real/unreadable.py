"""What of the venue's account could not be read: each part is told and counted once.

It spoils nothing beside it. What is somebody else's is of no interest; what may hide a trade of an
order of ours makes its absence prove less.
"""

from __future__ import annotations

from actors.core import Effects, Log
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead
from actors.execution.real.orders import LiveOrders
from actors.feeds.user_channel import UserTrade

_TOLD_MAX = 10_000


class Unreadable:
    """Tells what could not be read, and whether it may hide something of an order."""

    def __init__(self, orders: LiveOrders) -> None:
        self._orders = orders
        self._told: set[object] = set()

    def take_trade(self, trade: UserTrade) -> Effects:
        """Say which parts of a trade could not be read; one of an order of ours is an error."""
        effects: Effects = []
        for part in trade.unread:
            live = self._orders.at_venue(part.order_id)
            whose = "somebody else's" if live is None else live.order_id
            text = f"a part of trade {trade.trade_id} cannot be read ({whose}): {part.reason}"
            level = "warning" if live is None else "error"
            effects += self._tell_once((trade.trade_id, part), level, text)
        return effects

    def take_rows(self, read: AccountRead) -> Effects:
        """Say which rows of a reading could not be read."""
        effects: Effects = []
        for row in read.unread:
            where = f"order {row.venue_order_id}" if row.venue_order_id else row.market_id
            text = f"a row of the account cannot be read ({where}): {row.reason}"
            effects += self._tell_once(row, "warning", text)
        return effects

    def _tell_once(self, what: object, level: str, text: str) -> Effects:
        if what in self._told:
            return []
        if len(self._told) >= _TOLD_MAX:
            self._told.clear()
        self._told.add(what)
        return [Log(level, f"{text}; {len(self._told)} such so far")]


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
