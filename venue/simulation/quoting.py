"""Makers: a ladder of resting orders around a fair value, repaired one order at a time.

Prices are Up's. A bid is an order to buy Up; an ask is an order to buy Down at the mirrored price,
so that makers need money only and never shares.
"""

from __future__ import annotations

import math
from random import Random

import attrs

from actors.units import PAYOUT_TICKS, UNITS_PER_SHARE, shares
from venue.engine import MatchingEngine
from venue.engine.messages import CANCELED, EngineEvent, MakerFill, NewOrder, Outcome, Refused

CENT_TICKS = 10
_TOUCH_LEVELS = 3
"""Levels at the best price that are filled without gaps before anything else is done."""
_LEAST_SHARES = 5
_TOUCH_MEDIAN_SHARES = 110.0
"""Median size of one order near the fair value; a level holds one to three."""
_DEPTH_GROWTH = 1.6
_FRESH_MEDIAN_SHARES = 45.0
"""A price that has just become the best one starts with smaller orders."""
_SIZE_SPREAD = 1.0
"""Standard deviation of a size's logarithm."""
_CHURN_REACH_LEVELS = 6.0
"""Mean distance from the best price at which orders come and go."""
_MOST_ORDERS_A_LEVEL = 3
_COARSE_EDGE_TICKS = 0.8
"""Half the distance the makers keep; on a grid of 10 it makes one spread in six two cents wide."""
_FINE_EDGE_TICKS = 4.0
"""The same on a grid of 1: the spread stays about a cent."""
_LEAN_SIZE_TICKS = 7.0
_LEAN_MEMORY_S = 12.0
_PUSHES_PER_S = 1 / 40
_PUSH_SIZE_TICKS = 35.0
_PULLS_PER_S = 1 / 30
_PULL_MOST_TICKS = 40.0
_PULL_MOST_S = 1.5

LevelKey = tuple[bool, int]
"""(is_bid, price_ticks) in Up's prices."""


@attrs.frozen
class Quote:
    """The prices at which the makers want to quote."""

    fair_ticks: float
    """Up's value with the makers' lean."""
    grid_ticks: int
    top_bid_ticks: int
    """Highest price they would bid."""
    top_ask_ticks: int
    """Lowest price they would ask."""

    @classmethod
    def around(
        cls, fair_ticks: float, grid_ticks: int, bid_edge_ticks: float, ask_edge_ticks: float
    ) -> Quote:
        """Quote on the grid, each side at least its edge away from the fair value."""
        top_bid_ticks = math.floor((fair_ticks - bid_edge_ticks) / grid_ticks) * grid_ticks
        top_ask_ticks = math.ceil((fair_ticks + ask_edge_ticks) / grid_ticks) * grid_ticks
        return cls(
            fair_ticks, grid_ticks, top_bid_ticks, max(top_ask_ticks, top_bid_ticks + grid_ticks)
        )

    def top_ticks(self, is_bid: bool) -> int:
        """Best price of a side."""
        return self.top_bid_ticks if is_bid else self.top_ask_ticks

    def behind_top(self, is_bid: bool, depth: int) -> int:
        """Price of the level that many steps behind the best one; it may be off the scale."""
        step_ticks = depth * self.grid_ticks
        return self.top_bid_ticks - step_ticks if is_bid else self.top_ask_ticks + step_ticks

    def has_price(self, price_ticks: int) -> bool:
        """Whether a price is on the scale."""
        return self.grid_ticks <= price_ticks <= PAYOUT_TICKS - self.grid_ticks

    def allows(self, is_bid: bool, price_ticks: int) -> bool:
        """Whether the makers would rest at a price."""
        if price_ticks % self.grid_ticks:
            return False
        return price_ticks <= self.top_bid_ticks if is_bid else price_ticks >= self.top_ask_ticks


@attrs.define
class _Pull:
    until_ms: int = 0
    is_bid: bool = False
    ticks: float = 0.0


class Mood:
    """The makers' lean and the width of their quotes, in steps of venue time."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._pull = _Pull()
        self.lean_ticks = 0.0
        """How far the makers' value is from the fair value; order flow moves it."""

    def step(self, now_ms: int, elapsed_ms: int) -> None:
        """Advance by the elapsed time."""
        dice = self._dice
        seconds = elapsed_ms / 1000
        keep = math.exp(-seconds / _LEAN_MEMORY_S)
        self.lean_ticks *= keep
        self.lean_ticks += dice.gauss(0.0, _LEAN_SIZE_TICKS * math.sqrt(1 - keep * keep))
        if dice.random() < _PUSHES_PER_S * seconds:
            self.lean_ticks += dice.gauss(0.0, _PUSH_SIZE_TICKS)
        if dice.random() < _PULLS_PER_S * seconds:
            self._pull = _Pull(
                until_ms=now_ms + round(dice.uniform(0.3, _PULL_MOST_S) * 1000),
                is_bid=dice.random() < 0.5,
                ticks=dice.uniform(0.4, 1.0) * _PULL_MOST_TICKS,
            )

    def edge_ticks(self, is_bid: bool, grid_ticks: int, now_ms: int) -> float:
        """How far a side quotes from the makers' value; much farther while it is pulled."""
        is_pulled = now_ms < self._pull.until_ms and self._pull.is_bid == is_bid
        base_ticks = _COARSE_EDGE_TICKS if grid_ticks > 1 else _FINE_EDGE_TICKS
        return base_ticks + (self._pull.ticks if is_pulled else 0.0)


class Quoter:
    """All makers of one market, as one owner."""

    def __init__(self, engine: MatchingEngine, owner: str, dice: Random, quote: Quote) -> None:
        self.owner = owner
        self._engine = engine
        self._dice = dice
        self._quote = quote
        self._order_count = 0
        self._levels: dict[LevelKey, dict[str, int]] = {}
        self._wrong: list[LevelKey] = []

    def requote(self, quote: Quote) -> None:
        """Quote at other prices from now on."""
        self._quote = quote
        wrong = [key for key in self._levels if not quote.allows(*key)]
        # The farther beyond the fair value an order is, the sooner it is picked off.
        self._wrong = sorted(wrong, key=lambda key: key[1] if key[0] else -key[1])

    def fill_ladder(self, now_ms: int) -> list[EngineEvent]:
        """Place one order at every price, like a market that has long been quoted."""
        events: list[EngineEvent] = []
        bids = range(self._quote.top_bid_ticks, 0, -CENT_TICKS)
        asks = range(self._quote.top_ask_ticks, PAYOUT_TICKS, CENT_TICKS)
        for is_bid, prices in ((True, bids), (False, asks)):
            for price_ticks in prices:
                events += self._place(is_bid, price_ticks, now_ms)
        return events

    def act(self, now_ms: int) -> list[EngineEvent]:
        """Do the most urgent thing: leave a wrong price, fill a gap, or just churn."""
        while self._wrong and self._wrong[-1] not in self._levels:
            self._wrong.pop()
        if self._wrong:
            return self._leave(self._wrong[-1], now_ms)
        hole = self._hole()
        if hole is not None:
            return self._place(*hole, now_ms)
        return self._churn(now_ms)

    def on_fill(self, fill: MakerFill) -> None:
        """Note that one of the orders traded."""
        is_bid = fill.outcome is Outcome.UP
        price_ticks = fill.price_ticks if is_bid else PAYOUT_TICKS - fill.price_ticks
        orders = self._levels.get((is_bid, price_ticks), {})
        leaves_units = orders.get(fill.order_id, 0) - fill.size_units
        if leaves_units > 0:
            orders[fill.order_id] = leaves_units
        else:
            self._forget((is_bid, price_ticks), fill.order_id)

    def _hole(self) -> LevelKey | None:
        for depth in range(_TOUCH_LEVELS):
            for is_bid in (True, False):
                key = (is_bid, self._quote.behind_top(is_bid, depth))
                if key not in self._levels and self._quote.has_price(key[1]):
                    return key
        return None

    def _churn(self, now_ms: int) -> list[EngineEvent]:
        is_bid = self._dice.random() < 0.5
        depth = int(self._dice.expovariate(1 / _CHURN_REACH_LEVELS))
        price_ticks = self._quote.behind_top(is_bid, depth)
        if not self._quote.has_price(price_ticks):
            return []
        orders = self._levels.get((is_bid, price_ticks), {})
        enough_units = shares(round(2 * self._typical_shares(price_ticks)))
        is_full = len(orders) >= _MOST_ORDERS_A_LEVEL
        has_enough = sum(orders.values()) > enough_units or self._dice.random() < 0.4
        if is_full or (len(orders) > 1 and has_enough):
            return self._leave((is_bid, price_ticks), now_ms)
        return self._place(is_bid, price_ticks, now_ms)

    def _leave(self, key: LevelKey, now_ms: int) -> list[EngineEvent]:
        order_id = next(iter(self._levels[key]))
        self._forget(key, order_id)
        return self._engine.cancel(order_id, CANCELED, now_ms)

    def _forget(self, key: LevelKey, order_id: str) -> None:
        orders = self._levels.get(key, {})
        orders.pop(order_id, None)
        if not orders:
            self._levels.pop(key, None)

    def _place(self, is_bid: bool, price_ticks: int, now_ms: int) -> list[EngineEvent]:
        self._order_count += 1
        order = NewOrder(
            order_id=f"{self.owner}-{self._order_count}",
            owner=self.owner,
            outcome=Outcome.UP if is_bid else Outcome.DOWN,
            is_buy=True,
            price_ticks=price_ticks if is_bid else PAYOUT_TICKS - price_ticks,
            size_units=self._size_units(is_bid, price_ticks),
            is_post_only=True,
        )
        events = self._engine.submit(order, now_ms)
        if not any(isinstance(event, Refused) for event in events):
            self._levels.setdefault((is_bid, price_ticks), {})[order.order_id] = order.size_units
        return events

    def _size_units(self, is_bid: bool, price_ticks: int) -> int:
        median_shares = self._typical_shares(price_ticks)
        is_top = price_ticks == self._quote.top_ticks(is_bid)
        if is_top and (is_bid, price_ticks) not in self._levels:
            median_shares = _FRESH_MEDIAN_SHARES
        size_shares = median_shares * math.exp(self._dice.gauss(0.0, _SIZE_SPREAD))
        # Sizes have two decimals at most, and most people type whole shares.
        places = 2 if self._dice.random() < 0.3 else 0
        size_units = round(round(size_shares, places) * 100) * (UNITS_PER_SHARE // 100)
        return max(shares(_LEAST_SHARES), size_units)

    def _typical_shares(self, price_ticks: int) -> float:
        """Median size of an order: the farther from the fair value, the deeper."""
        distance_cents = abs(price_ticks - self._quote.fair_ticks) / CENT_TICKS
        return _TOUCH_MEDIAN_SHARES * math.pow(1 + distance_cents / 10, _DEPTH_GROWTH)
