"""The reference feed: the underlying's price at Coinbase, the newest at most every 50 ms."""

from __future__ import annotations

from typing import Any

from actors.core import Dice, Effects, Log, Send, SetTimer
from actors.feeds.coinbase import (
    CoinbaseEvent,
    CoinbaseHeartbeat,
    CoinbaseRefusal,
    CoinbaseTicker,
    decode,
    subscribe_text,
)
from actors.feeds.connection import Rhythm
from actors.feeds.feed_core import AHEAD_MAX_MS, FeedCore
from actors.feeds.messages import ReferencePrice
from actors.roles import MARKET_STATE
from actors.settings import Settings, VenueSettings

PRICE_TIMER = "price"
PRICE_EVERY_MS = 50
PRICE_LIMIT_MS = 10_000
"""A price of this age is looked for on a new connection, whatever else the old one says."""
QUIET_LIMIT_MS = 60_000
"""The same, as long as the heartbeats know of no later trade: the market may be quiet."""


class ReferenceFeedCore(FeedCore):
    """Feeds market state with a predictor; a newer price replaces one not yet sent."""

    rhythm = Rhythm(stale_after_ms=10_000)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._product = settings.series.coinbase_product
        self._last: CoinbaseTicker | None = None
        """The newest ticker of this connection."""
        self._known_trade_id = 0
        """Of the newest trade that ticker or heartbeat have told of."""
        self._price_at_ms: int | None = None
        """When that ticker came; without one, when the connection began to speak."""
        self._is_behind = True
        """The last heartbeat knew of a trade that no ticker has told."""
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

    @property
    def is_serving(self) -> bool:
        """Whether the connection is up and has brought a price."""
        return super().is_serving and self._last is not None

    @property
    def data_at_ms(self) -> int | None:
        """When the last price came; a heartbeat is none."""
        return self._price_at_ms if self._last is not None else None

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Check the sequence, and tell the newest price."""
        del oldest_ns
        effects: Effects = []
        for event in events:
            if isinstance(event, CoinbaseRefusal):
                return self.lose(f"Coinbase refused: {event.text}", now_ms)
            if isinstance(event, CoinbaseTicker):
                effects += self._take_ticker(event, now_ms)
            else:
                self._check_for_loss(event)
        return effects + self._tell_price(now_ms) + self._look_at_age(now_ms)

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
        self._last = None
        self._known_trade_id = 0
        self._price_at_ms = None
        self._is_behind = True

    def _is_ours(self, event: CoinbaseEvent) -> bool:
        return isinstance(event, CoinbaseRefusal) or event.product == self._product

    def _take_ticker(self, ticker: CoinbaseTicker, now_ms: int) -> Effects:
        effects: Effects = []
        last = self._last
        if last is not None and ticker.sequence <= last.sequence:
            self.sequence_gap_count += 1
            if not _is_later(ticker, last):
                return []  # older than what was told
            text = f"Coinbase's sequence began anew: {ticker.sequence} after {last.sequence}"
            effects.append(Log("warning", text))
        self._last = ticker
        self._known_trade_id = max(self._known_trade_id, ticker.trade_id)
        self._price_at_ms, self._is_behind = now_ms, False
        is_misdated = ticker.timestamp_ms > now_ms + AHEAD_MAX_MS  # it would look new for ever
        self._newest = ReferencePrice(
            price_e18=ticker.price_e18,
            timestamp_ms=now_ms if is_misdated else ticker.timestamp_ms,
        )
        self._is_told = False
        return effects

    def _check_for_loss(self, heartbeat: CoinbaseHeartbeat) -> None:
        last_trade_id = heartbeat.last_trade_id
        self._is_behind = self._last is None or last_trade_id > self._last.trade_id
        if self._known_trade_id and last_trade_id > self._known_trade_id:
            self.sequence_gap_count += 1
            self._known_trade_id = last_trade_id

    def _look_at_age(self, now_ms: int) -> Effects:
        """Give up a connection that speaks and brings no price; a heartbeat comes every second."""
        if self._price_at_ms is None or self._price_at_ms > now_ms:  # or the clock was set back
            self._price_at_ms = now_ms
        age_ms = now_ms - self._price_at_ms
        if age_ms < (PRICE_LIMIT_MS if self._is_behind else QUIET_LIMIT_MS):
            return []
        return self.go_stale("price", age_ms, now_ms)

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


def _is_later(ticker: CoinbaseTicker, last: CoinbaseTicker) -> bool:
    return ticker.trade_id > last.trade_id and ticker.timestamp_ms >= last.timestamp_ms
