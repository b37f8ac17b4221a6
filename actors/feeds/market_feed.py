"""The market feed: every event of the traded window's two books, in batches, one under way.

The transport between actors is slow for bursts and fine for a steady beat. So a batch leaves as
soon as the one before it was taken, and carries everything that arrived meanwhile. Nothing is
dropped in between: an acknowledgement that never comes, or a buffer that grows too long, makes
the feed connect anew, so that market state rebuilds its books from fresh ones.
"""

from __future__ import annotations

from typing import Any

from actors.core import CancelTimer, Command, Dice, Effects, Log, Send, SetTimer, handles
from actors.directory.messages import Market, MarketClosing, MarketOpened
from actors.feeds.connection import Rhythm, SendText
from actors.feeds.feed_core import AHEAD_MAX_MS, FeedCore
from actors.feeds.market_channel import (
    Decoded,
    FinerGrid,
    MarketChannelDecoder,
    UnreadableElement,
    add_tokens_text,
    drop_tokens_text,
    subscribe_text,
)
from actors.feeds.messages import (
    BatchTaken,
    GridTooFine,
    MarketBatch,
    MarketEvent,
    ResolvedEvent,
    ResyncRequested,
)
from actors.roles import DIRECTORY, MARKET_STATE
from actors.settings import Settings, VenueSettings

ACK_TIMER = "ack"
ACK_LIMIT_MS = 10_000
RESYNC_GRACE_MS = 2_000
"""A request for fresh books so soon after they were sent was made before they arrived."""
WAITING_EVENTS_MAX = 20_000
MARKETS_KEPT = 2
"""The traded window, and the one before it, whose winner is announced on this channel too."""


class MarketFeedCore(FeedCore):
    """Feeds market state; follows the directory from window to window on one connection."""

    rhythm = Rhythm(stale_after_ms=15_000, ping_every_ms=10_000)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._decoder = MarketChannelDecoder()
        self._markets: list[Market] = []
        self._traded_tokens: tuple[str, ...] = ()
        self._is_grid_too_fine = False
        self._waiting: list[MarketEvent] = []
        self._waiting_since_ns = 0
        self._is_fresh_start = True
        self._fresh_start_at_ms = 0
        # Chance keeps the ids of one life apart from those of the lives before it.
        self._batch_id = dice.getrandbits(48)
        self._in_flight: int | None = None

    def clock_set_back(self, by_ms: int) -> None:
        """Books were sent, and data came, as long ago as before."""
        super().clock_set_back(by_ms)
        self._fresh_start_at_ms -= by_ms

    def url(self, venue: VenueSettings) -> str:
        """Address of the market channel."""
        return venue.market_ws_url

    def begin(self, now_ms: int) -> Effects:
        """Wait for a market: the venue hangs up on a client that subscribes to nothing."""
        del now_ms
        return []

    # Which markets

    @handles(MarketOpened)
    def on_market_opened(self, opened: MarketOpened, _now_ms: int) -> Effects:
        """Subscribe to a window's tokens; one said again, or one gone by, changes nothing."""
        market = opened.market
        if self._markets and market.opens_at_ms <= self._markets[-1].opens_at_ms:
            return []
        left = self._markets[: 1 - MARKETS_KEPT]
        self._markets = [*self._markets[1 - MARKETS_KEPT :], market]
        self._traded_tokens = _tokens(market)
        self._is_grid_too_fine = False
        if not self.connection.is_up:
            return self.connection.start()
        texts = [add_tokens_text(_tokens(market)), *(drop_tokens_text(_tokens(m)) for m in left)]
        return [Command(SendText(text)) for text in texts]

    @handles(MarketClosing)
    def on_market_closing(self, closing: MarketClosing, _now_ms: int) -> Effects:
        """Pass the window's books on no longer; its winner is still to come."""
        if self._markets and self._markets[-1].market_id == closing.market_id:
            self._traded_tokens = ()
        return []

    def first_texts(self) -> tuple[str, ...]:
        """Subscribe to the traded window, and to the one before it."""
        return (subscribe_text([t for market in self._markets for t in _tokens(market)]),)

    # Frames in, batches out

    def decode(self, raw: bytes) -> list[Any]:
        """Decode a frame to the events of our markets; the channel tells of others too."""
        return [event for event in self._decoder.decode(raw) if self._concerns_us(event)]

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Send the events on, or let them wait behind the batch that is under way."""
        effects: Effects = [
            Send(DIRECTORY, event) for event in events if isinstance(event, ResolvedEvent)
        ]
        if self._is_grid_too_fine:
            has_become_so = any(isinstance(event, FinerGrid) for event in events)
            return effects + (self._say_grid() if has_become_so else [])
        unread = next((event for event in events if isinstance(event, UnreadableElement)), None)
        if unread is not None:  # a level may have come or gone in it: only fresh books are right
            return effects + self.lose(
                f"a change of the books is unreadable: {unread.reason}", now_ms
            )
        latest = max(events, key=_dated)
        if latest.timestamp_ms > now_ms + AHEAD_MAX_MS:  # it would outlive all that comes after it
            reason = f"an event is dated {latest.timestamp_ms - now_ms} ms ahead"
            self.keep_malformed(repr(latest).encode(), reason)
            return effects + self.lose(reason, now_ms)
        if not self._waiting:
            self._waiting_since_ns = oldest_ns
        self._waiting += events
        if self._in_flight is None:
            return effects + self._send_batch(now_ms)
        self.merged_count += 1
        if len(self._waiting) > WAITING_EVENTS_MAX:
            effects += self._resync(f"over {WAITING_EVENTS_MAX} events wait", now_ms)
        return effects

    @handles(BatchTaken)
    def on_batch_taken(self, taken: BatchTaken, now_ms: int) -> Effects:
        """Send what has gathered meanwhile."""
        if taken.batch_id != self._in_flight:
            return []
        self._in_flight = None
        return self._next_batch(now_ms)

    @handles(ResyncRequested)
    def on_resync_requested(self, request: ResyncRequested, now_ms: int) -> Effects:
        """Get fresh books, unless they are on their way already."""
        is_on_its_way = now_ms - self._fresh_start_at_ms < RESYNC_GRACE_MS
        if self._is_grid_too_fine:
            return self._say_grid()
        if self._is_fresh_start or is_on_its_way:
            return []
        return self._resync(f"market state asked for fresh books: {request.reason}", now_ms)

    def catch_up(self, role: str, now_ms: int) -> Effects:
        """Give a new market state fresh books; what was under way to the old one is lost."""
        if role != MARKET_STATE:
            return []
        return self._say_grid() or self._resync("market state was made anew", now_ms)

    def take_timer(self, key: str, now_ms: int) -> Effects:
        """Count a batch as lost whose acknowledgement did not come."""
        if key != ACK_TIMER or self._in_flight is None:
            return []
        return self._resync(f"market state took no batch for {ACK_LIMIT_MS} ms", now_ms)

    def forget_connection(self) -> None:
        """Void what waits: the next connection begins with whole books."""
        self._waiting = []
        self._is_fresh_start = True

    def beat(self, now_ms: int) -> Effects:
        """Say which kinds of event the venue has begun to send that this feed does not know."""
        del now_ms
        new = self._decoder.take_new_unknown_types()
        told = [Log("warning", f"ignoring events of unknown type {', '.join(new)}")] if new else []
        return [*told, *self._say_grid()]

    # Private

    def _next_batch(self, now_ms: int) -> Effects:
        return self._send_batch(now_ms) if self._waiting else [CancelTimer(ACK_TIMER)]

    def _send_batch(self, now_ms: int) -> Effects:
        self._batch_id += 1
        batch = MarketBatch(
            batch_id=self._batch_id,
            events=tuple(self._waiting),
            tick_ns=self._waiting_since_ns,
            is_fresh_start=self._is_fresh_start,
        )
        if self._is_fresh_start:
            self._fresh_start_at_ms = now_ms
        self._waiting = []
        self._is_fresh_start = False
        self._in_flight = batch.batch_id
        return [Send(MARKET_STATE, batch), SetTimer(ACK_TIMER, ACK_LIMIT_MS)]

    def _resync(self, reason: str, now_ms: int) -> Effects:
        """Connect anew, the one way that surely brings whole books, if one is not awaited."""
        self._in_flight = None
        if self._is_fresh_start:
            return self._next_batch(now_ms)
        return [CancelTimer(ACK_TIMER), *self.lose(reason, now_ms)]

    def _say_grid(self) -> Effects:
        """Say that the window's books are not kept, if so; said again, it changes nothing."""
        if not self._is_grid_too_fine:
            return []
        return [Send(MARKET_STATE, GridTooFine(self._markets[-1].market_id))]

    def _concerns_us(self, event: Decoded) -> bool:
        match event:
            case UnreadableElement():
                return self._may_have_changed_a_book(event)
            case ResolvedEvent():
                return any(event.market_id == market.market_id for market in self._markets)
            case FinerGrid(token) if token in self._traded_tokens:
                self._is_grid_too_fine = True
                self._waiting = []
        return event.token in self._traded_tokens

    def _may_have_changed_a_book(self, unreadable: UnreadableElement) -> bool:
        """Count what could not be read; whether it names the traded window, and is about its books.

        On a grid that is too fine unreadable prices are no news.
        """
        names_us = self._traded_tokens and any(
            f'"{name}"'.encode() in unreadable.raw
            for name in (*self._traded_tokens, self._markets[-1].market_id)
        )
        if names_us and self._is_grid_too_fine:
            return False
        self.keep_malformed(unreadable.raw, unreadable.reason)
        return bool(names_us) and unreadable.is_of_a_book


def _dated(event: MarketEvent) -> int:
    return event.timestamp_ms


def _tokens(market: Market) -> tuple[str, str]:
    return market.yes_token, market.no_token
