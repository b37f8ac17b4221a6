"""What market state says: atomic, immutable snapshots."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from actors.model import Level, Market, Side, Strike

SNAPSHOT_DEPTH = 10
"""Levels a side in a snapshot."""


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """One token's book at an instant, as deep as SNAPSHOT_DEPTH."""

    bids: tuple[Level, ...] = ()
    """Best (highest) first."""
    asks: tuple[Level, ...] = ()
    """Best (lowest) first."""
    is_synced: bool = False
    """A whole book has arrived since the last connection, and nothing has voided it."""
    updated_at_ms: int = 0
    """Venue time of the newest event applied."""

    @property
    def best_bid_ticks(self) -> int | None:
        """Highest price bought at; None without bids."""
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask_ticks(self) -> int | None:
        """Lowest price sold at; None without asks."""
        return self.asks[0][0] if self.asks else None

    @property
    def best_bid_units(self) -> int:
        """Size at the best bid."""
        return self.bids[0][1] if self.bids else 0

    @property
    def best_ask_units(self) -> int:
        """Size at the best ask."""
        return self.asks[0][1] if self.asks else 0

    @property
    def is_crossed(self) -> bool:
        """Best bid at or above best ask: the book cannot be right."""
        return bool(self.bids and self.asks and self.bids[0][0] >= self.asks[0][0])


class PublicTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of anybody's, as the venue tells everybody."""

    side: Side
    """The outcome that was traded."""
    price_ticks: int
    size_units: int
    taker_buys: bool
    """Who came last bought; otherwise he sold."""
    timestamp_ms: int
    """Venue time."""


class MarketSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Both books, the reference price and the strike, at one instant."""

    sequence: int
    """Grows by one a snapshot while one market state actor lives."""
    market: Market
    taken_at_ms: int
    yes: BookView
    no: BookView
    reference_e18: int | None
    reference_at_ms: int
    strike: Strike | None
    tick_ns: int
    """Host monotonic time at which the oldest frame not yet in a snapshot arrived."""
    trades: tuple[PublicTrade, ...] = ()
    """To the strategy: public trades since the last snapshot that it was sent, oldest first."""

    def book(self, side: Side) -> BookView:
        """The book of an outcome."""
        return self.yes if side is Side.YES else self.no

    def taken_again(self, taken_at_ms: int, tick_ns: int) -> MarketSnapshot:
        """The same at another moment, without public trades."""
        return replace(self, taken_at_ms=taken_at_ms, tick_ns=tick_ns, trades=())


def is_overtaken(snapshot: MarketSnapshot, known: MarketSnapshot | None) -> bool:
    """Whether a newer snapshot is known; a restarted market state counts from one again."""
    return (
        known is not None
        and snapshot.sequence <= known.sequence
        and snapshot.taken_at_ms <= known.taken_at_ms
    )


class SnapshotTaken(msgspec.Struct, frozen=True):
    """A subscriber has used the snapshot; it may have the next.

    One that has no use for them now answers when it has; until then one a second comes, as to a
    subscriber whose answer was lost.
    """

    sequence: int


class SnapshotWanted(msgspec.Struct, frozen=True):
    """Ask for the market as it is now, once; answered with MarketSnapshot while a window is open.

    For whoever looks now and then; a subscriber is told of every change.
    """

    answer_to: str
