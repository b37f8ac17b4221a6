"""What every simulated window has, however busy it is: an engine, public books, a fair value."""

from __future__ import annotations

from collections.abc import Callable

from actors.units import E18, PAYOUT_TICKS, shares
from venue.engine import Ledger, MatchingEngine
from venue.engine.messages import EngineEvent, MarketRules, Outcome
from venue.frames import Channel, Frame, custom_key
from venue.prices import SecondSamples
from venue.simulation.fair import up_probability
from venue.simulation.publishing import Publisher
from venue.windows import Window
from venue.wire.book import PublishedBook
from venue.wire.gamma import MarketStatus
from venue.wire.market import market_resolved_text

COARSE_TICKS = 10
FINE_TICKS = 1
FINE_BEYOND_TICKS = 40
"""Nearer to an end than this, the grid becomes fine."""


class ListedWindow:
    """A window from its listing to its resolution; who trades in it, its subclasses know."""

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
        """They are told all that the engine tells, before the public is."""
        self._fair_ticks = PAYOUT_TICKS / 2

    @property
    def status(self) -> MarketStatus:
        """What is known of it while it is undecided."""
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
        """Who wins, once both averages are known; a close at the strike is Up."""
        if self.strike_e18 is None or self.close_e18 is None:
            return None
        return self.close_e18 >= self.strike_e18

    def publish(self, events: list[EngineEvent], now_ms: int) -> list[Frame]:
        """Tell watchers and the public what the engine did; return what the public is sent."""
        self._tell_watchers(events, now_ms)
        return self.publisher.publish(events, now_ms)

    def _tell_watchers(self, events: list[EngineEvent], now_ms: int) -> None:
        for watcher in self.watchers:
            watcher(events, now_ms)

    @property
    def _edge_ticks(self) -> float:
        """How far the fair value is from the nearer end."""
        return min(self._fair_ticks, PAYOUT_TICKS - self._fair_ticks)

    def _remaining_ms(self, now_ms: int) -> int:
        # Before the start only the time since the start is at risk: the strike moves along.
        return self.window.closes_at_ms - max(now_ms, self.window.opens_at_ms)

    def _chance_of_up(
        self, price_e18: int, samples: SecondSamples, deviation_dollars: float, now_ms: int
    ) -> float:
        """Distance to the strike, known or expected, over what can still move it."""
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
