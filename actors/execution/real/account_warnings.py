"""Warnings about the venue's account."""

from __future__ import annotations

from actors.core import Effects, Log
from actors.execution.order_state import is_excess
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead
from actors.execution.real.orders import LiveOrders
from actors.execution.real.user_channel import (
    Settlement,
    TradeAllocation,
    UserTrade,
    order_ids_of,
)
from actors.units import size_text

_TOLD_MAX = 10_000


class AccountWarnings:
    """Logs each warning once.

    Unreadable parts and rows are counted, and do not affect their neighbours. A trade that failed
    late, or exceeded its order's size, is booked as the venue reports it; the warning here makes it
    visible.
    """

    def __init__(self, orders: LiveOrders) -> None:
        self._orders = orders
        self._told: set[object] = set()
        self._unread_count = 0

    def of_trade(self, trade: UserTrade) -> Effects:
        """Warn of unreadable parts, and of the failure of a trade that is not known here."""
        effects: Effects = []
        for part in trade.unread:
            live = self._orders.at_venue(part.order_id)
            whose = "somebody else's" if live is None else live.order_id
            text = f"a part of trade {trade.trade_id} cannot be read ({whose}): {part.reason}"
            level = "warning" if live is None else "error"
            effects += self._unread((trade.trade_id, part), level, text)
        if self.is_unknown_failure(trade):
            text = (
                f"trade {trade.trade_id} failed, and none of its orders is known here any more: "
                "if the ledger has the trade, it is reversed"
            )
            effects += self._once(("failed", trade.trade_id), "warning", text)
        return effects

    def is_unknown_failure(self, trade: UserTrade) -> bool:
        """Return whether a trade failed none of whose orders is known here (any more)."""
        if trade.settlement is not Settlement.FAILED:
            return False
        return all(self._orders.at_venue(each) is None for each in order_ids_of(trade))

    def of_rows(self, read: AccountRead) -> Effects:
        """Warn of rows of a reading that could not be read."""
        effects: Effects = []
        for row in read.unread:
            where = f"order {row.venue_order_id}" if row.venue_order_id else row.market_id
            text = f"a row of the account cannot be read ({where}): {row.reason}"
            effects += self._unread(row, "warning", text)
        return effects

    def of_part(self, before: LiveOrder, after: LiveOrder, part: TradeAllocation) -> Effects:
        """Warn of a late failure, or of a trade beyond its order's size."""
        known, trade_id = before.trade(part.trade_id), part.trade_id
        if known is None:
            if not is_excess(after.intent, (trade.fill for trade in after.trades)):
                return []
            return self._once(("excess", trade_id), "error", _excess_sentence(after))
        if known.settlement is Settlement.CONFIRMED and after is not before:
            return self._once(("late", trade_id), "error", _failed_late_sentence(before, part))
        return []

    def _unread(self, what: object, level: str, text: str) -> Effects:
        is_new = what not in self._told
        self._unread_count += is_new
        return self._once(what, level, f"{text}; {self._unread_count} of this kind so far")

    def _once(self, what: object, level: str, text: str) -> Effects:
        if what in self._told:
            return []
        if len(self._told) >= _TOLD_MAX:
            self._told.clear()
        self._told.add(what)
        return [Log(level, text)]


def _failed_late_sentence(live: LiveOrder, part: TradeAllocation) -> str:
    return (
        f"trade {part.trade_id} of {live.order_id} was CONFIRMED, and the venue now says that it "
        f"FAILED: {size_text(part.size_units)} shares and their money are reversed"
    )


def _excess_sentence(after: LiveOrder) -> str:
    return (
        f"{after.order_id} of {size_text(after.intent.size_units)} shares has traded "
        f"{size_text(after.traded_units)} at the venue: all of it is booked; check the account"
    )
