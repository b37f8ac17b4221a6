"""Takers: some know the fair value and pick off stale prices, most just want to trade."""

from __future__ import annotations

import math
from random import Random

from actors.units import PAYOUT_TICKS, shares
from venue.engine import MatchingEngine
from venue.engine.messages import EngineEvent, Lifetime, NewOrder, Outcome

_NOISE_MEDIAN_SHARES = 18.0
_NOISE_SPREAD = 1.3
_LEAST_GAIN_TICKS = 12.0
"""Least distance from the fair value at which an informed taker trades; it covers the fee."""
_INFORMED_SHARES = 400
_LEAST_NOTIONAL_TICKS = 1_100
"""A marketable buy must be worth a dollar; a little more, so that rounding never refuses it."""


class Taker:
    """All takers of one market, as one owner."""

    def __init__(self, engine: MatchingEngine, owner: str, dice: Random) -> None:
        self.owner = owner
        self._engine = engine
        self._dice = dice
        self._order_count = 0

    def trade_at_random(self, now_ms: int) -> list[EngineEvent]:
        """Buy one of the outcomes at its best price, whatever its value."""
        outcome = Outcome.UP if self._dice.random() < 0.5 else Outcome.DOWN
        ask_ticks = self._engine.best(outcome)[1]
        if ask_ticks is None:
            return []
        size_shares = _NOISE_MEDIAN_SHARES * math.exp(self._dice.gauss(0.0, _NOISE_SPREAD))
        return self._buy(outcome, ask_ticks, round(size_shares), now_ms)

    def pick_off(self, fair_ticks: float, now_ms: int) -> list[EngineEvent]:
        """Buy the outcome that is offered well below its value, if one is."""
        for outcome, value_ticks in (
            (Outcome.UP, fair_ticks),
            (Outcome.DOWN, PAYOUT_TICKS - fair_ticks),
        ):
            ask_ticks = self._engine.best(outcome)[1]
            if ask_ticks is not None and ask_ticks <= value_ticks - _LEAST_GAIN_TICKS:
                grid_ticks = self._engine.rules.tick_size_ticks
                limit_ticks = int((value_ticks - _LEAST_GAIN_TICKS) // grid_ticks) * grid_ticks
                return self._buy(outcome, max(limit_ticks, ask_ticks), _INFORMED_SHARES, now_ms)
        return []

    def _buy(
        self, outcome: Outcome, limit_ticks: int, size_shares: int, now_ms: int
    ) -> list[EngineEvent]:
        grid_ticks = self._engine.rules.tick_size_ticks
        limit_ticks -= limit_ticks % grid_ticks
        if limit_ticks <= 0:
            return []
        self._order_count += 1
        least_shares = math.ceil(_LEAST_NOTIONAL_TICKS / limit_ticks)
        order = NewOrder(
            order_id=f"{self.owner}-{self._order_count}",
            owner=self.owner,
            outcome=outcome,
            is_buy=True,
            price_ticks=limit_ticks,
            size_units=shares(max(size_shares, least_shares)),
            lifetime=Lifetime.FAK,
        )
        return self._engine.submit(order, now_ms)
