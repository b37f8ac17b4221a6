"""What the server serves, whatever makes it: simulated or recorded markets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from venue.frames import Frame
from venue.prices import PriceBoard
from venue.wire.book import PublishedBook
from venue.wire.gamma import MarketStatus

STEP_MS = 20
"""Everything happens at multiples of this; the speed decides only when it is sent."""


class MarketView(Protocol):
    """One window's market as the public sees it."""

    @property
    def status(self) -> MarketStatus:
        """Its present status."""
        ...

    @property
    def books(self) -> tuple[PublishedBook, PublishedBook]:
        """Up's public book, then Down's."""
        ...


@attrs.frozen(kw_only=True)
class EndedMarket:
    """A resolved window: what Gamma continues to report of it."""

    status: MarketStatus
    books: tuple[PublishedBook, PublishedBook]


class World(Protocol):
    """Everything behind the server. It advances only on request, in steps of venue time."""

    now_ms: int
    """Venue time up to which it has advanced."""
    prices: PriceBoard
    catalogue: Catalogue

    def advance(self, until_ms: int) -> Iterator[list[Frame]]:
        """Advance to an instant; yield the frames of each step in order."""
        ...


class Catalogue:
    """Listed markets by slug, condition id and token."""

    def __init__(self) -> None:
        self._by_slug: dict[str, MarketView] = {}
        self._by_condition: dict[str, MarketView] = {}
        self._by_token: dict[str, MarketView] = {}

    def add(self, market: MarketView) -> None:
        """List a market."""
        window = market.status.window
        self._by_slug[window.slug] = market
        self._by_condition[window.condition_id] = market
        for token in window.tokens:
            self._by_token[token] = market

    def remove(self, market: MarketView) -> None:
        """Forget a market that ended long ago."""
        window = market.status.window
        del self._by_slug[window.slug], self._by_condition[window.condition_id]
        for token in window.tokens:
            del self._by_token[token]

    def __iter__(self) -> Iterator[MarketView]:
        return iter(self._by_slug.values())

    def __len__(self) -> int:
        return len(self._by_slug)

    def with_slug(self, slug: str) -> MarketView | None:
        """Find a market by slug."""
        return self._by_slug.get(slug)

    def with_condition(self, condition_id: str) -> MarketView | None:
        """Find a market by condition id."""
        return self._by_condition.get(condition_id)

    def with_token(self, token: str) -> MarketView | None:
        """Find the market of which a token is an outcome."""
        return self._by_token.get(token)

    def book(self, token: str) -> PublishedBook | None:
        """A token's public book; None if it has none."""
        market = self._by_token.get(token)
        if market is None:
            return None
        return next(book for book in market.books if book.token == token)
