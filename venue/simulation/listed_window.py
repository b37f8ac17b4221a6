"""The common part of every simulated window: an engine, public books, a fair value."""

from __future__ import annotations

import math
from collections.abc import Callable

from actors.units import E18, PAYOUT_TICKS, shares
from venue.engine import Ledger, MatchingEngine
from venue.engine.messages import EngineEvent, MarketRules, Outcome
from venue.frames import Channel, Frame, custom_key
from venue.prices import SecondSamples
from venue.simulation.publishing import Publisher
from venue.windows import TWAP_SECONDS, Window
from venue.wire.book import PublishedBook
from venue.wire.gamma import MarketStatus
from venue.wire.market import market_resolved_text

COARSE_TICKS = 10
FINE_TICKS = 1
FINE_BEYOND_TICKS = 40
"""Closer to either end of the scale than this, the grid becomes fine."""
_LEAST_DEVIATION = 1e-9


class ListedWindow:
    """A window from its listing to its resolution; its subclasses decide who trades in it."""

    def __init__(self, window: Window, ledger: Ledger, taker_delay_ms: int) -> None:
        self.window = window
        self.strike_e18: int | None = None
        self.close_e18: int | None = None
        rules = MarketRules(
            market_id=window.condition_id,
            tick_size_ticks=COARSE_TICKS,
            minimum_size_units=shares(5),
            minimum_notional_nanos=10**9,
            fee_rate_bps=700,
            taker_delay_ms=taker_delay_ms,
        )
        self.engine = MatchingEngine(rules, ledger, f"{window.number}-")
        self.publisher = Publisher(window, self.engine)
        self.watchers: list[Callable[[list[EngineEvent], int], None]] = []
        """Called with everything the engine reports, before the public is."""
        self._fair_ticks = PAYOUT_TICKS / 2

    @property
    def status(self) -> MarketStatus:
        """Its status while it is undecided."""
        book = self.publisher.books[Outcome.UP]
        return MarketStatus(
            window=self.window,
            tick_size_ticks=self.engine.rules.tick_size_ticks,
            best_bid_ticks=book.best_bid_ticks,
            best_ask_ticks=book.best_ask_ticks,
            last_trade_ticks=book.last_trade_ticks,
        )

    @property
    def books(self) -> tuple[PublishedBook, PublishedBook]:
        """Up's public book, then Down's."""
        return (self.publisher.books[Outcome.UP], self.publisher.books[Outcome.DOWN])

    @property
    def up_wins(self) -> bool | None:
        """Whether Up wins, once both averages are known; a close at the strike is Up."""
        if self.strike_e18 is None or self.close_e18 is None:
            return None
        return self.close_e18 >= self.strike_e18

    def publish(self, events: list[EngineEvent], now_ms: int) -> list[Frame]:
        """Pass the engine's events to watchers and the publisher; return the public frames."""
        self._notify_watchers(events, now_ms)
        return self.publisher.publish(events, now_ms)

    def _notify_watchers(self, events: list[EngineEvent], now_ms: int) -> None:
        for watcher in self.watchers:
            watcher(events, now_ms)

    @property
    def _edge_ticks(self) -> float:
        """Distance of the fair value from the nearer end of the scale."""
        return min(self._fair_ticks, PAYOUT_TICKS - self._fair_ticks)

    def _remaining_ms(self, now_ms: int) -> int:
        # Before the start only the time since the start counts as risk: the strike moves along.
        return self.window.closes_at_ms - max(now_ms, self.window.opens_at_ms)

    def _chance_of_up(
        self, price_e18: int, samples: SecondSamples, deviation_dollars: float, now_ms: int
    ) -> float:
        """Probability of Up, from the (expected) distance to the strike and its deviation."""
        opens_s, closes_s = self.window.opens_at_ms // 1000, self.window.closes_at_ms // 1000
        strike_e18 = self.strike_e18
        if strike_e18 is None:
            strike_e18, _ = samples.expected_average(opens_s, price_e18)
        close_e18, _ = samples.expected_average(closes_s, price_e18)
        remaining_s = self._remaining_ms(now_ms) / 1000
        return up_probability(close_e18 / E18, strike_e18 / E18, remaining_s, deviation_dollars)

    def _winner_frame(self, up_wins: bool, now_ms: int) -> Frame:
        text = market_resolved_text(self.window, up_wins, now_ms)
        keys = tuple(custom_key(token) for token in self.window.tokens)
        return Frame(Channel.MARKET, keys, text)


def normal_cdf(x: float) -> float:
    """Probability that a standard normal variable is at most x."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def average_deviation(remaining_s: float, volatility: float) -> float:
    """Standard deviation of the closing average as seen ``remaining_s`` before the end.

    While T is longer than the averaging time L, the average ends a walk of T - L seconds and adds
    its own L/3: variance s²(T - 2L/3). Within the last L seconds only the samples still to come can
    move it: s²T³/(3L²).
    """
    if remaining_s >= TWAP_SECONDS:
        variance = remaining_s - 2 * TWAP_SECONDS / 3
    else:
        variance = max(0.0, remaining_s) ** 3 / (3 * TWAP_SECONDS**2)
    return volatility * math.sqrt(variance)


def up_probability(
    expected_close: float, strike: float, remaining_s: float, volatility: float
) -> float:
    """Probability that the closing average is at least the strike: Φ(distance / deviation)."""
    deviation = max(average_deviation(remaining_s, volatility), _LEAST_DEVIATION)
    return normal_cdf((expected_close - strike) / deviation)
