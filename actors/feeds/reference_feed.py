"""The reference feed: the underlying's price at Coinbase, the newest at most every 50 ms."""

from __future__ import annotations

from typing import Any

from actors.core import Dice, Effects, Send, SetTimer
from actors.feeds.coinbase import (
    CoinbaseEvent,
    CoinbaseHeartbeat,
    CoinbaseRefusal,
    CoinbaseTicker,
    decode,
    subscribe_text,
)
from actors.feeds.connection import Rhythm
from actors.feeds.feed_core import FeedCore
from actors.feeds.messages import ReferencePrice
from actors.roles import MARKET_STATE
from actors.settings import Settings, VenueSettings

PRICE_TIMER = "price"
PRICE_EVERY_MS = 50


class ReferenceFeedCore(FeedCore):
    """Feeds market state with a predictor; a newer price replaces one not yet sent."""

    rhythm = Rhythm(stale_after_ms=10_000)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._product = settings.series.coinbase_product
        self._sequence = 0
        self._trade_id = 0
        self._newest: ReferencePrice | None = None
        self._is_told = True
        self._told_at_ms: int | None = None

    def url(self, venue: VenueSettings) -> str:
        """Address of Coinbase's exchange feed."""
        return venue.coinbase_ws_url

    def first_texts(self) -> tuple[str, ...]:
        """Subscribe to ticker and heartbeat."""
        return (subscribe_text(self._product),)

    def decode(self, raw: bytes) -> list[Any]:
        """Decode a frame; what concerns another product is left out."""
        return [event for event in decode(raw) if self._is_ours(event)]

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Check the sequence, and tell the newest price."""
        del oldest_ns
        for event in events:
            if isinstance(event, CoinbaseRefusal):
                return self.lose(f"Coinbase refused: {event.text}", now_ms)
            if isinstance(event, CoinbaseTicker):
                self._take_ticker(event)
            else:
                self._check_for_loss(event)
        return self._tell_price(now_ms)

    def take_timer(self, key: str, now_ms: int) -> Effects:
        """Tell the price that had to wait."""
        return self._tell_price(now_ms) if key == PRICE_TIMER else []

    def catch_up(self, role: str, now_ms: int) -> Effects:
        """Tell a new market state the newest price."""
        if role != MARKET_STATE or self._newest is None:
            return []
        self._told_at_ms = now_ms
        self._is_told = True
        return [Send(MARKET_STATE, self._newest)]

    def forget_connection(self) -> None:
        """Count sequence and trades anew: what happened between connections is no gap."""
        self._sequence = 0
        self._trade_id = 0

    def _is_ours(self, event: CoinbaseEvent) -> bool:
        return isinstance(event, CoinbaseRefusal) or event.product == self._product

    def _take_ticker(self, ticker: CoinbaseTicker) -> None:
        if ticker.sequence <= self._sequence:
            self.sequence_gap_count += 1  # it went backwards: older than what was told
            return
        self._sequence = ticker.sequence
        self._trade_id = max(self._trade_id, ticker.trade_id)
        self._newest = ReferencePrice(price_e18=ticker.price_e18, timestamp_ms=ticker.timestamp_ms)
        self._is_told = False

    def _check_for_loss(self, heartbeat: CoinbaseHeartbeat) -> None:
        if self._trade_id and heartbeat.last_trade_id > self._trade_id:
            self.sequence_gap_count += 1
            self._trade_id = heartbeat.last_trade_id

    def _tell_price(self, now_ms: int) -> Effects:
        if self._newest is None or self._is_told:
            return []
        if self._told_at_ms is not None:
            wait_ms = self._told_at_ms + PRICE_EVERY_MS - now_ms
            if 0 < wait_ms <= PRICE_EVERY_MS:  # longer would mean that the clock was set back
                return [SetTimer(PRICE_TIMER, wait_ms)]
        self._is_told = True
        self._told_at_ms = now_ms
        return [Send(MARKET_STATE, self._newest)]
