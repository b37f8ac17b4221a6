"""Which orders a trade filled, at what size and price: one part an order.

Source: Polymarket's documentation of trades, and how NautilusTrader's adapter reads them. What is
at the top of a trade is the taker's; each maker's own size, price, token and side stand in its
entry, and differ from the taker's when a pair was minted or merged.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.feeds.user_channel import MakerPart, Settlement, UserTrade
from actors.strategy.messages import Action


@attrs.frozen(kw_only=True)
class OwnPart:
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


def parts_of(trade: UserTrade) -> list[OwnPart]:
    """All orders' parts, the taker's first; also those of orders that are not ours."""
    taker = OwnPart(
        trade_id=trade.trade_id,
        venue_order_id=trade.taker_order_id,
        token=trade.token,
        action=trade.action,
        price_ticks=trade.price_ticks,
        size_units=trade.size_units,
        is_maker=False,
        settlement=trade.settlement,
        matched_at_ms=trade.matched_at_ms,
    )
    by_order: dict[str, OwnPart] = {}
    for maker in trade.makers:
        part = _maker(trade, maker)
        known = by_order.get(maker.order_id)
        if known is not None:
            part = attrs.evolve(known, size_units=known.size_units + part.size_units)
        by_order[maker.order_id] = part
    return [taker, *by_order.values()]


def own_parts(
    trade: UserTrade, *, known_ids: Iterable[str], wallet: str, owner: str
) -> list[OwnPart]:
    """The parts of our account's orders, those that nobody here knows of included."""
    ours = {
        maker.order_id
        for maker in trade.makers
        if maker.wallet == wallet or (not maker.wallet and maker.owner == owner)
    }
    if trade.is_ours_as_taker:
        ours.add(trade.taker_order_id)
    ours.update(known_ids)
    return [part for part in parts_of(trade) if part.venue_order_id in ours]


def _maker(trade: UserTrade, maker: MakerPart) -> OwnPart:
    return OwnPart(
        trade_id=trade.trade_id,
        venue_order_id=maker.order_id,
        token=maker.token,
        action=maker.action,
        price_ticks=maker.price_ticks,
        size_units=maker.size_units,
        is_maker=True,
        settlement=trade.settlement,
        matched_at_ms=trade.matched_at_ms,
    )
