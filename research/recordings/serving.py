"""Serves recorded windows as a world for the local exchange, each frame at its own time.

Opening reads only the heads; a window's frames are read while it is on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from actors.feeds.market_channel import MarketChannelDecoder
from actors.messages.feeds import (
    BookEvent,
    LastTradeEvent,
    PriceChangeEvent,
    TickSizeEvent,
)
from actors.units import PAYOUT_TICKS
from research.recordings.model import RecordedChannel, RecordedFrame
from research.recordings.places import BadRecording
from research.recordings.reader import Recording, open_recording
from research.recordings.served_prices import RecordedPrices
from venue.frames import Channel, Frame, custom_key
from venue.prices import PriceBoard
from venue.windows import Window
from venue.wire import market as wire
from venue.wire.book import PublishedBook
from venue.wire.gamma import MarketStatus
from venue.wire.text import json_text
from venue.world import STEP_MS, Catalogue

LEAD_MS = 70_000
"""The world begins this long before its first window, so that its strike has a history."""
_STRIKE_AFTER_MS = 7_000
"""Gamma shows a window's strike this long after its start."""
_AFTER_MS = 60_000
"""A window's frames are read until this long after its result."""
_PRICES = (RecordedChannel.REFERENCE, RecordedChannel.RTDS, RecordedChannel.POLYBOLT)
_CUSTOM = (b'"best_bid_ask"', b'"new_market"')
_RESOLVED = b'"market_resolved"'
Levels = tuple[tuple[int, int], ...]


class ServedMarket:
    """One recorded window: its frames as they were, and its state for REST."""

    def __init__(self, recording: Recording) -> None:
        market = recording.market
        self.window = Window(
            asset=market.slug.partition("-")[0],
            minutes=(market.closes_at_ms - market.opens_at_ms) // 60_000,
            opens_at_ms=market.opens_at_ms,
            condition_id=market.market_id,
            up_token=market.yes_token,
            down_token=market.no_token,
        )
        self.books = (
            PublishedBook(market.market_id, market.yes_token),
            PublishedBook(market.market_id, market.no_token),
        )
        for book in self.books:
            book.tick_size_ticks = market.tick_size_ticks
        self._recording = recording
        self._decoder = MarketChannelDecoder()
        self._frames: Iterator[RecordedFrame] | None = None
        self._next: RecordedFrame | None = None
        self._strike_e18: int | None = None
        self._close_e18: int | None = None
        self._up_won: bool | None = None

    @property
    def status(self) -> MarketStatus:
        """What Gamma and the CLOB report of this market."""
        up = self.books[0]
        return MarketStatus(
            window=self.window,
            tick_size_ticks=up.tick_size_ticks,
            best_bid_ticks=up.best_bid_ticks,
            best_ask_ticks=up.best_ask_ticks,
            last_trade_ticks=up.last_trade_ticks,
            strike_e18=self._strike_e18,
            close_e18=self._close_e18,
            up_won=self._up_won,
            resolved_at_ms=self.window.resolves_at_ms if self._up_won is not None else None,
            resolution_source=self._recording.head.derived,
        )

    def is_over(self, now_ms: int) -> bool:
        """Whether nothing more follows for it."""
        return now_ms > self.window.resolves_at_ms + _AFTER_MS

    def step(self, now_ms: int, prices: RecordedPrices) -> list[Frame]:
        """Send the frames received up to now; resolve when it is time."""
        if self._frames is None:
            self._frames = self._recording.frames()
            self._next = next(self._frames, None)
        made: list[Frame] = []
        while self._next is not None and self._next.received_ns <= now_ms * 1_000_000:
            made += self._frames_for(self._next, now_ms, prices)
            self._next = next(self._frames, None)
        if now_ms == self.window.opens_at_ms + _STRIKE_AFTER_MS:
            self._strike_e18 = self._strike(prices)
        elif now_ms == self.window.resolves_at_ms:
            made += self._resolve(prices)
        return made

    def close(self) -> None:
        """Release the file."""
        self._frames, self._next = iter(()), None

    def _frames_for(self, frame: RecordedFrame, now_ms: int, prices: RecordedPrices) -> list[Frame]:
        if frame.channel in _PRICES:
            return prices.take(frame, now_ms)
        if frame.channel != RecordedChannel.MARKET or _RESOLVED in frame.payload:
            return []
        made = []
        keys = self._keys(frame.payload)
        if keys:
            made.append(Frame(Channel.MARKET, keys, frame.payload.decode(errors="replace")))
        for event in self._decoder.decode(frame.payload):
            match event:
                case BookEvent(token, timestamp_ms, bids, asks):
                    made += self._replace(token, timestamp_ms, bids, asks)
                case PriceChangeEvent(token, _, bids, asks):
                    self._change(token, bids, asks)
                case TickSizeEvent(_, _, tick_size_ticks):
                    for book in self.books:
                        book.tick_size_ticks = tick_size_ticks
                case LastTradeEvent(token, _, price_ticks):
                    for book in self.books:
                        if book.token == token:
                            book.last_trade_ticks = price_ticks
        return made

    def _keys(self, payload: bytes) -> tuple[str, ...]:
        named = tuple(token for token in self.window.tokens if token.encode() in payload)
        is_custom = any(kind in payload for kind in _CUSTOM)
        return tuple(custom_key(token) for token in named) if is_custom else named

    def _replace(self, token: str, timestamp_ms: int, bids: Levels, asks: Levels) -> list[Frame]:
        own, other = self.books
        if token != own.token:
            own, other = other, own
        if token != own.token:
            return []
        own.replace(bids, asks)
        if other.token != self._recording.head.mirrored_token:
            return []
        other.replace(_mirrored(asks), _mirrored(bids))
        mirror = json_text(wire.book_event(other, timestamp_ms, is_first=False))
        return [Frame(Channel.MARKET, (other.token,), mirror)]

    def _change(self, token: str, bids: Levels, asks: Levels) -> None:
        for book in self.books:
            if book.token == token:
                for is_bid, levels in ((True, bids), (False, asks)):
                    for price_ticks, size_units in levels:
                        book.set_level(is_bid, price_ticks, size_units)

    def _strike(self, prices: RecordedPrices) -> int | None:
        tail = self._recording.tail
        known = tail.strike if tail is not None else self._recording.survey.strike
        if known is not None:
            return int(known.price_e18)
        return prices.average(self.window.opens_at_ms)

    def _resolve(self, prices: RecordedPrices) -> list[Frame]:
        """Announce the recorded result, or the one that follows from strike and close."""
        tail = self._recording.tail
        close = tail.close_e18 if tail is not None else None
        closes_at_ms = self.window.closes_at_ms
        self._close_e18 = prices.average(closes_at_ms) if close is None else int(close)
        winner = tail.winner if tail is not None else None
        if winner in ("YES", "NO"):
            self._up_won = winner == "YES"
        elif self._strike_e18 is not None and self._close_e18 is not None:
            self._up_won = self._close_e18 >= self._strike_e18
        else:
            return []
        now_ms = self.window.resolves_at_ms
        text = wire.market_resolved_text(self.window, self._up_won, now_ms)
        keys = tuple(custom_key(token) for token in self.window.tokens)
        return [Frame(Channel.MARKET, keys, text)]


class RecordedWorld:
    """Recorded windows of one series, one after the other, at their own times."""

    def __init__(self, places: Sequence[str | Path], missing_share: float = 0.0) -> None:
        """Open the recordings.

        Raises:
            BadRecording: one is invalid, two are of the same window, or they are of several
                series.
        """
        recordings = sorted(map(open_recording, places), key=lambda each: each.market.opens_at_ms)
        if len({each.head.series for each in recordings}) > 1:
            raise BadRecording("recordings of several series cannot be served together")
        if len({each.market.slug for each in recordings}) < len(recordings):
            raise BadRecording("the same window is recorded in two of the files")
        first = recordings[0]
        self.series = first.head.series
        self.now_ms = first.market.opens_at_ms - LEAD_MS
        self.now_ms -= self.now_ms % STEP_MS
        self._streams = RecordedPrices(first.market.slug.partition("-")[0], missing_share)
        self.prices = PriceBoard([self._streams])
        self.catalogue = Catalogue()
        self._coming = [ServedMarket(each) for each in recordings]
        self._shown: list[ServedMarket] = []
        for market in self._coming:
            self.catalogue.add(market)

    def advance(self, until_ms: int) -> Iterator[list[Frame]]:
        """Step up to an instant; yield each step's frames."""
        while self.now_ms + STEP_MS <= until_ms:
            self.now_ms += STEP_MS
            while self._coming and self.now_ms >= self._coming[0].window.opens_at_ms - LEAD_MS:
                self._shown.append(self._coming.pop(0))
            made: list[Frame] = []
            for market in self._shown:
                made += market.step(self.now_ms, self._streams)
            if self._shown and self._shown[0].is_over(self.now_ms):
                self._shown.pop(0).close()
            yield made


def _mirrored(levels: Levels) -> list[tuple[int, int]]:
    return [(PAYOUT_TICKS - price_ticks, size_units) for price_ticks, size_units in levels]
