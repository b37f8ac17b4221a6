"""One account that trades recorded windows on virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, heapreplace
from random import Random
from typing import cast

import attrs

from actors.backtest_settings import PAPER
from actors.core import Core, require
from actors.execution.desk import DeskCore
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.market.core import MarketStateCore
from actors.messages.directory import MarketClosing, MarketOpened, MarketResolved
from actors.messages.feeds import (
    BookEvent,
    FeedDown,
    FeedUp,
    GridTooFine,
    MarketBatch,
    MarketEvent,
    ResyncRequested,
)
from actors.model import Market
from actors.position.core import PositionCore
from actors.position.ledger import WindowLedger
from actors.roles import (
    DESK,
    EXECUTOR,
    MARKET_FEED,
    MARKET_STATE,
    OBSERVER,
    POSITION,
    REFERENCE_FEED,
    STRATEGY,
    order_id_of,
)
from actors.runtime.scheduler import Scheduler
from actors.settings import Settings
from actors.strategy.core import StrategyCore
from research.backtest.collector import OutcomeCollector
from research.backtest.executor import BacktestExecutorCore
from research.backtest.outcome import WindowOutcome
from research.backtest.ports import RecordedConnection, VenueRouter
from research.backtest.stage import Stage
from research.backtest.tape import (
    MarketFrames,
    Moment,
    ReferenceFrames,
    Tape,
    WindowOver,
)
from research.backtest.venue import RecordedVenue
from research.backtest.venue_book import mirrored

LEAD_MS = 90_000
"""A window's recording may begin this long before the window."""
RESYNC_MS = 200
"""Fresh books arrive this long after they were requested, as by a new connection."""

_CORES: dict[str, type[Core]] = {
    POSITION: PositionCore,
    DESK: DeskCore,
    STRATEGY: StrategyCore,
    MARKET_STATE: MarketStateCore,
    REFERENCE_FEED: ReferenceFeedCore,
}
_OPENED_READERS = (MARKET_STATE, EXECUTOR, POSITION, DESK)
_CLOSING_READERS = (DESK, EXECUTOR, MARKET_STATE)


@attrs.define
class _Window:
    """A window being played."""

    tape: Tape
    venue: RecordedVenue
    collector: OutcomeCollector
    is_open: bool = False
    books_at_ms: int = 0
    """The venue's timestamp of the newest event; 0 before the first."""


class AccountRun:
    """All cores of a run except those that use the network, fed from recordings."""

    def __init__(self, settings: Settings, seed: str) -> None:
        """Begin before any window; ``seed`` determines all random numbers."""
        self._settings = settings
        self._seed = seed
        self._scheduler = Scheduler(0)
        self._stage = Stage(self._scheduler, seed, self._core, self._hear)
        self._windows: dict[str, _Window] = {}
        self._router = VenueRouter(self._venue_of)
        self._reference = RecordedConnection(
            self._scheduler, lambda event: self._stage.tell(REFERENCE_FEED, event)
        )
        self._current: _Window | None = None
        self._batch_id = 0
        self._is_fresh_start = True

    def play(self, tapes: Iterable[Tape]) -> Iterator[WindowOutcome]:
        """Play windows in time order; yield each when it is over.

        Raises:
            BadRecording: a file cannot be read.
            CoreFailed: a core has raised.
        """
        is_first = True
        for at_ms, window, moment in self._merged(tapes):
            if is_first:
                self._begin(at_ms, window)
                is_first = False
            self._scheduler.run_until(max(at_ms, self._scheduler.now_ms))
            if isinstance(moment, WindowOver):
                yield self._outcome(window)
            else:
                self._take(window, moment)

    def _merged(self, tapes: Iterable[Tape]) -> Iterator[tuple[int, _Window, Moment]]:
        """The moments of all tapes in time order; each tape is read as late as possible."""
        waiting = iter(tapes)
        upcoming = next(waiting, None)
        heads: list[tuple[int, int, _Window, Moment, Iterator[tuple[int, Moment]]]] = []
        count = 0
        while heads or upcoming is not None:
            while upcoming is not None and (
                not heads or upcoming.market.opens_at_ms - LEAD_MS <= heads[0][0]
            ):
                count += 1
                moments = upcoming.moments()
                first = next(moments)
                heappush(heads, (first[0], count, self._window(upcoming), first[1], moments))
                upcoming = next(waiting, None)
            at_ms, number, window, moment, moments = heads[0]
            yield at_ms, window, moment
            following = next(moments, None)
            if following is None:
                heappop(heads)
            else:
                heapreplace(heads, (following[0], number, window, following[1], moments))

    # Beginning

    def _begin(self, at_ms: int, window: _Window) -> None:
        """Start all actors; market state gets prices although no window is open yet."""
        self._scheduler.now_ms = at_ms
        stage = self._stage
        stage.start(EXECUTOR, self._router)
        for role in _CORES:
            stage.start(role, self._reference if role == REFERENCE_FEED else None)
        market = window.tape.market
        if at_ms < market.opens_at_ms:
            stage.tell(MARKET_STATE, MarketOpened(market=_before(market), strike=None))

    def _core(self, role: str, dice: Random) -> Core:
        if role == EXECUTOR:
            is_paper = self._settings.backtest.fill_model == PAPER
            kind: type[Core] = SimulatedExecutorCore if is_paper else BacktestExecutorCore
        else:
            kind = OrderCore if order_id_of(role) is not None else _CORES[role]
        return kind(role, self._settings, dice)

    def _window(self, tape: Tape) -> _Window:
        market = tape.market
        venue = RecordedVenue(
            market,
            self._settings,
            self._scheduler,
            Random(f"{self._seed}/{market.slug}/venue"),
            tape.recording.head.market.taker_delay_ms,
            tape.recording.head.mirrored_token,
        )
        venue.tell = lambda news: self._stage.tell(EXECUTOR, news)
        window = _Window(tape, venue, OutcomeCollector(market, venue.book))
        self._windows[market.market_id] = window
        return window

    def _venue_of(self, market_id: str) -> RecordedVenue | None:
        window = self._windows.get(market_id)
        return None if window is None else window.venue

    # Replaying the tapes

    def _take(self, window: _Window, moment: Moment) -> None:
        stage = self._stage
        match moment:
            case MarketFrames():
                self._show(window, moment)
            case ReferenceFrames(frames):
                self._reference.bring(frames)
            case MarketOpened():
                self._open(window, moment)
            case MarketClosing():
                window.venue.end_window()
                window.is_open = False
                for role in _CLOSING_READERS:
                    stage.tell(role, moment)
            case MarketResolved():
                stage.tell(POSITION, moment)
            case FeedUp():
                self._is_fresh_start = True
                stage.tell(MARKET_STATE, moment)
            case FeedDown() | GridTooFine():
                stage.tell(MARKET_STATE, moment)

    def _show(self, window: _Window, books: MarketFrames) -> None:
        """Update the venue's book first: what reaches us now happened there before."""
        window.venue.show(books.events)
        window.books_at_ms = books.events[-1].timestamp_ms
        if window.is_open:
            self._batch(books.events, books.received_ns)

    def _batch(self, events: tuple[MarketEvent, ...], tick_ns: int) -> None:
        self._batch_id += 1
        batch = MarketBatch(
            batch_id=self._batch_id,
            events=events,
            tick_ns=tick_ns,
            is_fresh_start=self._is_fresh_start,
        )
        self._is_fresh_start = False
        self._stage.tell(MARKET_STATE, batch)

    def _open(self, window: _Window, opened: MarketOpened) -> None:
        """Announce a window, or its strike; books recorded earlier are sent whole."""
        for role in _OPENED_READERS:
            self._stage.tell(role, opened)
        if window.is_open or self._scheduler.now_ms >= opened.market.closes_at_ms:
            return
        window.is_open = True
        self._current = window
        if window.books_at_ms:
            self._batch(_whole(window), 0)

    # Messages to roles that a backtest does not have

    def _hear(self, to: str, message: object) -> None:
        if to == OBSERVER and self._current is not None:
            self._current.collector.hear(message, self._scheduler.now_ms)
        elif to == MARKET_FEED and isinstance(message, ResyncRequested):
            self._scheduler.after(RESYNC_MS, self._resync)

    def _resync(self) -> None:
        """Send the whole books of the open window, as a new connection would."""
        window = self._current
        if window is not None and window.is_open and any(window.venue.book.sides()):
            self._is_fresh_start = True
            self._batch(_whole(window), 0)

    # Outcome

    def _outcome(self, window: _Window) -> WindowOutcome:
        market_id = window.tape.market.market_id
        del self._windows[market_id]
        self._router.forget(market_id)
        errors, self._stage.errors = tuple(self._stage.errors), []
        handled, self._stage.handled_count = self._stage.handled_count, 0
        ledger = self._stage.journal.recall("position", market_id)
        require(isinstance(ledger, WindowLedger), f"the ledger has no window {market_id}")
        return window.collector.outcome(window.tape, cast("WindowLedger", ledger), errors, handled)


def _whole(window: _Window) -> tuple[BookEvent, ...]:
    """Both tokens' books, as the recording shows them now."""
    market, (bids, asks) = window.tape.market, window.venue.book.sides()
    at_ms = window.books_at_ms
    return (
        BookEvent(market.yes_token, at_ms, bids, asks),
        BookEvent(market.no_token, at_ms, mirrored(asks), mirrored(bids)),
    )


def _before(market: Market) -> Market:
    """Stand in for the previous window: while it is open, prices arrive but nothing is traded."""
    return attrs.evolve(
        market,
        market_id=f"before {market.market_id}",
        yes_token="",
        no_token="-",  # noqa: S106 # no book has this name
        opens_at_ms=2 * market.opens_at_ms - market.closes_at_ms,
        closes_at_ms=market.opens_at_ms,
    )
