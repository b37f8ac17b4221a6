"""Which orders a trade filled, at what size and price: one part an order.

Source: Polymarket's documentation of trades, and how NautilusTrader's adapter reads them. What is
at the top of a trade is the taker's; each maker's own size, price, token and side stand in its
entry, and differ from the taker's when a pair was minted or merged.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs

from actors.execution.real.user_channel import Settlement, TradePart, UnreadPart, UserTrade
from actors.model import Action


@attrs.frozen(kw_only=True)
class TradeAllocation:
    """What a trade did to one order; a (trade, order) pair counts once."""

    trade_id: str
    venue_order_id: str
    token: str
    action: Action
    price_ticks: int
    size_units: int
    is_maker: bool
    settlement: Settlement
    matched_at_ms: int | None


def parts_of(trade: UserTrade) -> list[TradeAllocation]:
    """All orders' parts, the taker's first; also those of orders that are not ours.

    An order with a part that cannot be read has none here: half of it would be a wrong size.
    """
    unread_ids = {part.order_id for part in trade.unread}
    by_order: dict[str, TradeAllocation] = {}
    for maker in trade.makers:
        part = _own(trade, maker, is_maker=True)
        known = by_order.get(maker.order_id)
        if known is not None:
            part = attrs.evolve(known, size_units=known.size_units + part.size_units)
        by_order[maker.order_id] = part
    taker = [] if trade.taker is None else [_own(trade, trade.taker, is_maker=False)]
    parts = [*taker, *by_order.values()]
    return [part for part in parts if part.venue_order_id not in unread_ids]


def order_ids_of(trade: UserTrade) -> set[str]:
    """The venue's ids of all orders that a trade names."""
    makers = {part.order_id for part in trade.makers}
    return {trade.taker_order_id} | makers | {part.order_id for part in trade.unread}


@attrs.frozen(kw_only=True)
class Ownership:
    """By what a part of a trade is known to be our account's."""

    known_ids: Collection[str]
    """The venue's ids of this system's orders."""
    wallet: str
    owner: str

    def own_parts(self, trade: UserTrade) -> list[TradeAllocation]:
        """The parts of our account's orders, those that nobody here knows of included."""
        ours = {maker.order_id for maker in trade.makers if self._is_ours(trade, maker)}
        if trade.is_ours_as_taker:
            ours.add(trade.taker_order_id)
        ours.update(self.known_ids)
        return [part for part in parts_of(trade) if part.venue_order_id in ours]

    def unread_parts(self, trade: UserTrade) -> list[UnreadPart]:
        """The parts of our account's orders that cannot be read."""
        return [part for part in trade.unread if self._is_ours(trade, part)]

    def _is_ours(self, trade: UserTrade, part: TradePart | UnreadPart) -> bool:
        if part.order_id in self.known_ids:
            return True
        if trade.is_ours_as_taker and part.order_id == trade.taker_order_id:
            return True
        return part.wallet == self.wallet or (not part.wallet and part.owner == self.owner)


def _own(trade: UserTrade, part: TradePart, *, is_maker: bool) -> TradeAllocation:
    return TradeAllocation(
        trade_id=trade.trade_id,
        venue_order_id=part.order_id,
        token=part.token,
        action=part.action,
        price_ticks=part.price_ticks,
        size_units=part.size_units,
        is_maker=is_maker,
        settlement=trade.settlement,
        matched_at_ms=trade.matched_at_ms,
    )
