"""The venue's book of a window as recorded, and the liquidity that our orders have taken.

One book is kept for both tokens, in prices of Up: a bid for Down at 0.40 is an offer of Up at 0.60
(the venue mirrors its books). Recorded books do not know our orders. So the part of a displayed
level that an order has taken stays taken: only what the level displays beyond it is available. Once
the level has disappeared, later size at that price is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.messages.feeds import BookEvent, PriceChangeEvent
from actors.model import Level
from actors.units import PAYOUT_TICKS


class VenueBook:
    """Displayed sizes by price, in prices of Up, and what was taken of them."""

    def __init__(self, up_token: str) -> None:
        self._up_token = up_token
        self._whole: BookEvent | None = None
        """The newest whole book, until its contents are needed."""
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._taken: dict[tuple[bool, int], int] = {}
        """Units of the displayed size that our takers have taken, by (is it a bid, price)."""

    # Recorded events

    def show_book(self, event: BookEvent) -> None:
        """Apply a whole book of either token."""
        if self._taken:
            self._put(event)
            self._forget_gone()
        else:
            self._whole = event  # most books are replaced before they are read

    def show_change(self, event: PriceChangeEvent) -> None:
        """Apply new totals at single levels of either token's book."""
        if self._whole is not None:
            self._settle()
        bids, asks = event.bids, event.asks
        if event.token != self._up_token:
            bids, asks = mirrored(asks), mirrored(bids)
        if bids:
            self._set(self._bids, bids, is_bid=True)
        if asks:
            self._set(self._asks, asks, is_bid=False)

    def _set(self, sizes: dict[int, int], levels: Iterable[Level], *, is_bid: bool) -> None:
        for price_ticks, size_units in levels:
            if size_units:
                sizes[price_ticks] = size_units
            else:
                sizes.pop(price_ticks, None)
                if self._taken:
                    self._taken.pop((is_bid, price_ticks), None)

    def displayed_units(self, price_ticks: int, *, is_bid: bool) -> int:
        """Displayed size at a price."""
        self._settle()
        return (self._bids if is_bid else self._asks).get(price_ticks, 0)

    def best(self) -> tuple[int | None, int | None]:
        """Best bid and ask; None where a side is empty."""
        self._settle()
        return max(self._bids, default=None), min(self._asks, default=None)

    def sides(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """All displayed bids and asks, best first."""
        self._settle()
        bids = tuple(sorted(self._bids.items(), reverse=True))
        return bids, tuple(sorted(self._asks.items()))

    # Available liquidity

    def offers(self, limit_ticks: int, *, buys: bool) -> Iterator[Level]:
        """The offers available to a taker at its limit or better, best price first."""
        self._settle()
        sizes = self._asks if buys else self._bids
        prices = (
            sorted(price for price in sizes if price <= limit_ticks)
            if buys
            else sorted((price for price in sizes if price >= limit_ticks), reverse=True)
        )
        for price_ticks in prices:
            left_units = sizes[price_ticks] - self._taken.get((not buys, price_ticks), 0)
            if left_units > 0:
                yield price_ticks, left_units

    def take(self, parts: Iterable[Level], *, buys: bool) -> None:
        """Record that a taker has taken these (price, size) parts."""
        for price_ticks, size_units in parts:
            key = (not buys, price_ticks)
            self._taken[key] = self._taken.get(key, 0) + size_units

    # internals

    def _settle(self) -> None:
        whole, self._whole = self._whole, None
        if whole is not None:
            self._put(whole)

    def _put(self, event: BookEvent) -> None:
        self._whole = None
        if event.token == self._up_token:
            self._bids, self._asks = dict(event.bids), dict(event.asks)
        else:
            self._bids, self._asks = dict(mirrored(event.asks)), dict(mirrored(event.bids))

    def _forget_gone(self) -> None:
        for key in tuple(self._taken):
            is_bid, price_ticks = key
            if price_ticks not in (self._bids if is_bid else self._asks):
                del self._taken[key]


def mirrored(levels: Iterable[Level]) -> tuple[Level, ...]:
    """Turn one token's bids into the other's asks, or its asks into the other's bids."""
    # Best first stays best first: the best bid's mirror is the best ask.
    return tuple([(PAYOUT_TICKS - price_ticks, size_units) for price_ticks, size_units in levels])
