"""Frames of the venue's own price stream (RTDS): Chainlink ticks and their 60-second average."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actors.units import E18
from venue.windows import TWAP_SECONDS
from venue.wire.text import json_text

SPOT_TOPIC = "crypto_prices_chainlink"
TWAP_TOPIC = "crypto_prices_twap_sixty"
TOPICS = (SPOT_TOPIC, TWAP_TOPIC)


def price_text(topic: str, symbol: str, price_e18: int, tick_ms: int, timestamp_ms: int) -> str:
    """Write one price; ``tick_ms`` is the instant it is for, ``timestamp_ms`` when it was sent."""
    payload = {"symbol": symbol, **_tick(topic, tick_ms, price_e18)}
    return json_text(
        {"topic": topic, "type": "update", "timestamp": timestamp_ms, "payload": payload}
    )


def history_text(
    topic: str, symbol: str, ticks: Iterable[tuple[int, int]], timestamp_ms: int
) -> str:
    """Answer a subscription with recent ``(tick_ms, price_e18)``, oldest first."""
    data = [_tick(topic, tick_ms, price_e18) for tick_ms, price_e18 in ticks]
    return json_text(
        {
            "topic": topic,
            "type": "subscribe",
            "timestamp": timestamp_ms,
            "payload": {"symbol": symbol, "data": data},
        }
    )


def _tick(topic: str, tick_ms: int, price_e18: int) -> dict[str, Any]:
    tick: dict[str, Any] = {
        "timestamp": tick_ms,
        "value": price_e18 / E18,
        "full_accuracy_value": str(price_e18),
    }
    if topic == TWAP_TOPIC:
        tick["window_s"] = TWAP_SECONDS
    return tick
