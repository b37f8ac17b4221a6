"""The contents of a recording, as the cores of a backtest receive them, in the order of receipt.

Frames are decoded by the product's own decoders. Frames received in the same millisecond form one
batch, as the market feed would have made it. If a recording has the books of one outcome only, the
other's are their mirror.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import attrs
import msgspec

from actors.backtest_settings import TWAP
from actors.feeds import rtds
from actors.feeds.market_channel import Decoded, FinerGrid, MarketChannelDecoder, UnreadableElement
from actors.feeds.polybolt import PolyBoltProtocol
from actors.messages.directory import MarketClosing, MarketOpened, MarketResolved
from actors.messages.feeds import (
    BookEvent,
    FeedDown,
    FeedUp,
    GridTooFine,
    LastTradeEvent,
    MarketEvent,
    PriceChangeEvent,
    ResolvedEvent,
    TwapTick,
)
from actors.model import Market, Side, Strike, StrikeOrigin
from actors.roles import MARKET_FEED
from research.backtest.venue_book import mirrored
from research.recordings import RecordedFrame, Recording
from research.recordings.model import RecordedChannel, RecordedStrike, RecordingNote

STRIKE_DELAY_MS = 2_000
"""A derived strike was never received. It counts from this long after the window's start, because
the venue sends the average of a second one to three seconds later."""
RESULT_DELAY_MS = 16_000
"""A window's result is known this long after its end, as observed at the venue."""
_DERIVED, _TICK = "derived", StrikeOrigin.TICK.value
_AVERAGES = (RecordedChannel.RTDS, RecordedChannel.POLYBOLT)
"""Channels with the average that settles windows."""


@attrs.frozen
class MarketFrames:
    """Events of the market channel that were received together."""

    events: tuple[MarketEvent, ...]
    received_ns: int
    is_fresh_start: bool = False
    """The connection is new."""


@attrs.frozen
class ReferenceFrames:
    """Frames of the reference feed that were received together."""

    frames: tuple[tuple[bytes, int], ...]
    """Each with its time of receipt, ns."""


@attrs.frozen
class WindowOver:
    """The end of a tape."""


Moment = (
    MarketFrames
    | ReferenceFrames
    | MarketOpened
    | MarketClosing
    | MarketResolved
    | FeedUp
    | FeedDown
    | GridTooFine
    | WindowOver
)


@attrs.define
class TapeCounts:
    """Counters of what has been read of a tape so far."""

    frames: int = 0
    books: int = 0
    """Whole books, including mirrored ones."""
    changes: int = 0
    trades: int = 0
    unreadable: int = 0
    lag_ms_total: int = 0
    """Receipt minus the venue's own timestamp, summed over ``lagged`` events."""
    lagged: int = 0

    @property
    def events(self) -> int:
        """All events decoded from the market channel."""
        return self.books + self.changes + self.trades


class Tape:
    """One recorded window as a sequence of moments."""

    def __init__(self, recording: Recording, settlement: str) -> None:
        self.recording = recording
        self.market = market_of(recording)
        self.counts = TapeCounts()
        self._settlement = settlement
        self._decoder = MarketChannelDecoder()
        self._tokens = (self.market.yes_token, self.market.no_token)
        self._mirrored_token = recording.head.mirrored_token
        self._is_too_fine = False
        self._strike: Strike | None = None
        tail = recording.tail
        noted = None if tail is None else tail.strike
        is_tick = noted is not None and noted.origin == _TICK
        self._noted_strike = _strike(noted, self.market) if noted is not None and is_tick else None
        """The strike of a note, if it is the average at exactly the window's start: known once that
        arrives."""
        self._boundary = str(self.market.opens_at_ms).encode()
        self._asset = recording.head.series.partition("-")[0]

    def moments(self) -> Iterator[tuple[int, Moment]]:
        """Every moment with its venue time in ms, in order.

        Raises:
            BadRecording: the file cannot be read.
        """
        planned = sorted(self._planned(), key=lambda each: each[0])
        recorded = self._recorded()
        first = next(recorded, None)
        if first is not None and planned[0][0] < first[0]:
            # A recorder that starts in the middle of a window learns of it then, as its run did.
            planned[0] = (first[0], planned[0][1])
            planned.sort(key=lambda each: each[0])
        for at_ms, moment in chain([] if first is None else [first], recorded):
            while planned and planned[0][0] <= at_ms:
                yield planned.pop(0)
            yield at_ms, moment
        yield from planned

    # Metadata

    def _planned(self) -> Iterator[tuple[int, Moment]]:
        market = self.market
        yield market.opens_at_ms, MarketOpened(market=market, strike=None)
        tail = self.recording.tail
        if tail is not None and tail.strike is not None and tail.strike.origin == _DERIVED:
            known_ms = market.opens_at_ms + STRIKE_DELAY_MS
            yield known_ms, MarketOpened(market=market, strike=_strike(tail.strike, market))
        yield market.closes_at_ms, MarketClosing(market.market_id)
        resolved = self._resolved()
        over_ms = market.closes_at_ms + RESULT_DELAY_MS
        if resolved is not None:
            yield over_ms, resolved
        yield over_ms + 1, WindowOver()

    def _resolved(self) -> MarketResolved | None:
        """The result by which the window is settled; None if there is none."""
        tail = self.recording.tail
        if tail is None:
            return None
        strike_e18 = None if tail.strike is None else int(tail.strike.price_e18)
        close_e18 = None if tail.close_e18 is None else int(tail.close_e18)
        winner: Side | None
        if self._settlement != TWAP and tail.winner is not None:
            winner = None if tail.winner == "void" else Side(tail.winner)
            evidence = tail.evidence
        elif strike_e18 is not None and close_e18 is not None:
            winner = Side.YES if close_e18 >= strike_e18 else Side.NO
            evidence = "the recorded averages at both ends"
        else:
            return None
        return MarketResolved(
            market=self.market,
            winner=winner,
            strike_e18=strike_e18,
            close_e18=close_e18,
            evidence=evidence,
            strike_source="" if tail.strike is None else tail.strike.source,
        )

    # Frames

    def _recorded(self) -> Iterator[tuple[int, Moment]]:
        books: list[MarketEvent] = []
        prices: list[tuple[bytes, int]] = []
        at_ms, first_ns = 0, 0
        is_fresh_start = True
        for frame in self.recording.frames():
            received_ms = frame.received_ms
            if received_ms != at_ms and (books or prices):
                yield from self._gathered(at_ms, first_ns, books, prices, is_fresh_start)
                is_fresh_start = is_fresh_start and not books
                books, prices = [], []
            at_ms = max(at_ms, received_ms)
            if frame.channel == RecordedChannel.MARKET:
                if not books:
                    first_ns = frame.received_ns
                for event in self._decoded(frame):
                    if isinstance(event, GridTooFine):
                        yield at_ms, event
                    else:
                        books.append(event)
            elif frame.channel == RecordedChannel.REFERENCE:
                prices.append((frame.payload, frame.received_ns))
            else:
                for moment in self._moments_in(frame):
                    is_fresh_start = is_fresh_start or isinstance(moment, FeedUp)
                    yield at_ms, moment
        if books or prices:
            yield from self._gathered(at_ms, first_ns, books, prices, is_fresh_start)

    def _gathered(
        self,
        at_ms: int,
        first_ns: int,
        books: list[MarketEvent],
        prices: list[tuple[bytes, int]],
        is_fresh_start: bool,
    ) -> Iterator[tuple[int, Moment]]:
        if prices:
            yield at_ms, ReferenceFrames(tuple(prices))
        if books:
            yield at_ms, MarketFrames(tuple(books), first_ns, is_fresh_start)

    def _decoded(self, frame: RecordedFrame) -> Sequence[MarketEvent | GridTooFine]:
        """The frame's events for this window; unreadable ones are counted and left out."""
        counts, tokens = self.counts, self._tokens
        counts.frames += 1
        found: list[MarketEvent | GridTooFine] = []
        for event in self._decoder.decode(frame.payload):
            kind = type(event)
            if kind is PriceChangeEvent and event.token in tokens:  # type: ignore[union-attr] # it is one
                counts.changes += 1
                found.append(event)  # type: ignore[arg-type] # as above
            elif kind is BookEvent and event.token in tokens:  # type: ignore[union-attr] # as above
                self._add_book(event, found)  # type: ignore[arg-type] # as above
            else:
                found += self._other(event)
        if found and not isinstance(found[0], GridTooFine | ResolvedEvent):
            counts.lag_ms_total += max(0, frame.received_ms - found[0].timestamp_ms)
            counts.lagged += 1
        return found

    def _add_book(self, book: BookEvent, found: list[MarketEvent | GridTooFine]) -> None:
        """Add a whole book, and the other token's if that is not recorded."""
        self.counts.books += 1
        found.append(book)
        if self._mirrored_token:
            self.counts.books += 1
            found.append(self._mirror(book))

    def _other(self, event: Decoded) -> Iterator[MarketEvent | GridTooFine]:
        """An event that is neither a change nor a book."""
        counts = self.counts
        if isinstance(event, UnreadableElement):
            counts.unreadable += 1
        elif isinstance(event, FinerGrid):
            if event.token in self._tokens and not self._is_too_fine:
                self._is_too_fine = True
                yield GridTooFine(self.market.market_id)
        elif not isinstance(event, ResolvedEvent) and event.token in self._tokens:
            yield event
            if isinstance(event, LastTradeEvent):
                counts.trades += 1
            else:
                counts.changes += 1

    def _mirror(self, event: BookEvent) -> BookEvent:
        other = self._tokens[event.token == self._tokens[0]]
        return BookEvent(other, event.timestamp_ms, mirrored(event.asks), mirrored(event.bids))

    def _moments_in(self, frame: RecordedFrame) -> Iterable[Moment]:
        """The moments in a note or frame, and whether a price proves the strike."""
        if frame.channel == RecordedChannel.NOTE:
            return self._noted(frame)
        is_price = frame.channel in _AVERAGES and self._strike is None
        return [self._opened(self._noted_strike)] if is_price and self._proves_strike(frame) else []

    def _proves_strike(self, frame: RecordedFrame) -> bool:
        """Whether it contains the average at the window's start, which proves the strike."""
        if self._noted_strike is None or self._boundary not in frame.payload:
            return False
        if frame.channel == RecordedChannel.RTDS:
            ticks: Iterable[TwapTick] = rtds.decode(frame.payload, f"{self._asset}/usd")[0]
        else:
            ticks = PolyBoltProtocol(f"{self._asset}usd").receive(frame.payload).ticks
        return any(tick.timestamp_ms == self.market.opens_at_ms for tick in ticks)

    def _opened(self, strike: Strike | None) -> MarketOpened:
        self._strike = strike
        return MarketOpened(market=self.market, strike=strike)

    def _noted(self, frame: RecordedFrame) -> Iterator[Moment]:
        note = msgspec.json.decode(frame.payload, type=RecordingNote)
        if note.kind == "strike" and note.strike is not None:
            strike = _strike(note.strike, self.market)
            if strike != self._strike and note.strike.origin != _DERIVED:
                yield self._opened(strike)
        elif note.channel == "market" and note.kind == "opened":
            yield FeedUp(MARKET_FEED)
        elif note.channel == "market" and note.kind == "closed":
            yield FeedDown(MARKET_FEED, note.reason)


def market_of(recording: Recording) -> Market:
    """Turn a recording's metadata into the market that the directory would announce."""
    known = recording.head.market
    return Market(**{field.name: getattr(known, field.name) for field in attrs.fields(Market)})


def _strike(recorded: RecordedStrike, market: Market) -> Strike:
    origins = {origin.value: origin for origin in StrikeOrigin}
    return Strike(
        price_e18=int(recorded.price_e18),
        source=recorded.source,
        timestamp_ms=market.opens_at_ms,
        origin=origins.get(recorded.origin, StrikeOrigin.TICK),
    )
