"""From accepted signals to what the orders are to be."""

from __future__ import annotations

from actors.core import Dice
from actors.messages.execution import OrderIntent
from actors.messages.strategy import TradeSignals
from actors.model import Market, TimeInForce


def intents_for(
    message: TradeSignals,
    market: Market,
    time_in_force: TimeInForce,
    *,
    numbers_from: int,
    dice: Dice,
    now_ms: int,
    order_ttl_ms: int,
) -> tuple[OrderIntent, ...]:
    """Make one order of each signal; two are the legs of a pair and name each other."""
    ids = [
        f"order_{numbers_from + index}_{dice.getrandbits(32):08x}"
        for index in range(len(message.signals))
    ]
    partners = list(reversed(ids)) if len(ids) == 2 else [None] * len(ids)
    return tuple(
        OrderIntent(
            order_id=order_id,
            market=market,
            side=signal.side,
            action=signal.action,
            price_ticks=signal.price_ticks,
            size_units=signal.size_units,
            time_in_force=time_in_force,
            created_at_ms=now_ms,
            expires_at_ms=min(now_ms + order_ttl_ms, market.closes_at_ms),
            priority=signal.priority,
            reason=signal.reason,
            pair_id=partner,
            position_version=message.position_version,
            tick_ns=message.tick_ns,
            basis=message.basis,
            passed_over=message.passed_over,
        )
        for order_id, partner, signal in zip(ids, partners, message.signals, strict=True)
    )
