"""Rows of a client's own orders and trades, for REST and the user channel (``/ws/user``).

All numbers are texts. Times are unix seconds, as texts in events and in trades; ``timestamp`` alone
is in milliseconds.
"""

from __future__ import annotations

from typing import Any

from venue.amounts import price_text, size_text
from venue.ordering.ids import address_text, hash_text, uuid_text
from venue.ordering.records import Flaw, OrderRecord, PartRecord, Party, TradeRecord
from venue.ordering.settlement import TradeStatus
from venue.wire.orders import BUY, SELL
from venue.wire.text import json_text

PLACEMENT = "PLACEMENT"
UPDATE = "UPDATE"
CANCELLATION = "CANCELLATION"
_FEE_RATE_TEXT = "0"
"""The venue reports no rate here; the fee follows from the market's own."""


def order_row(order: OrderRecord) -> dict[str, Any]:
    """Describe an order as ``GET /data/orders`` and ``GET /data/order/{id}`` do."""
    return {
        "id": order.order_id,
        "status": order.status_text,
        "owner": order.party.api_key,
        "maker_address": order.party.address,
        "market": order.window.condition_id,
        "asset_id": order.token,
        "side": _side(order.terms.is_buy),
        "original_size": size_text(order.terms.size_units),
        "size_matched": size_text(order.filled_units),
        "price": price_text(order.terms.price_ticks),
        "outcome": order.terms.outcome.value,
        "order_type": order.terms.lifetime.value,
        "associate_trades": list(order.trade_ids),
        "created_at": order.created_at_ms // 1000,
        "expiration": order.expiration,
    }


def order_event_text(order: OrderRecord, kind: str, status: str, now_ms: int) -> str:
    """Build an order's event for its owner: PLACEMENT, UPDATE or CANCELLATION."""
    row = order_row(order)
    return json_text(
        {
            **row,
            "event_type": "order",
            "type": kind,
            "status": status,
            "order_owner": row["owner"],
            "created_at": str(row["created_at"]),
            "timestamp": str(now_ms),
        }
    )


def trade_row(trade: TradeRecord, viewer: Party) -> dict[str, Any]:
    """Describe a trade as ``GET /data/trades`` does to one of its parties.

    Side, size, price and token at the top are the taker's, whoever asks; a maker finds its own part
    among ``maker_orders``.
    """
    return _trade(trade, viewer) | {"status": f"TRADE_STATUS_{trade.status.value}"}


def trade_event_text(trade: TradeRecord, viewer: Party, status: TradeStatus, now_ms: int) -> str:
    """Build the event of a trade's new status for one of its parties."""
    return json_text(
        _trade(trade, viewer)
        | {
            "event_type": "trade",
            "type": "TRADE",
            "status": status.value,
            "trade_owner": trade.taker.party.api_key,
            "timestamp": str(now_ms),
        }
    )


def _trade(trade: TradeRecord, viewer: Party) -> dict[str, Any]:
    taker = trade.taker
    return {
        "id": trade.trade_id,
        "taker_order_id": taker.order_id,
        "market": trade.window.condition_id,
        "asset_id": taker.token,
        "side": _side(taker.is_buy),
        "size": size_text(taker.size_units),
        "price": price_text(taker.price_ticks),
        "fee_rate_bps": _FEE_RATE_TEXT,
        "match_time": str(trade.traded.traded_at_ms // 1000),
        "last_update": str(trade.updated_at_ms // 1000),
        "outcome": taker.outcome.value,
        "bucket_index": trade.bucket_index,
        "owner": viewer.api_key,
        "maker_address": viewer.address,
        "transaction_hash": trade.transaction_hash,
        "trader_side": "TAKER" if viewer.wallet == taker.party.wallet else "MAKER",
        "maker_orders": [*_strangers(trade), *map(_maker_order, trade.parts[1:])],
    }


def _strangers(trade: TradeRecord) -> list[dict[str, str]]:
    """The unreadable part of a stranger, if a fault has put it before the others."""
    if trade.stranger is None:
        return []
    part = {
        "order_id": hash_text("stranger's order", trade.trade_id),
        "owner": uuid_text("stranger's api key", trade.trade_id),
        "maker_address": address_text("stranger's wallet", trade.trade_id),
        "matched_amount": "7.5",
        "price": price_text(trade.taker.price_ticks),
        "fee_rate_bps": _FEE_RATE_TEXT,
        "asset_id": trade.taker.token,
        "outcome": trade.taker.outcome.value,
        "side": _side(not trade.taker.is_buy),
    }
    if trade.stranger is Flaw.NO_ORDER_ID:
        del part["order_id"]
    else:
        part["matched_amount"] = "" if trade.stranger is Flaw.EMPTY_AMOUNT else "0"
    return [part]


def _maker_order(maker: PartRecord) -> dict[str, str]:
    return {
        "order_id": maker.order_id,
        "owner": maker.party.api_key,
        "maker_address": maker.party.address,
        "matched_amount": size_text(maker.size_units),
        "price": price_text(maker.price_ticks),
        "fee_rate_bps": _FEE_RATE_TEXT,
        "asset_id": maker.token,
        "outcome": maker.outcome.value,
        "side": _side(maker.is_buy),
    }


def _side(is_buy: bool) -> str:
    return BUY if is_buy else SELL
