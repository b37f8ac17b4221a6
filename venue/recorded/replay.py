"""The world of recorded windows: real books, and prices derived from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from actors.units import E18, PAYOUT_TICKS
from venue.frames import Channel, Frame, custom_key
from venue.prices import PriceStreams
from venue.recorded.derived import SOURCE, DerivedReference
from venue.recorded.reading import MalformedRecording, RecordedBook, WindowFile, frames, survey
from venue.wire import market as wire
from venue.wire.book import PublishedBook
from venue.wire.gamma import MarketStatus
from venue.wire.text import json_text
from venue.world import STEP_MS, Catalogue

LEAD_MS = 70_000
"""The replay begins this long before its first window, so that its strike has a history."""
_TICKER_PERIOD_MS = 1_000


class ReplayedMarket:
    """One recorded window: each frame as it was, and its mirror for the other token."""

    def __init__(self, recording: WindowFile) -> None:
        window = recording.window
        self.window = window
        self.books = (
            PublishedBook(window.condition_id, window.up_token),
            PublishedBook(window.condition_id, window.down_token),
        )
        self._up_wins = recording.up_won
        self._frames = frames(recording.path)
        self._next = next(self._frames, None)
        self._strike_e18: int | None = None
        self._close_e18: int | None = None
        self._is_resolved = False

    @property
    def status(self) -> MarketStatus:
        """What Gamma and the CLOB tell of this market."""
        up = self.books[0]
        return MarketStatus(
            window=self.window,
            best_bid_ticks=up.best_bid_ticks,
            best_ask_ticks=up.best_ask_ticks,
            strike_e18=self._strike_e18,
            close_e18=self._close_e18,
            up_won=self._up_wins if self._is_resolved else None,
            resolved_at_ms=self.window.resolves_at_ms if self._is_resolved else None,
            resolution_source=SOURCE,
        )

    def step(self, now_ms: int, prices: PriceStreams) -> list[Frame]:
        """Send what was received up to now; resolve when it is time."""
        if now_ms == self.window.opens_at_ms:
            self._strike_e18 = prices.samples.average(now_ms // 1000)
        elif now_ms == self.window.closes_at_ms:
            self._close_e18 = prices.samples.average(now_ms // 1000)
        made: list[Frame] = []
        while self._next is not None and self._next.at_ms <= now_ms:
            made += self._both(self._next)
            self._next = next(self._frames, None)
        if now_ms >= self.window.resolves_at_ms and not self._is_resolved:
            self._is_resolved = True
            text = wire.market_resolved_text(self.window, self._up_wins, now_ms)
            keys = tuple(custom_key(token) for token in self.window.tokens)
            made.append(Frame(Channel.MARKET, keys, text))
        return made

    def _both(self, recorded: RecordedBook) -> list[Frame]:
        own, other = self.books
        if recorded.token != own.token:
            own, other = other, own
        own.replace(recorded.bids, recorded.asks)
        other.replace(_mirrored(recorded.asks), _mirrored(recorded.bids))
        mirror = json_text(wire.book_event(other, recorded.timestamp_ms, is_first=False))
        return [
            Frame(Channel.MARKET, (own.token,), recorded.text),
            Frame(Channel.MARKET, (other.token,), mirror),
        ]


class Replay:
    """Recorded windows, one after the other, at their own times."""

    def __init__(self, paths: tuple[Path, ...], missing_share: float = 0.0) -> None:
        recordings = sorted(
            (survey(path) for path in paths), key=lambda recording: recording.window.opens_at_ms
        )
        series = {(item.window.asset, item.window.minutes) for item in recordings}
        if len(series) > 1:
            raise MalformedRecording("recordings of several series cannot be served together")
        slugs = [item.window.slug for item in recordings]
        if len(set(slugs)) < len(slugs):
            raise MalformedRecording("the same window is recorded in two of the files")
        asset = recordings[0].window.asset
        self.origin_ms = recordings[0].window.opens_at_ms - LEAD_MS
        self._now_ms = self.origin_ms
        self._reference = DerivedReference(recordings, asset)
        tickers = Random("recorded")
        self.prices = PriceStreams(asset, _TICKER_PERIOD_MS, tickers, missing_share)
        self.catalogue = Catalogue()
        self._markets = [ReplayedMarket(recording) for recording in recordings]
        for market in self._markets:
            self.catalogue.add(market)

    @property
    def now_ms(self) -> int:
        """Venue time up to which it has advanced."""
        return self._now_ms

    def advance(self, until_ms: int) -> Iterator[list[Frame]]:
        """Step up to an instant; yield each step's frames."""
        while self._now_ms + STEP_MS <= until_ms:
            self._now_ms += STEP_MS
            price_e18 = self._reference.price_e18(self._now_ms // 1000)
            self.prices.sample(self._now_ms, price_e18)
            made = self.prices.publish(self._now_ms, price_e18 / E18)
            for market in self._markets:
                made += market.step(self._now_ms, self.prices)
            yield made


def _mirrored(levels: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    return [(PAYOUT_TICKS - price_ticks, size_units) for price_ticks, size_units in levels]
