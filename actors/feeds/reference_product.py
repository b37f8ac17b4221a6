"""One product at Coinbase: its newest price, missing tickers, and when to send the price."""

from __future__ import annotations

import attrs

from actors.core import Effects, Log, Send, SetTimer
from actors.feeds.coinbase import CoinbaseHeartbeat, CoinbaseTicker
from actors.feeds.feed_core import AHEAD_MAX_MS
from actors.messages.feeds import ReferencePrice

PRICE_TIMER = "price"
PRICE_EVERY_MS = 50
PRICE_LIMIT_MS = 10_000
"""A price of this age leads to a new connection, whatever else the old one delivers."""
QUIET_LIMIT_MS = 60_000
"""The same limit while heartbeats show no later trade: the market may be quiet."""


@attrs.define
class ReferenceProduct:
    """The state of one product's price."""

    name: str
    readers: tuple[str, ...]
    """Roles of the market states that receive its price."""
    timer_key: str
    """Key of the timer after which a delayed price is sent."""
    sequence_gap_count: int = 0
    last: CoinbaseTicker | None = None
    """The newest ticker of this connection."""
    price_at_ms: int | None = None
    """When that ticker arrived; without one, when the connection started to deliver."""
    _known_trade_id: int = 0
    """Id of the newest trade known from ticker or heartbeat."""
    _is_behind: bool = True
    """Whether the last heartbeat knew of a trade that no ticker has reported."""
    _newest: ReferencePrice | None = None
    _is_told: bool = True
    _told_at_ms: int | None = None

    def forget_connection(self) -> None:
        """Restart the checks of sequence and trades: events between connections are not a gap."""
        self.last = None
        self.price_at_ms = None
        self._known_trade_id = 0
        self._is_behind = True

    def take_ticker(self, ticker: CoinbaseTicker, now_ms: int) -> Effects:
        """Accept the newest price, unless it is older than the one before."""
        effects: Effects = []
        last = self.last
        if last is not None and ticker.sequence <= last.sequence:
            self.sequence_gap_count += 1
            if not _is_later(ticker, last):
                return []
            text = f"Coinbase's sequence restarted: {ticker.sequence} after {last.sequence}"
            effects.append(Log("warning", text))
        self.last = ticker
        self._known_trade_id = max(self._known_trade_id, ticker.trade_id)
        self.price_at_ms, self._is_behind = now_ms, False
        is_misdated = ticker.timestamp_ms > now_ms + AHEAD_MAX_MS  # it would look new forever
        self._newest = ReferencePrice(
            price_e18=ticker.price_e18,
            timestamp_ms=now_ms if is_misdated else ticker.timestamp_ms,
        )
        self._is_told = False
        return effects

    def check_for_loss(self, heartbeat: CoinbaseHeartbeat) -> None:
        """Count a trade that the heartbeat knows of and no ticker has reported."""
        last_trade_id = heartbeat.last_trade_id
        self._is_behind = self.last is None or last_trade_id > self.last.trade_id
        if self._known_trade_id and last_trade_id > self._known_trade_id:
            self.sequence_gap_count += 1
            self._known_trade_id = last_trade_id

    def age_beyond_limit_ms(self, now_ms: int) -> int:
        """Return the age of the price if it is too old, otherwise 0; the first call starts it."""
        if self.price_at_ms is None or self.price_at_ms > now_ms:  # or the clock was set back
            self.price_at_ms = now_ms
        age_ms = now_ms - self.price_at_ms
        return age_ms if age_ms >= (PRICE_LIMIT_MS if self._is_behind else QUIET_LIMIT_MS) else 0

    def tell(self, now_ms: int) -> Effects:
        """Send the newest price, or wait until it is due."""
        if self._newest is None or self._is_told:
            return []
        if self._told_at_ms is not None:
            wait_ms = self._told_at_ms + PRICE_EVERY_MS - now_ms
            if 0 < wait_ms <= PRICE_EVERY_MS:  # a longer wait means that the clock was set back
                return [SetTimer(self.timer_key, wait_ms)]
        self._is_told = True
        self._told_at_ms = now_ms
        return [Send(role, self._newest) for role in self.readers]

    def tell_again(self, role: str, now_ms: int) -> Effects:
        """Send a new market state the newest price."""
        if self._newest is None or role not in self.readers:
            return []
        self._told_at_ms = now_ms
        self._is_told = True
        return [Send(role, self._newest)]


def _is_later(ticker: CoinbaseTicker, last: CoinbaseTicker) -> bool:
    return ticker.trade_id > last.trade_id and ticker.timestamp_ms >= last.timestamp_ms
