"""Messages of the feeds: decoded events in batches, and the state of each connection."""

from __future__ import annotations

import attrs
import msgspec

from actors.model import Level

POLYBOLT = "polybolt"
RTDS = "rtds"
"""The venue's two services that publish the average which settles windows."""


class BookEvent(msgspec.Struct, frozen=True):
    """A token's whole book; no level of it is empty."""

    token: str
    timestamp_ms: int
    bids: tuple[Level, ...]
    """Best first."""
    asks: tuple[Level, ...]
    """Best first."""


class PriceChangeEvent(msgspec.Struct, frozen=True):
    """New totals at single levels of one token's book; size 0 removes the level."""

    token: str
    timestamp_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class LastTradeEvent(msgspec.Struct, frozen=True):
    """A public trade."""

    token: str
    timestamp_ms: int
    price_ticks: int
    size_units: int
    taker_buys: bool


class TickSizeEvent(msgspec.Struct, frozen=True):
    """The token's price grid changed; its book must be rebuilt."""

    token: str
    timestamp_ms: int
    tick_size_ticks: int


class BestPricesEvent(msgspec.Struct, frozen=True):
    """Best bid and ask as the venue computes them; None where a side is empty."""

    token: str
    timestamp_ms: int
    bid_ticks: int | None
    ask_ticks: int | None


class ResolvedEvent(msgspec.Struct, frozen=True):
    """The venue announced the winner on the market channel."""

    market_id: str
    timestamp_ms: int
    winning_token: str


MarketEvent = (
    BookEvent | PriceChangeEvent | LastTradeEvent | TickSizeEvent | BestPricesEvent | ResolvedEvent
)


class MarketBatch(msgspec.Struct, frozen=True, kw_only=True):
    """All events that the market feed decoded while its last batch was in flight, in order."""

    batch_id: int
    events: tuple[MarketEvent, ...]
    tick_ns: int
    """Host monotonic time at which the oldest frame in it arrived."""
    is_fresh_start: bool
    """The connection is new: every earlier book is void."""


class BatchTaken(msgspec.Struct, frozen=True):
    """The batch was applied; the market feed may send the next."""

    batch_id: int


class ResyncRequested(msgspec.Struct, frozen=True):
    """Market state does not trust its books, and asks the feed for fresh ones."""

    reason: str
    series: str = ""
    """Series of the books; empty while only one series is traded."""


class GridTooFine(msgspec.Struct, frozen=True):
    """The window's prices are finer than a tick; its books are not kept until it ends."""

    market_id: str


class ReferencePrice(msgspec.Struct, frozen=True, kw_only=True):
    """The underlying's price at Coinbase; used only as a predictor."""

    price_e18: int
    timestamp_ms: int


@attrs.frozen(kw_only=True)
class TwapTick:
    """The average that settles windows, from the venue's own price service."""

    price_e18: int
    timestamp_ms: int
    window_s: int
    source: str = RTDS
    """The service that sent it: ``POLYBOLT`` or ``RTDS``."""
    asset: str = ""
    """The underlying; empty in records of an earlier release."""


class TwapTickWanted(msgspec.Struct, frozen=True):
    """The tick with this timestamp is missing: fetch it again, while the source still has it."""

    timestamp_ms: int
    """The provider's time of the tick: a window's start or end."""
    asset: str = ""
    """The underlying; empty while only one is traded."""


class FeedUp(msgspec.Struct, frozen=True):
    """A feed's connection is open and subscribed."""

    feed: str


class FeedDown(msgspec.Struct, frozen=True):
    """A feed's connection is lost; it reconnects by itself."""

    feed: str
    reason: str


class FeedStale(msgspec.Struct, frozen=True):
    """A feed's connection is open but its data is stale; it reconnects."""

    feed: str
    age_ms: int


class FeedHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A feed's counters, for observers, every few seconds."""

    feed: str
    is_up: bool
    frames_count: int
    malformed_count: int
    merged_count: int
    """Number of batches that waited behind one in flight."""
    reconnect_count: int
    sequence_gap_count: int
    last_malformed: str
    """The newest frame that could not be decoded, shortened; empty if none."""
    data_at_ms: int | None = None
    """Venue time of the newest data on this connection; None before the first."""
    source: str = ""
    """Price feed: the service in use, ``POLYBOLT`` or ``RTDS``; empty if none works."""
    is_denied: bool = False
    """Price feed: a service refuses the API credentials, even if another one works."""
