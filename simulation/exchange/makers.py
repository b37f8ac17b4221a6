"""The market makers of a window, who rest orders around its fair value, one order at a time.

Prices are Up's. A bid buys Up, an ask buys Down at the mirrored price, so that no maker needs
shares.
"""

from __future__ import annotations

import math
from random import Random

from actors.units import PAYOUT_TICKS, shares
from venue.engine import MatchingEngine
from venue.engine.messages import (
    CANCELED,
    EngineEvent,
    Lifetime,
    NewOrder,
    Outcome,
    Rested,
)

_LEVELS = 4
_EDGE_TICKS = 6.0
_SECOND_ORDER_CHANCE = 0.5
_MEDIAN_SHARES = 25.0
_SPREAD = 0.9
_LEAST_SHARES = 5
_LEAST_NOTIONAL_TICKS = 1_100

_Order = tuple[str, bool, int]
"""Order id, is_bid, price_ticks."""


class Makers:
    """All traders in one window except the system itself."""

    def __init__(self, engine: MatchingEngine, owner: str, chance: Random) -> None:
        self._engine = engine
        self._owner = owner
        self._chance = chance
        self._resting: list[_Order] = []
        self._count = 0
        engine.forget_orders_of(owner)

    def is_in_place(self, fair_ticks: float) -> bool:
        """Return whether the best prices are where they should be."""
        (_, bid_ticks), (_, ask_ticks) = self._wanted(fair_ticks)[:2]
        return self._engine.best(Outcome.UP) == (bid_ticks, ask_ticks)

    def act(self, fair_ticks: float, now_ms: int) -> list[EngineEvent]:
        """Fill a gap, or else cancel a wrong price, or else add to a level or take from it.

        A gap whose order would trade with a wrong price must wait until that is cancelled. So
        neither side of the book is ever empty for long.
        """
        wanted = self._wanted(fair_ticks)
        best_bid, best_ask = self._engine.best(Outcome.UP)
        for is_bid, price_ticks in wanted:
            if self._engine.total_units(price_ticks, is_bid=is_bid):
                continue
            would_trade = (
                best_ask is not None and price_ticks >= best_ask
                if is_bid
                else best_bid is not None and price_ticks <= best_bid
            )
            if not would_trade:
                return self._rest(is_bid, price_ticks, now_ms)
        for resting in self._resting:
            if resting[1:] not in wanted:
                return self._leave(resting, now_ms)
        if self._chance.random() < _SECOND_ORDER_CHANCE or not self._resting:
            return self._rest(*self._chance.choice(wanted), now_ms)
        return self._leave(self._chance.choice(self._resting), now_ms)

    def take(self, now_ms: int) -> list[EngineEvent]:
        """Buy one of the outcomes at its best price."""
        outcome = Outcome.UP if self._chance.random() < 0.5 else Outcome.DOWN
        ask_ticks = self._engine.best(outcome)[1]
        if ask_ticks is None:
            return []
        return self._submit(outcome, ask_ticks, Lifetime.FAK, now_ms)

    def _wanted(self, fair_ticks: float) -> list[tuple[bool, int]]:
        """Return the levels that should have an order, best first."""
        grid_ticks = self._engine.rules.tick_size_ticks
        bid_ticks = math.floor((fair_ticks - _EDGE_TICKS) / grid_ticks) * grid_ticks
        ask_ticks = math.ceil((fair_ticks + _EDGE_TICKS) / grid_ticks) * grid_ticks
        levels = [
            level
            for depth in range(_LEVELS)
            for level in (
                (True, bid_ticks - depth * grid_ticks),
                (False, ask_ticks + depth * grid_ticks),
            )
        ]
        return [level for level in levels if 0 < level[1] < PAYOUT_TICKS]

    def _rest(self, is_bid: bool, price_ticks: int, now_ms: int) -> list[EngineEvent]:
        outcome = Outcome.UP if is_bid else Outcome.DOWN
        own_ticks = price_ticks if is_bid else PAYOUT_TICKS - price_ticks
        events = self._submit(outcome, own_ticks, Lifetime.GTC, now_ms)
        order_id = f"{self._owner}-{self._count}"
        if any(isinstance(event, Rested) and event.order_id == order_id for event in events):
            self._resting.append((order_id, is_bid, price_ticks))
        return events

    def _leave(self, resting: _Order, now_ms: int) -> list[EngineEvent]:
        self._resting.remove(resting)
        return self._engine.cancel(resting[0], CANCELED, now_ms)

    def _submit(
        self, outcome: Outcome, price_ticks: int, lifetime: Lifetime, now_ms: int
    ) -> list[EngineEvent]:
        self._count += 1
        order = NewOrder(
            order_id=f"{self._owner}-{self._count}",
            owner=self._owner,
            outcome=outcome,
            is_buy=True,
            price_ticks=price_ticks,
            size_units=self._size_units(price_ticks),
            lifetime=lifetime,
        )
        return self._engine.submit(order, now_ms)

    def _size_units(self, price_ticks: int) -> int:
        size_shares = round(_MEDIAN_SHARES * math.exp(self._chance.gauss(0.0, _SPREAD)))
        # An order that trades at once must be worth a dollar, or it is refused.
        least_shares = max(_LEAST_SHARES, math.ceil(_LEAST_NOTIONAL_TICKS / price_ticks))
        return shares(max(least_shares, size_shares))
