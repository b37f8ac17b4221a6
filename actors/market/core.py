"""Market state's core: both books, the reference price and the strike, as atomic snapshots.

It owns the books of the window that is traded. Every subscriber has at most one snapshot in flight;
later changes are in the next one. A void or unhealthy book is shown as unsynced at once, and not
traded on until the feed has delivered a full one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import gcd

import attrs
from msgspec.structs import replace

from actors.core import Core, Dice, Effects, Log, Send, SetTimer, earlier, handles
from actors.market.book import TokenBook
from actors.market.book_health import BookHealth
from actors.market.publisher import UNWATCHED_WAIT_MS, ConflatingPublisher
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.feeds import (
    BatchTaken,
    BestPricesEvent,
    BookEvent,
    FeedDown,
    FeedStale,
    FeedUp,
    GridTooFine,
    LastTradeEvent,
    MarketBatch,
    MarketEvent,
    PriceChangeEvent,
    ReferencePrice,
    ResyncRequested,
    TickSizeEvent,
)
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.messages.market import MarketSnapshot, PublicTrade, SnapshotTaken, SnapshotWanted
from actors.model import Market, Side, Strike
from actors.roles import EXECUTOR, MARKET_FEED, OBSERVER, STRATEGY
from actors.settings import Settings

BEAT_MS = 1_000
"""How often lost answers and unhealthy books are checked."""
EARLY_EVENTS_MAX = 2_000
"""How many events are kept before any window is known."""
RESYNC_EVERY_MS = 5_000
"""The feed is asked for fresh books at most this often."""

TRADES_KEPT = 1_000
"""How many public trades wait for a busy strategy; beyond that the oldest are dropped."""

_BEAT_TIMER = "beat"
_BATCH_IDS_KEPT = 64


class MarketStateCore(Core):
    """Applies the market feed's batches and sends its subscribers snapshots of the market."""

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self.foreign_count = 0
        """Events for tokens of no known market."""
        self._market: Market | None = None
        self._strike: Strike | None = None
        self._books: dict[str, TokenBook] = {}
        self._healths: dict[str, BookHealth] = {}
        self._reference: ReferencePrice | None = None
        self._publishers = (
            ConflatingPublisher(STRATEGY),
            ConflatingPublisher(EXECUTOR),
            ConflatingPublisher(OBSERVER, UNWATCHED_WAIT_MS),
        )
        self._trades: deque[PublicTrade] = deque(maxlen=TRADES_KEPT)
        """Public trades not yet sent to the strategy."""
        self._sequence = 0
        self._batch_ids: dict[int, None] = {}
        self._early: list[MarketEvent] = []
        """Events that arrived before any window was known."""
        self._is_given_up = False
        self._is_feed_up = True
        self._resync_asked_at_ms: int | None = None
        self._now_ms = 0

    def clock_set_back(self, by_ms: int) -> None:
        """Shift past times back by as much as the clock was."""
        self._now_ms -= by_ms
        self._resync_asked_at_ms = earlier(self._resync_asked_at_ms, by_ms)
        for health in self._healths.values():
            health.clock_set_back(by_ms)
        for publisher in self._publishers:
            publisher.clock_set_back(by_ms)

    @property
    def is_serving(self) -> bool:
        """Whether both books are synced, and fresh enough to be traded on."""
        if self._market is None:
            return False
        oldest_ms = self._now_ms - self.settings.strategy.max_book_age_ms
        for book in self._books.values():
            if not book.is_synced or book.updated_at_ms < oldest_ms:
                return False
        return True

    @handles(Started)
    def start(self, _started: Started, now_ms: int) -> Effects:
        """Ask for books; a first start and a restart are the same."""
        return [
            *self._ask_for_books("market state has just started and has no book", now_ms),
            SetTimer(_BEAT_TIMER, BEAT_MS),
        ]

    # Input of the books

    @handles(MarketBatch)
    def take_batch(self, batch: MarketBatch, now_ms: int) -> Effects:
        """Apply a batch in its order and answer it; a repeated one is only answered."""
        self._now_ms = now_ms
        taken = Send(MARKET_FEED, BatchTaken(batch.batch_id))
        if self._is_known_batch(batch.batch_id):
            return [taken]
        self._is_feed_up = True
        if batch.is_fresh_start:
            self._void_books(now_ms)
            self._early = []
        has_changed = batch.is_fresh_start
        if self._market is None:
            self._keep_early(batch)
        else:
            for event in batch.events:
                has_changed |= self._apply(event, now_ms)
        if has_changed:
            self._note_change(batch.tick_ns)
        asked = self._check_books(now_ms)
        return [*self._snapshots(now_ms), taken, *asked]

    def _keep_early(self, batch: MarketBatch) -> None:
        """Keep events before the window is known: after a restart books arrive sooner."""
        self._early += batch.events
        if len(self._early) > EARLY_EVENTS_MAX:
            self._early = []

    def _is_known_batch(self, batch_id: int) -> bool:
        """Whether the batch was applied before; its answer was lost then."""
        if batch_id in self._batch_ids:
            return True
        self._batch_ids[batch_id] = None
        if len(self._batch_ids) > _BATCH_IDS_KEPT:
            del self._batch_ids[next(iter(self._batch_ids))]
        return False

    def _apply(self, event: MarketEvent, now_ms: int) -> bool:
        """Apply one event; returns whether it changed what a snapshot shows."""
        match event:
            case PriceChangeEvent():
                book = self._book(event.token)
                if book is None or not book.apply_change(event):
                    return False
                self._learn_grid(dict(event.bids), dict(event.asks))
                return True
            case BookEvent():
                book = self._book(event.token)
                if book is None or not book.apply_book(event):
                    return False
                self._learn_grid(*book.prices)
                return True
            case BestPricesEvent():
                book = self._book(event.token)
                if book is not None:
                    self._healths[event.token].compare(book, event, now_ms)
                return False
            case TickSizeEvent():
                book = self._book(event.token)
                return book is not None and self._change_tick_size(book, event)
            case LastTradeEvent():
                self._keep_trade(event)
                return False  # a trade changes no book: the book's own events do
            case _:
                return False

    def _keep_trade(self, event: LastTradeEvent) -> None:
        """Keep a public trade of the window for the strategy's next snapshot."""
        market = self._market
        if market is None or event.token not in self._books:
            return
        self._trades.append(
            PublicTrade(
                side=market.side(event.token),
                price_ticks=event.price_ticks,
                size_units=event.size_units,
                taker_buys=event.taker_buys,
                timestamp_ms=event.timestamp_ms,
            )
        )

    def _book(self, token: str) -> TokenBook | None:
        if self._is_given_up:
            return None
        book = self._books.get(token)
        if book is None:
            self.foreign_count += 1
        return book

    def _change_tick_size(self, book: TokenBook, event: TickSizeEvent) -> bool:
        book.void()
        if self._market is not None:
            self._market = attrs.evolve(self._market, tick_size_ticks=event.tick_size_ticks)
        return True

    def _learn_grid(self, bids: Iterable[int], asks: Iterable[int]) -> None:
        """Adopt the finer grid that a price proves; its announcement may have been missed.

        It is sent once, and lost if the feed was connecting or market state crashed then.
        """
        market = self._market
        if market is not None:
            known_ticks = market.tick_size_ticks
            grid_ticks = gcd(known_ticks, *bids, *asks)
            if grid_ticks != known_ticks:
                self._market = attrs.evolve(market, tick_size_ticks=grid_ticks)

    @handles(GridTooFine)
    def give_window_up(self, grid: GridTooFine, now_ms: int) -> Effects:
        """Void the window's books for good: they cannot be kept exactly, so they are not traded."""
        market = self._market
        if market is None or market.market_id != grid.market_id or self._is_given_up:
            return []
        self._is_given_up = True
        self._void_books(now_ms)
        text = f"{market.slug} is no longer traded: the venue's prices there are finer than $0.001"
        return [Log("warning", text), *self._tell_change(now_ms)]

    # Other content of a snapshot

    @handles(ReferencePrice)
    def take_reference(self, reference: ReferencePrice, now_ms: int) -> Effects:
        """Show the newest reference price."""
        known = self._reference
        if known is not None and reference.timestamp_ms < known.timestamp_ms:
            return []
        self._reference = reference
        return self._tell_change(now_ms)

    @handles(MarketOpened)
    def open_window(self, opened: MarketOpened, now_ms: int) -> Effects:
        """Switch to a window, or learn its strike; an older window is ignored."""
        market, present = opened.market, self._market
        if now_ms >= market.closes_at_ms:
            return []
        if present is not None and market.market_id == present.market_id:
            if opened.strike is None or opened.strike == self._strike:
                return []
            self._strike = opened.strike
            return self._tell_change(now_ms)
        if present is not None and market.opens_at_ms < present.opens_at_ms:
            return []
        self._market, self._strike, self._is_given_up = market, opened.strike, False
        self._trades.clear()
        tokens = [market.token(side) for side in Side]
        self._books = {token: TokenBook() for token in tokens}
        self._healths = {token: BookHealth(now_ms) for token in tokens}
        early, self._early = self._early, []
        for event in early:
            self._apply(event, now_ms)
        return self._tell_change(now_ms)

    @handles(MarketClosing)
    def close_window(self, closing: MarketClosing, _now_ms: int) -> Effects:
        """Drop a window; there are no snapshots until the next one opens."""
        market = self._market
        if market is None or market.market_id != closing.market_id:
            return []
        early = sum(book.early_count for book in self._books.values())
        stale = sum(book.stale_count for book in self._books.values())
        merged = ", ".join(
            f"{publisher.role} {publisher.merged_count}" for publisher in self._publishers
        )
        text = (
            f"{market.slug} closes; since the start {self._sequence} snapshots, changes merged: "
            f"{merged}, foreign events: {self.foreign_count}; in this window {early} changes came "
            f"before a book and {stale} were stale"
        )
        self._market, self._strike = None, None
        self._books, self._healths = {}, {}
        return [Log("info", text)]

    # Peers

    @handles(FeedUp)
    def feed_up(self, feed: FeedUp, now_ms: int) -> Effects:
        """Allow a new connection's books their time to arrive."""
        if feed.feed == MARKET_FEED:
            self._is_feed_up = True
            self._healths = {token: BookHealth(now_ms) for token in self._books}
        return []

    @handles(FeedDown, FeedStale)
    def feed_down(self, feed: FeedDown | FeedStale, now_ms: int) -> Effects:
        """Void the books; a reference price without updates shows by its age."""
        if feed.feed != MARKET_FEED:
            return []
        self._is_feed_up = False
        self._early = []
        self._void_books(now_ms)
        return self._tell_change(now_ms)

    @handles(PeerRestarted)
    def resend_to_restarted(self, peer: PeerRestarted, now_ms: int) -> Effects:
        """Send a new subscriber the market; a new market feed knows nothing of our books."""
        if peer.role == MARKET_FEED:
            self._early = []
            self._void_books(now_ms)
            return self._tell_change(now_ms)
        for publisher in self._publishers:
            if publisher.role == peer.role:
                publisher.start_over()
        return self._snapshots(now_ms)

    @handles(SnapshotTaken)
    def taken(self, taken: SnapshotTaken, now_ms: int) -> Effects:
        """Send what has changed in the meantime."""
        for publisher in self._publishers:
            publisher.taken(taken.sequence)
        return self._snapshots(now_ms)

    @handles(SnapshotWanted)
    def show(self, wanted: SnapshotWanted, now_ms: int) -> Effects:
        """Answer a role that is not a subscriber; no tick is spent on it."""
        market = self._market
        if market is None:
            return []
        self._sequence += 1
        return [Send(wanted.answer_to, self._snapshot(market, 0, now_ms))]

    @handles(TimerFired)
    def beat(self, _timer: TimerFired, now_ms: int) -> Effects:
        """Check for lost answers and unhealthy books."""
        self._now_ms = now_ms
        for publisher in self._publishers:
            publisher.give_up_lost(now_ms)
        asked = self._check_books(now_ms)
        return [*self._snapshots(now_ms), *asked, SetTimer(_BEAT_TIMER, BEAT_MS)]

    # BookHealth

    def _check_books(self, now_ms: int) -> Effects:
        """Void a book that cannot be right, and ask for fresh ones if any is missing."""
        if self._is_given_up:
            return []
        reason = ""
        newest_at_ms = max((book.updated_at_ms for book in self._books.values()), default=0)
        for token, book in self._books.items():
            health = self._healths[token]
            health.look(book, now_ms, newest_at_ms)
            complaint = health.complaint(now_ms)
            if complaint:
                book.void()
                self._healths[token] = BookHealth(now_ms)
                self._note_change(0)
                reason = f"the {self._name(token)} book is in doubt: {complaint}"
            elif self._is_feed_up and health.lacks_book(now_ms):
                reason = reason or f"the {self._name(token)} book is missing"
        return self._ask_for_books(reason, now_ms) if reason else []

    def _ask_for_books(self, reason: str, now_ms: int) -> Effects:
        asked_at_ms = self._resync_asked_at_ms
        if asked_at_ms is not None and now_ms - asked_at_ms < RESYNC_EVERY_MS:
            return []
        self._resync_asked_at_ms = now_ms
        return [
            Log("warning", f"requesting fresh books: {reason}"),
            Send(MARKET_FEED, ResyncRequested(reason, self.settings.series.name)),
        ]

    def _void_books(self, now_ms: int) -> None:
        for token, book in self._books.items():
            book.void()
            self._healths[token] = BookHealth(now_ms)

    def _name(self, token: str) -> str:
        return self._market.side(token).value if self._market is not None else token

    # Snapshots

    def _tell_change(self, now_ms: int) -> Effects:
        self._note_change(0)
        return self._snapshots(now_ms)

    def _note_change(self, tick_ns: int) -> None:
        for publisher in self._publishers:
            publisher.note(tick_ns)

    def _snapshots(self, now_ms: int) -> Effects:
        """Return a snapshot for each subscriber that is due one and has none in flight."""
        market = self._market
        if market is None:
            return []
        effects: Effects = []
        for publisher in self._publishers:
            if publisher.may_send:
                self._sequence += 1
                tick_ns = publisher.send(self._sequence, now_ms)
                snapshot = self._snapshot(market, tick_ns, now_ms)
                if publisher.role == STRATEGY and self._trades:
                    snapshot = replace(snapshot, trades=tuple(self._trades))
                    self._trades.clear()
                effects.append(Send(publisher.role, snapshot))
        return effects

    def _snapshot(self, market: Market, tick_ns: int, now_ms: int) -> MarketSnapshot:
        reference = self._reference
        return MarketSnapshot(
            sequence=self._sequence,
            market=market,
            taken_at_ms=now_ms,
            yes=self._books[market.yes_token].view(),
            no=self._books[market.no_token].view(),
            reference_e18=None if reference is None else reference.price_e18,
            reference_at_ms=0 if reference is None else reference.timestamp_ms,
            strike=self._strike,
            tick_ns=tick_ns,
        )
