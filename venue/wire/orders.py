"""Bodies of the CLOB's order endpoints: what clients post, and the answers."""

from __future__ import annotations

from typing import Any, Literal

import attrs
import msgspec

from venue.amounts import dollars_text, size_text

BUY = "BUY"
SELL = "SELL"


class SignedTerms(msgspec.Struct, rename="camel"):
    """The signed part of an order; amounts are texts in millionths of a dollar or share."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    """What is given: money for a BUY, shares for a SELL."""
    taker_amount: str
    """What is wanted in return."""
    side: Literal["BUY", "SELL"]
    expiration: str
    """Unix seconds, or "0"; not signed."""
    timestamp: str
    metadata: str
    builder: str
    signature: str
    signature_type: int


class PostedOrder(msgspec.Struct, rename="camel"):
    """One order of ``POST /order`` or ``POST /orders``."""

    order: SignedTerms
    owner: str
    """The API key that posts it."""
    order_type: Literal["GTC", "GTD", "FAK", "FOK"]
    defer_exec: bool = False
    post_only: bool = False


class CancelOneBody(msgspec.Struct):
    """Body of ``DELETE /order``."""

    order_id: str = msgspec.field(name="orderID")


class CancelMarketBody(msgspec.Struct):
    """Body of ``DELETE /cancel-market-orders``; an empty text matches any."""

    market: str = ""
    asset_id: str = ""


class HeartbeatBody(msgspec.Struct):
    """Body of ``POST /v1/heartbeats``."""

    heartbeat_id: str = ""


decode_order = msgspec.json.Decoder(PostedOrder).decode
decode_orders = msgspec.json.Decoder(list[PostedOrder]).decode
decode_cancel_one = msgspec.json.Decoder(CancelOneBody).decode
decode_cancel_many = msgspec.json.Decoder(list[str]).decode
decode_cancel_market = msgspec.json.Decoder(CancelMarketBody).decode
decode_heartbeat = msgspec.json.Decoder(HeartbeatBody).decode


@attrs.frozen(kw_only=True)
class Placement:
    """The immediate result of posting an order; one with an ``error`` was not accepted."""

    order_id: str = ""
    status: str = ""
    """``live``, ``matched``, ``delayed`` or ``unmatched``."""
    error: str = ""
    is_buy: bool = True
    money_nanos: int = 0
    size_units: int = 0
    trade_ids: tuple[str, ...] = ()


def placement_body(placement: Placement) -> dict[str, Any]:
    """Answer ``POST /order``. Amounts are texts in whole units, empty for nothing.

    Transaction hashes are left out: the venue stopped sending them on 2026-07-24.
    """
    money = dollars_text(placement.money_nanos) if placement.money_nanos else ""
    size = size_text(placement.size_units) if placement.size_units else ""
    return {
        "success": not placement.error,
        "errorMsg": placement.error,
        "orderID": placement.order_id,
        "status": placement.status,
        "makingAmount": money if placement.is_buy else size,
        "takingAmount": size if placement.is_buy else money,
        "tradeIDs": list(placement.trade_ids),
    }


@attrs.frozen
class Cancellation:
    """The result of a cancel request."""

    canceled: tuple[str, ...]
    not_canceled: tuple[tuple[str, str], ...]
    """(order id, reason)."""


def cancellation_body(cancellation: Cancellation) -> dict[str, Any]:
    """Answer every kind of cancel."""
    return {
        "canceled": list(cancellation.canceled),
        "not_canceled": dict(cancellation.not_canceled),
    }
