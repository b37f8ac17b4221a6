"""The book events of one series: its tokens, the events that wait, and the batch in flight."""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import CancelTimer, Command, Effects, Send, SetTimer, earlier
from actors.feeds.connection import SendText
from actors.feeds.market_channel import UnreadableElement, add_tokens_text, drop_tokens_text
from actors.messages.feeds import GridTooFine, MarketBatch, MarketEvent
from actors.model import Market

ACK_TIMER = "ack"
ACK_LIMIT_MS = 10_000
WAITING_EVENTS_MAX = 20_000
MARKETS_KEPT = 2
"""The traded window and the previous one, whose winner is announced on this channel too."""


class BookStream:
    """One series' part of the market channel, and the flow of its batches to its market state."""

    def __init__(self, reader: str, series: str, first_batch_id: int) -> None:
        """Begin without a window.

        Args:
            reader: role of the market state that receives the batches.
            series: part of the timer's key; empty if there is only one series.
            first_batch_id: random, so that batch ids differ from those before a restart.
        """
        self.reader = reader
        self.timer_key = f"{ACK_TIMER}/{series}" if series else ACK_TIMER
        self.markets: list[Market] = []
        self.traded_tokens: tuple[str, ...] = ()
        self.is_grid_too_fine = False
        self.is_fresh_start = True
        """The next batch begins with whole books."""
        self.fresh_start_at_ms = 0
        self.renewed_at_ms: int | None = None
        """When its tokens were last resubscribed on an open connection."""
        self.data_at_ms: int | None = None
        """When its newest event arrived; None before the first on a connection."""
        self.in_flight: int | None = None
        self._waiting: list[MarketEvent] = []
        self._waiting_since_ns = 0
        self._batch_id = first_batch_id

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of past events back by as much as the clock was."""
        self.fresh_start_at_ms -= by_ms
        self.data_at_ms = earlier(self.data_at_ms, by_ms)
        self.renewed_at_ms = earlier(self.renewed_at_ms, by_ms)

    @property
    def tokens(self) -> tuple[str, ...]:
        """All subscribed tokens."""
        return tuple(token for market in self.markets for token in tokens_of(market))

    # Windows

    def open_window(self, market: Market) -> list[Market] | None:
        """Switch to a window; return the windows that are dropped, or None if nothing changes."""
        if self.markets and market.opens_at_ms <= self.markets[-1].opens_at_ms:
            return None
        left = self.markets[: 1 - MARKETS_KEPT]
        self.markets = [*self.markets[1 - MARKETS_KEPT :], market]
        self.traded_tokens = tokens_of(market)
        self.is_grid_too_fine = False
        return left

    def close_window(self, market_id: str) -> None:
        """Stop passing the window's books on; its winner is still expected."""
        if self.markets and self.markets[-1].market_id == market_id:
            self.traded_tokens = ()

    def knows(self, market_id: str) -> bool:
        """Return whether a window belongs to this series."""
        return any(market.market_id == market_id for market in self.markets)

    def grid_is_too_fine(self) -> None:
        """Stop keeping the window's books, because its prices are finer than a tick."""
        self.is_grid_too_fine = True
        self._waiting = []

    def may_be_hit_by(self, unreadable: UnreadableElement) -> bool:
        """Return whether something unreadable may concern the traded window's kept books."""
        return bool(self.traded_tokens) and any(
            f'"{name}"'.encode() in unreadable.raw
            for name in (*self.traded_tokens, self.markets[-1].market_id)
        )

    def resubscribe(self) -> Effects:
        """Make the venue resend the traded window's books in full, on the same connection."""
        texts = (drop_tokens_text(self.traded_tokens), add_tokens_text(self.traded_tokens))
        return [Command(SendText(text)) for text in texts]

    # Batches

    def hold(self, events: Iterable[MarketEvent], oldest_ns: int, now_ms: int) -> None:
        """Keep events for the next batch."""
        if not self._waiting:
            self._waiting_since_ns = oldest_ns
        self._waiting += events
        self.data_at_ms = now_ms

    @property
    def waiting_count(self) -> int:
        """Number of waiting events."""
        return len(self._waiting)

    def void(self) -> None:
        """Drop the waiting events, because full books follow."""
        self._waiting = []
        self.is_fresh_start = True
        self.data_at_ms = None

    def send_batch(self, now_ms: int) -> Effects:
        """Send all waiting events as one batch."""
        self._batch_id += 1
        batch = MarketBatch(
            batch_id=self._batch_id,
            events=tuple(self._waiting),
            tick_ns=self._waiting_since_ns,
            is_fresh_start=self.is_fresh_start,
        )
        if self.is_fresh_start:
            self.fresh_start_at_ms = now_ms
        self._waiting = []
        self.is_fresh_start = False
        self.in_flight = batch.batch_id
        return [Send(self.reader, batch), SetTimer(self.timer_key, ACK_LIMIT_MS)]

    def next_batch(self, now_ms: int) -> Effects:
        """Send the waiting events, if there are any."""
        return self.send_batch(now_ms) if self._waiting else [CancelTimer(self.timer_key)]

    def report_grid(self) -> Effects:
        """Report that the window's books are not kept, if so; repeating this is harmless."""
        if not self.is_grid_too_fine:
            return []
        return [Send(self.reader, GridTooFine(self.markets[-1].market_id))]


def tokens_of(market: Market) -> tuple[str, str]:
    """Return both tokens of a window."""
    return market.yes_token, market.no_token
