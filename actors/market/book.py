"""One token's order book, kept correct from events that may come late, twice or out of order.

The market channel has no sequence numbers; only timestamps order its events. So every level keeps
the time of the event that set it, and an older event never replaces a newer one: the same events
give the same book in whatever order they arrive. Among equal timestamps the later arrival counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from actors.messages.feeds import BookEvent, PriceChangeEvent
from actors.messages.market import SNAPSHOT_DEPTH, BookView
from actors.model import Level


class Ladder:
    """One side of a book: sizes by price, with the best price always available."""

    def __init__(self, pick_best: Callable[..., int]) -> None:
        """Make an empty side; ``pick_best`` is ``max`` for bids and ``min`` for asks."""
        self.sizes: dict[int, int] = {}
        self.best_ticks: int | None = None
        self._pick_best = pick_best
        self._is_in_order = True
        """Whether ``sizes`` has the best price first."""
        self._set_at_ms: dict[int, int] = {}

    def put(self, price_ticks: int, size_units: int, timestamp_ms: int) -> bool:
        """Set one level's total, where 0 removes it; return False if a newer total is known."""
        if timestamp_ms < self._set_at_ms.get(price_ticks, 0):
            return False
        self._set_at_ms[price_ticks] = timestamp_ms
        self._is_in_order = False
        best = self.best_ticks
        if size_units:
            self.sizes[price_ticks] = size_units
            if best is None or self._pick_best(price_ticks, best) != best:
                self.best_ticks = price_ticks
        elif self.sizes.pop(price_ticks, None) is not None and price_ticks == best:
            self._find_best()
        return True

    def replace(self, levels: Iterable[Level], timestamp_ms: int) -> None:
        """Replace the whole side, best first, except levels that were set by newer events.

        Full sides usually replace full ones, so their order is kept instead of being sorted again.
        """
        known, self.sizes = self.sizes, dict(levels)
        if self._set_at_ms:
            self._set_at_ms = {
                price: at_ms for price, at_ms in self._set_at_ms.items() if at_ms > timestamp_ms
            }
        self._is_in_order = not self._set_at_ms
        if self._is_in_order:
            self.best_ticks = next(iter(self.sizes), None)
            return
        for price in self._set_at_ms:
            size = known.get(price, 0)
            if size:
                self.sizes[price] = size
            else:
                self.sizes.pop(price, None)
        self._find_best()

    def clear(self) -> None:
        """Remove everything."""
        self.sizes = {}
        self._is_in_order = True
        self._set_at_ms = {}
        self.best_ticks = None

    def top(self) -> tuple[Level, ...]:
        """Return the SNAPSHOT_DEPTH best levels, best first."""
        sizes = self.sizes
        if self._is_in_order:
            return tuple(islice(sizes.items(), SNAPSHOT_DEPTH))
        prices = sorted(sizes, reverse=self._pick_best is max)[:SNAPSHOT_DEPTH]
        return tuple([(price, sizes[price]) for price in prices])

    def _find_best(self) -> None:
        self.best_ticks = self._pick_best(self.sizes) if self.sizes else None


class TokenBook:
    """Both sides of one token's book."""

    def __init__(self) -> None:
        self.is_synced = False
        """A full book has arrived since the last ``void``."""
        self.updated_at_ms = 0
        """Timestamp of the newest event that was applied."""
        self.early_count = 0
        """Changes that came before any full book, and so could not be applied."""
        self.stale_count = 0
        """Events or levels that were older than what is known."""
        self._bids = Ladder(max)
        self._asks = Ladder(min)
        self._book_at_ms = 0
        self._view: BookView | None = None

    @property
    def best_bid_ticks(self) -> int | None:
        """Highest price bid; None without bids."""
        return self._bids.best_ticks

    @property
    def best_ask_ticks(self) -> int | None:
        """Lowest price asked; None without asks."""
        return self._asks.best_ticks

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask, which must be wrong or temporary."""
        bid, ask = self._bids.best_ticks, self._asks.best_ticks
        return bid is not None and ask is not None and bid >= ask

    @property
    def prices(self) -> tuple[Iterable[int], Iterable[int]]:
        """Prices of all bids and of all asks, in ticks."""
        return self._bids.sizes, self._asks.sizes

    def apply_book(self, event: BookEvent) -> bool:
        """Apply a full book; return False if it is older than the last full one."""
        at_ms = event.timestamp_ms
        if self.is_synced and at_ms < self._book_at_ms:
            self.stale_count += 1
            return False
        self._bids.replace(event.bids, at_ms)
        self._asks.replace(event.asks, at_ms)
        self._book_at_ms = at_ms
        self.is_synced = True
        self._note(at_ms)
        return True

    def apply_change(self, event: PriceChangeEvent) -> bool:
        """Apply new totals at single levels; return False if all are outdated."""
        at_ms = event.timestamp_ms
        if not self.is_synced:
            self.early_count += 1
            return False
        if at_ms < self._book_at_ms:
            self.stale_count += 1
            return False
        put_count = 0
        for price_ticks, size_units in event.bids:
            put_count += self._bids.put(price_ticks, size_units, at_ms)
        for price_ticks, size_units in event.asks:
            put_count += self._asks.put(price_ticks, size_units, at_ms)
        self.stale_count += len(event.bids) + len(event.asks) - put_count
        if put_count:
            self._note(at_ms)
        return put_count > 0

    def void(self) -> None:
        """Drop the book; nothing is applied until a full one arrives."""
        self._bids.clear()
        self._asks.clear()
        self._book_at_ms = 0
        self.is_synced = False
        self._view = None

    def view(self) -> BookView:
        """Return the book as snapshots show it; computed once per change."""
        if self._view is None:
            self._view = BookView(
                bids=self._bids.top(),
                asks=self._asks.top(),
                is_synced=self.is_synced,
                updated_at_ms=self.updated_at_ms,
            )
        return self._view

    def _note(self, at_ms: int) -> None:
        if at_ms > self.updated_at_ms:
            self.updated_at_ms = at_ms
        self._view = None
