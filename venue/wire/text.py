"""The venue's formats of JSON, numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.units import PAYOUT_TICKS
from venue.amounts import price_text

_encoder = msgspec.json.Encoder()

PRICE_TEXTS = tuple(price_text(price_ticks) for price_ticks in range(PAYOUT_TICKS + 1))
"""Every price, as the venue writes it: ``PRICE_TEXTS[530]`` is ``"0.53"``."""


def json_text(value: Any) -> str:
    """Encode compactly, keys in the order given."""
    return _encoder.encode(value).decode()


def iso_text(at_ms: int) -> str:
    """Write an instant as Gamma does: ``2026-07-24T00:00:00Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_micros_text(at_ms: int) -> str:
    """Write an instant as Coinbase does: ``2026-07-24T00:00:00.123000Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def postgres_text(at_ms: int) -> str:
    """Write an instant as Gamma's ``closedTime``: ``2026-07-24 00:00:16+00``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S+00")


def best_or_end(bid_ticks: int | None, ask_ticks: int | None) -> tuple[int, int]:
    """Best prices as the venue reports them: an empty side is at its end of the scale."""
    return (
        0 if bid_ticks is None else bid_ticks,
        PAYOUT_TICKS if ask_ticks is None else ask_ticks,
    )
