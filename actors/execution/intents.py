"""From accepted signals to what the orders are to be."""

from __future__ import annotations

from actors.core import Dice
from actors.messages.execution import OrderIntent
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Market


def intents_for(
    message: TradeSignals,
    market: Market,
    *,
    numbers_from: int,
    dice: Dice,
    now_ms: int,
    order_ttl_ms: int,
) -> tuple[OrderIntent, ...]:
    """Make one order of each signal; the two legs of a pair name each other."""
    ids = [
        f"order_{numbers_from + index}_{dice.getrandbits(32):08x}"
        for index in range(len(message.signals))
    ]
    is_pair = len(ids) == 2 and message.signals[0].pair is not None
    partners = list(reversed(ids)) if is_pair else [None] * len(ids)
    return tuple(
        OrderIntent(
            order_id=order_id,
            market=market,
            side=signal.side,
            action=signal.action,
            price_ticks=signal.price_ticks,
            size_units=signal.size_units,
            time_in_force=signal.time_in_force,
            is_post_only=signal.is_post_only,
            orders_per_side=message.orders_per_side,
            created_at_ms=now_ms,
            expires_at_ms=min(now_ms + _lifetime_ms(signal, order_ttl_ms), market.closes_at_ms),
            priority=signal.priority,
            reason=signal.reason,
            pair_id=partner,
            position_version=message.position_version,
            tick_ns=message.tick_ns,
            basis=message.basis,
            passed_over=message.passed_over,
            settings_number=message.settings_number,
        )
        for order_id, partner, signal in zip(ids, partners, message.signals, strict=True)
    )


def _lifetime_ms(signal: TradeSignal, order_ttl_ms: int) -> int:
    return order_ttl_ms if signal.time_to_live_ms is None else signal.time_to_live_ms
