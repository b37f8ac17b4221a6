"""Frames of PolyBolt, the venue's price socket: acknowledgements, errors, snapshots and updates.

Source: Polymarket's PolyBolt reference. A price frame is numbered for each connection and channel,
so it is made in two steps: its body once for all clients, and its head for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from venue.amounts import E18_PLACES, decimal_text
from venue.windows import TWAP_SECONDS
from venue.wire.text import json_text

SPOT_CHANNEL = "price.crypto"
TWAP_CHANNEL = "price.crypto.twap"
CHANNELS = (SPOT_CHANNEL, TWAP_CHANNEL)

PONG_START = '{"op":"pong"'
"""How the answer to a ping begins."""

_SOURCES = {SPOT_CHANNEL: "pyth", TWAP_CHANNEL: "chainlink"}


def ack_text(op: str, *, rid: str | None = None, **about: str) -> str:
    """Acknowledge a request; ``rid`` is the client's own, omitted if it sent none."""
    return json_text({"op": op, **about, **({} if rid is None else {"rid": rid})})


def error_text(code: str, *, rid: str | None = None, channel: str = "") -> str:
    """Refuse a request."""
    return ack_text("error", rid=rid, code=code, **({"channel": channel} if channel else {}))


def update_body(channel: str, symbol: str, price_e18: int, tick_ms: int, sent_ms: int) -> str:
    """Describe one price; ``tick_ms`` is the instant it is for, ``sent_ms`` when it was sent."""
    payload = _about(channel, symbol) | _point(tick_ms, price_e18)
    return json_text({"ts": sent_ms, "snapshot": False, "payload": payload})


def snapshot_body(channel: str, symbol: str, ticks: Iterable[tuple[int, int]], sent_ms: int) -> str:
    """Describe the recent past as ``(tick_ms, price_e18)``, oldest first."""
    points = [_point(tick_ms, price_e18) for tick_ms, price_e18 in ticks]
    payload = _about(channel, symbol) | {"data": points}
    return json_text({"ts": sent_ms, "snapshot": True, "payload": payload})


def numbered(channel: str, seq: int, body: str, dropped_count: int = 0) -> str:
    """Make a client's frame from a body.

    Args:
        channel: the frame's.
        seq: its number on this connection and channel.
        body: from ``update_body`` or ``snapshot_body``, perhaps truncated.
        dropped_count: frames of the channel not sent to this client since its last one.
    """
    head: dict[str, Any] = {"v": 1, "channel": channel, "seq": seq}
    if dropped_count:
        head["dropped"] = dropped_count
    return f"{json_text(head)[:-1]},{body[1:]}"


def _about(channel: str, symbol: str) -> dict[str, Any]:
    about: dict[str, Any] = {"symbol": symbol, "source": _SOURCES[channel]}
    if channel == TWAP_CHANNEL:
        about["window_seconds"] = TWAP_SECONDS
    return about


def _point(tick_ms: int, price_e18: int) -> dict[str, Any]:
    exact = decimal_text(price_e18, E18_PLACES)
    return {"timestamp": tick_ms, "value": float(exact), "full_accuracy_value": exact}
