"""Bodies of the CLOB's public REST reads."""

from __future__ import annotations

from typing import Any

from venue.wire.gamma import MarketStatus, told_fee_rate


def clob_market(status: MarketStatus) -> dict[str, Any]:
    """Describe a market as ``GET /clob-markets/{condition}``; ``nr`` is left out when false."""
    window = status.window
    return {
        "c": window.condition_id,
        "t": [{"t": window.up_token, "o": "Up"}, {"t": window.down_token, "o": "Down"}],
        "mts": status.grid,
        "mos": 5,
        "mbf": 1000,
        "tbf": 1000,
        "fd": {"r": told_fee_rate(status), "e": 1, "to": True},
        "ao": status.is_accepting,
        "itode": True,
        "rfqe": False,
        **({"nr": True} if status.is_negative_risk else {}),
    }
