"""One sparse window at the venue: its makers, its fair value, and its end."""

from __future__ import annotations

from random import Random

import attrs

from actors.model import Side
from actors.units import PAYOUT_TICKS
from simulation.exchange.makers import Makers
from simulation.exchange.walk import DEVIATION_DOLLARS
from venue.engine import Ledger
from venue.engine.messages import Outcome
from venue.frames import Frame
from venue.prices import SecondSamples
from venue.simulation.listed_window import FINE_BEYOND_TICKS, FINE_TICKS, ListedWindow
from venue.windows import Window
from venue.wire.gamma import MarketStatus

_STEPS_MOST = 300
_NEAREST_TICKS = 20.0
"""The fair value comes no nearer to certainty."""


class SimulatedWindow(ListedWindow):
    """A window from its first quote to its result."""

    def __init__(self, window: Window, ledger: Ledger, chance: Random, now_ms: int) -> None:
        super().__init__(window, ledger, taker_delay_ms=0)
        self.is_resolved = False
        self.is_void = chance.random() < 0.03
        owner = f"makers-{window.number}"
        ledger.open_account(owner, is_unlimited=True)
        self._makers = Makers(self.engine, owner, chance)
        self.move(0.0, now_ms)

    @property
    def winner(self) -> Side | None:
        """The winner, once both averages are known; None for a void window."""
        if self.up_wins is None:
            raise AssertionError(f"{self.window.slug} has not ended")
        if self.is_void:
            return None
        return Side.YES if self.up_wins else Side.NO

    @property
    def is_up_cheap(self) -> bool:
        """Whether Up is worth less than Down, so that its price has room to rise."""
        return self._fair_ticks < PAYOUT_TICKS / 2

    @property
    def status(self) -> MarketStatus:
        """Its status as shown by Gamma."""
        status = super().status
        if not self.is_resolved:
            return status
        return attrs.evolve(
            status,
            up_won=self.winner is Side.YES,
            resolved_at_ms=self.window.resolves_at_ms,
        )

    def value(self, price_e18: int, samples: SecondSamples, now_ms: int) -> None:
        """Update the fair value from the underlying's price."""
        chance = self._chance_of_up(price_e18, samples, DEVIATION_DOLLARS, now_ms)
        self._fair_ticks = _within(PAYOUT_TICKS * chance)

    def requote(self, now_ms: int) -> list[Frame]:
        """Let the makers take the most urgent action."""
        return self.publish(self._makers.act(self._fair_ticks, now_ms), now_ms)

    def move(self, by_ticks: float, now_ms: int) -> list[Frame]:
        """Move the fair value for a moment, and the makers until their best prices follow."""
        frames: list[Frame] = []
        fair_ticks = _within(self._fair_ticks + by_ticks)
        for _ in range(_STEPS_MOST):
            if self._makers.is_in_place(fair_ticks):
                break
            frames += self.publish(self._makers.act(fair_ticks, now_ms), now_ms)
        return frames

    def trade(self, now_ms: int) -> list[Frame]:
        """Buy at the best price."""
        return self.publish(self._makers.take(now_ms), now_ms)

    def fit_tick_size(self, now_ms: int) -> list[Frame]:
        """Refine the price grid near the ends, permanently, as the venue does."""
        if self._edge_ticks >= FINE_BEYOND_TICKS:
            return []
        return self.publish(self.engine.set_tick_size(FINE_TICKS, now_ms), now_ms)

    def lag(self, outcome: Outcome, until_ms: int) -> None:
        """Freeze one outcome's public book."""
        self.publisher.lag(outcome, until_ms)

    def release(self, now_ms: int) -> list[Frame]:
        """End a lag whose time has come."""
        return self.publisher.release(now_ms)

    def resolve(self, now_ms: int) -> list[Frame]:
        """Announce the winner; a void window has none, and is not announced."""
        winner = self.winner
        self.is_resolved = True
        outcome = {Side.YES: Outcome.UP, Side.NO: Outcome.DOWN, None: None}[winner]
        frames = self.publish(self.engine.resolve(outcome, now_ms), now_ms)
        return (
            frames
            if winner is None
            else [*frames, self._winner_frame(self.up_wins is True, now_ms)]
        )


def _within(fair_ticks: float) -> float:
    return min(PAYOUT_TICKS - _NEAREST_TICKS, max(_NEAREST_TICKS, fair_ticks))
