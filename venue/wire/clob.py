"""Bodies of the CLOB's public REST reads."""

from __future__ import annotations

from typing import Any

from actors.units import TICKS_PER_DOLLAR
from venue.wire.gamma import MarketStatus


def clob_market(status: MarketStatus) -> dict[str, Any]:
    """Describe a market as ``GET /clob-markets/{condition}``; ``nr`` is left out when false."""
    window = status.window
    return {
        "c": window.condition_id,
        "t": [{"t": window.up_token, "o": "Up"}, {"t": window.down_token, "o": "Down"}],
        "mts": status.tick_size_ticks / TICKS_PER_DOLLAR,
        "mos": 5,
        "mbf": 1000,
        "tbf": 1000,
        "fd": {"r": 0.07, "e": 1, "to": True},
        "ao": not status.is_closed,
        "itode": True,
        "rfqe": False,
    }
