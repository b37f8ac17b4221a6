"""Messages of market state: atomic, immutable snapshots."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from actors.model import Level, Market, Side, Strike

SNAPSHOT_DEPTH = 10
"""Levels per side in a snapshot."""


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """One token's book at an instant, up to SNAPSHOT_DEPTH levels deep."""

    bids: tuple[Level, ...] = ()
    """Best (highest) first."""
    asks: tuple[Level, ...] = ()
    """Best (lowest) first."""
    is_synced: bool = False
    """A whole book has arrived since the last connection, and was not invalidated."""
    updated_at_ms: int = 0
    """Venue time of the newest event applied."""

    @property
    def best_bid_ticks(self) -> int | None:
        """Highest price bid; None without bids."""
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask_ticks(self) -> int | None:
        """Lowest price asked; None without asks."""
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
        """Whether the best bid is at or above the best ask, so that the book cannot be right."""
        return bool(self.bids and self.asks and self.bids[0][0] >= self.asks[0][0])


class PublicTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A public trade."""

    side: Side
    """The outcome that was traded."""
    price_ticks: int
    size_units: int
    taker_buys: bool
    """Whether the taker bought; otherwise the taker sold."""
    timestamp_ms: int
    """Venue time."""


class MarketSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Both books, the reference price and the strike, at one instant."""

    sequence: int
    """Grows by one per snapshot, for the life of a market state actor."""
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
    """To the strategy: public trades since its last snapshot, oldest first."""

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
    """The subscriber has handled the snapshot; the next may be sent.

    A subscriber without use for snapshots answers only when it has; until then it gets one a
    second, like one whose answer was lost.
    """

    sequence: int


class SnapshotWanted(msgspec.Struct, frozen=True):
    """Request one snapshot of the market now; answered with MarketSnapshot while a window is open.

    For occasional use; subscribers are sent every change.
    """

    answer_to: str
