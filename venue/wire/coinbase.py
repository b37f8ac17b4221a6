"""Frames of Coinbase's Exchange feed: ticker, heartbeat, and the answers to a subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from venue.wire.text import iso_micros_text, json_text


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One match, as in the ticker; prices in the product's smallest steps."""

    product: str
    sequence: int
    trade_id: int
    price_places: int
    """Decimals of the product's prices: with 2, a step is a cent."""
    price_steps: int
    open_steps: int
    low_steps: int
    high_steps: int
    size_satoshi: int
    """Hundred-millionths of a coin."""
    taker_buys: bool
    at_ms: int


def ticker_text(tick: Tick) -> str:
    """Write the ticker of a match, with the best prices after it."""
    bid_steps = tick.price_steps - (1 if tick.taker_buys else 0)
    return json_text(
        {
            "type": "ticker",
            "sequence": tick.sequence,
            "product_id": tick.product,
            "price": _price(tick, tick.price_steps),
            "open_24h": _price(tick, tick.open_steps),
            "volume_24h": "6893.27341202",
            "low_24h": _price(tick, tick.low_steps),
            "high_24h": _price(tick, tick.high_steps),
            "volume_30d": "231704.66150318",
            "best_bid": _price(tick, bid_steps),
            "best_bid_size": "0.18230000",
            "best_ask": _price(tick, bid_steps + 1),
            "best_ask_size": "0.20510000",
            "side": "buy" if tick.taker_buys else "sell",
            "time": iso_micros_text(tick.at_ms),
            "trade_id": tick.trade_id,
            "last_size": f"{tick.size_satoshi // 10**8}.{tick.size_satoshi % 10**8:08d}",
        }
    )


def heartbeat_text(tick: Tick, at_ms: int) -> str:
    """Write the heartbeat sent each second, with the last match."""
    return json_text(
        {
            "type": "heartbeat",
            "sequence": tick.sequence,
            "last_trade_id": tick.trade_id,
            "product_id": tick.product,
            "time": iso_micros_text(at_ms),
        }
    )


def subscriptions_text(channels: Mapping[str, Sequence[str]]) -> str:
    """Answer a subscription with all current ones: products by channel."""
    listed = [{"name": name, "product_ids": list(products)} for name, products in channels.items()]
    return json_text({"type": "subscriptions", "channels": listed})


def error_text(message: str, reason: str) -> str:
    """Refuse a request."""
    return json_text({"type": "error", "message": message, "reason": reason})


def _price(tick: Tick, steps: int) -> str:
    whole, fraction = divmod(steps, 10**tick.price_places)
    return f"{whole}.{fraction:0{tick.price_places}d}"
