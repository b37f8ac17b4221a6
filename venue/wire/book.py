"""A token's public book, kept in the shape in which it is sent.

Levels are stored as encoded JSON, sorted, so that a frame with a hundred levels and the venue's
book hash cost one join each. The hash is the SHA-1 of the compact JSON of the REST book with an
empty ``hash`` (Polymarket client, ``generate_orderbook_summary_hash``).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import msgspec

from venue.amounts import size_text
from venue.wire.text import PRICE_TEXTS, json_text

MINIMUM_ORDER_SIZE = "5"
"""Least size of a resting order, in shares."""


class _Levels:
    """One side's levels by ascending price, each with its JSON."""

    def __init__(self) -> None:
        self.prices: list[int] = []
        self.sizes: list[int] = []
        self.encoded: list[msgspec.Raw] = []

    def put(self, price_ticks: int, size_units: int) -> None:
        index = bisect_left(self.prices, price_ticks)
        is_known = index < len(self.prices) and self.prices[index] == price_ticks
        if size_units == 0:
            if is_known:
                del self.prices[index], self.sizes[index], self.encoded[index]
            return
        if not is_known:
            self.prices.insert(index, price_ticks)
            self.sizes.insert(index, 0)
            self.encoded.insert(index, msgspec.Raw())
        self.sizes[index] = size_units
        self.encoded[index] = _encoded(price_ticks, size_units)

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Replace all levels; most levels of a recorded book are unchanged."""
        known = dict(zip(zip(self.prices, self.sizes, strict=True), self.encoded, strict=True))
        totals = sorted(dict(levels).items())
        kept = [level for level in totals if level[1]]
        self.prices = [price for price, _ in kept]
        self.sizes = [size for _, size in kept]
        self.encoded = [known.get(level) or _encoded(*level) for level in kept]


def _encoded(price_ticks: int, size_units: int) -> msgspec.Raw:
    text = f'{{"price":"{PRICE_TEXTS[price_ticks]}","size":"{size_text(size_units)}"}}'
    return msgspec.Raw(text.encode())


class PublishedBook:
    """The public book of one token."""

    def __init__(self, market: str, token: str) -> None:
        self.market = market
        self.token = token
        self.tick_size_ticks = 10
        self.grid_text = ""
        """As a fault: a price grid finer than ticks."""
        self.last_trade_ticks: int | None = None
        self._bids = _Levels()
        self._asks = _Levels()

    def set_level(self, is_bid: bool, price_ticks: int, size_units: int) -> None:
        """Store a level's new total; 0 removes it."""
        (self._bids if is_bid else self._asks).put(price_ticks, size_units)

    def replace(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        """Replace all levels by these ``(price_ticks, size_units)``."""
        self._bids.replace(bids)
        self._asks.replace(asks)

    @property
    def best_bid_ticks(self) -> int | None:
        """Highest bid; None without one."""
        return self._bids.prices[-1] if self._bids.prices else None

    @property
    def best_ask_ticks(self) -> int | None:
        """Lowest ask; None without one."""
        return self._asks.prices[0] if self._asks.prices else None

    def bids(self) -> list[tuple[int, int]]:
        """Bids as ``(price_ticks, size_units)``, best first."""
        return list(zip(reversed(self._bids.prices), reversed(self._bids.sizes), strict=True))

    def asks(self) -> list[tuple[int, int]]:
        """Asks as ``(price_ticks, size_units)``, best first."""
        return list(zip(self._asks.prices, self._asks.sizes, strict=True))

    def summary(self, timestamp_ms: int) -> dict[str, Any]:
        """Body of ``GET /book``: bids ascend and asks descend, so the best comes last."""
        body: dict[str, Any] = {
            "market": self.market,
            "asset_id": self.token,
            "timestamp": str(timestamp_ms),
            "hash": "",
            "bids": self._bids.encoded,
            "asks": self._asks.encoded[::-1],
            "min_order_size": MINIMUM_ORDER_SIZE,
            "tick_size": self.tick_size_text,
            "neg_risk": False,
            "last_trade_price": self._last_trade_text(),
        }
        body["hash"] = hashlib.sha1(json_text(body).encode(), usedforsecurity=False).hexdigest()
        return body

    @property
    def tick_size_text(self) -> str:
        """The price grid as it is published."""
        return self.grid_text or PRICE_TEXTS[self.tick_size_ticks]

    def hash(self, timestamp_ms: int) -> str:
        """The hash of this state of the book."""
        return str(self.summary(timestamp_ms)["hash"])

    def _last_trade_text(self) -> str:
        return "" if self.last_trade_ticks is None else PRICE_TEXTS[self.last_trade_ticks]
