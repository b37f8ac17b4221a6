"""One window at the venue: its engine, those who trade there, and what the public sees."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from actors.model import Side
from actors.units import E18, PAYOUT_TICKS
from simulation.exchange.makers import Makers
from simulation.exchange.walk import DEVIATION_DOLLARS
from venue.average import SecondSamples
from venue.engine import Ledger, MatchingEngine
from venue.engine.messages import EngineEvent, MarketRules, Outcome
from venue.frames import Channel, Frame, custom_key
from venue.simulation.fair import up_probability
from venue.simulation.publishing import Publisher
from venue.windows import Window
from venue.wire.gamma import MarketStatus
from venue.wire.market import market_resolved_text

_COARSE_TICKS, _FINE_TICKS = 10, 1
_STEPS_MOST = 300
_FINE_BEYOND_TICKS = 40
_NEAREST_TICKS = 20.0
"""Opinion comes no nearer to certainty."""


class SimulatedWindow:
    """A window from its first quote to its result."""

    def __init__(self, window: Window, ledger: Ledger, chance: Random, now_ms: int) -> None:
        self.window = window
        self.engine = MatchingEngine(_rules(window), ledger, f"{window.number}-")
        self.publisher = Publisher(window, self.engine)
        self.watchers: list[Callable[[list[EngineEvent], int], None]] = []
        """They are told all that the engine tells, and when."""
        self.strike_e18: int | None = None
        self.close_e18: int | None = None
        self.is_resolved = False
        self.is_void = chance.random() < 0.03
        owner = f"makers-{window.number}"
        ledger.open_account(owner, is_unlimited=True)
        self._makers = Makers(self.engine, owner, chance)
        self._fair_ticks = PAYOUT_TICKS / 2
        self.move(0.0, now_ms)

    @property
    def winner(self) -> Side | None:
        """Who wins, once both averages are known; None for a void window."""
        if self.strike_e18 is None or self.close_e18 is None:
            raise AssertionError(f"{self.window.slug} is not over")
        if self.is_void:
            return None
        return Side.YES if self.close_e18 >= self.strike_e18 else Side.NO

    @property
    def is_up_cheap(self) -> bool:
        """Whether Up is worth less than Down, so that its price has room to rise."""
        return self._fair_ticks < PAYOUT_TICKS / 2

    @property
    def status(self) -> MarketStatus:
        """What Gamma tells of it."""
        book = self.publisher.books[Outcome.UP]
        return MarketStatus(
            window=self.window,
            tick_size_ticks=self.engine.rules.tick_size_ticks,
            best_bid_ticks=book.best_bid_ticks,
            best_ask_ticks=book.best_ask_ticks,
            last_trade_ticks=book.last_trade_ticks,
            up_won=self.winner is Side.YES if self.is_resolved else None,
            resolved_at_ms=self.window.resolves_at_ms if self.is_resolved else None,
        )

    def publish(self, events: list[EngineEvent], now_ms: int) -> list[Frame]:
        """Tell watchers and the public what the engine did; return what the public is sent."""
        for watcher in self.watchers:
            watcher(events, now_ms)
        return self.publisher.publish(events, now_ms)

    def value(self, price_e18: int, samples: SecondSamples, now_ms: int) -> None:
        """Let everyone see the underlying's price."""
        opens_s, closes_s = self.window.opens_at_ms // 1000, self.window.closes_at_ms // 1000
        strike_e18, _ = samples.expected_average(opens_s, price_e18)
        close_e18, _ = samples.expected_average(closes_s, price_e18)
        remaining_ms = self.window.closes_at_ms - max(now_ms, self.window.opens_at_ms)
        probability = up_probability(
            close_e18 / E18,
            (self.strike_e18 or strike_e18) / E18,
            remaining_ms / 1000,
            DEVIATION_DOLLARS,
        )
        self._fair_ticks = _within(PAYOUT_TICKS * probability)

    def requote(self, now_ms: int) -> list[Frame]:
        """Let the makers do the one thing that is needed most."""
        return self.publish(self._makers.act(self._fair_ticks, now_ms), now_ms)

    def move(self, by_ticks: float, now_ms: int) -> list[Frame]:
        """Let opinion move for a moment, and the makers with it until their best prices stand."""
        frames: list[Frame] = []
        fair_ticks = _within(self._fair_ticks + by_ticks)
        for _ in range(_STEPS_MOST):
            if self._makers.is_in_place(fair_ticks):
                break
            frames += self.publish(self._makers.act(fair_ticks, now_ms), now_ms)
        return frames

    def trade(self, now_ms: int) -> list[Frame]:
        """Let someone buy at the best price."""
        return self.publish(self._makers.take(now_ms), now_ms)

    def fit_tick_size(self, now_ms: int) -> list[Frame]:
        """Refine the price grid near the ends, as the venue does; it stays so."""
        distance_ticks = min(self._fair_ticks, PAYOUT_TICKS - self._fair_ticks)
        if distance_ticks >= _FINE_BEYOND_TICKS:
            return []
        return self.publish(self.engine.set_tick_size(_FINE_TICKS, now_ms), now_ms)

    def lag(self, outcome: Outcome, until_ms: int) -> None:
        """Let one outcome's public book stand still."""
        self.publisher.lag(outcome, until_ms)

    def release(self, now_ms: int) -> list[Frame]:
        """End a lag whose time is over."""
        return self.publisher.release(now_ms)

    def resolve(self, now_ms: int) -> list[Frame]:
        """Announce the winner; a void window has none, and is not announced."""
        winner = self.winner
        self.is_resolved = True
        outcome = {Side.YES: Outcome.UP, Side.NO: Outcome.DOWN, None: None}[winner]
        frames = self.publish(self.engine.resolve(outcome, now_ms), now_ms)
        if winner is None:
            return frames
        text = market_resolved_text(self.window, winner is Side.YES, now_ms)
        keys = tuple(custom_key(token) for token in self.window.tokens)
        return [*frames, Frame(Channel.MARKET, keys, text)]


def _within(fair_ticks: float) -> float:
    return min(PAYOUT_TICKS - _NEAREST_TICKS, max(_NEAREST_TICKS, fair_ticks))


def _rules(window: Window) -> MarketRules:
    return MarketRules(
        market_id=window.condition_id,
        tick_size_ticks=_COARSE_TICKS,
        minimum_size_units=5_000_000,
        minimum_notional_nanos=1_000_000_000,
        fee_rate_bps=700,
        taker_delay_ms=0,
    )
