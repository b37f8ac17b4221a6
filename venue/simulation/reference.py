"""The price of the underlying: a random walk with jumps, in steps of venue time."""

from __future__ import annotations

import math
from random import Random

from actors.units import E18

START_DOLLARS = {
    "btc": 90_000.0,
    "eth": 3_000.0,
    "sol": 140.0,
    "xrp": 2.2,
    "doge": 0.16,
    "bnb": 860.0,
    "hype": 35.0,
    "zec": 480.0,
}
"""Initial price of each asset."""

_VOLATILITY_PER_ROOT_SECOND = 0.00007
"""As a share of the price: about 40 % a year from the walk alone."""
_JUMPS_PER_SECOND = 1 / 45
_JUMP_SIZE = 0.00026
"""Standard deviation of a jump, as a share of the price."""
_BASIS_SIZE = 0.00003
"""Usual distance of Coinbase from the settling source, as a share of the price."""
_BASIS_MEMORY_SECONDS = 30.0

CORRELATION = 0.7
"""Correlation of the first underlying's moves with each other's: a choice, high as in most markets.
"""

_E6 = 10**6


class ReferenceWalk:
    """The settling source's price, and Coinbase's at a small wandering distance from it."""

    def __init__(self, dice: Random, start_dollars: float, step_ms: int) -> None:
        self._dice = dice
        step_seconds = step_ms / 1000
        self._start = start_dollars
        self._walk_size = _VOLATILITY_PER_ROOT_SECOND * math.sqrt(step_seconds)
        self._jump_chance = _JUMPS_PER_SECOND * step_seconds
        self._basis_pull = step_seconds / _BASIS_MEMORY_SECONDS
        self._basis_shock = _BASIS_SIZE * math.sqrt(2 * self._basis_pull)
        self._basis = 0.0
        self.dollars = start_dollars
        self.last_jump = 0.0
        """Size of a jump in the last step, as a share of the initial price; 0 without one."""
        self.last_walk = 0.0
        """The rest of the last step's move, as a share of the initial price."""

    @property
    def volatility_dollars(self) -> float:
        """Standard deviation over one second, jumps included."""
        return volatility_dollars(self._start)

    @property
    def price_e18(self) -> int:
        """The settling source's price, exact to a millionth of a dollar."""
        return round(self.dollars * _E6) * (E18 // _E6)

    @property
    def coinbase_dollars(self) -> float:
        """Coinbase's price."""
        return self.dollars + self._start * self._basis

    def step(self, leader: ReferenceWalk | None = None) -> None:
        """Advance by one step, partly with another walk that has stepped already."""
        dice = self._dice
        jump = dice.gauss(0.0, _JUMP_SIZE) if dice.random() < self._jump_chance else 0.0
        walk = dice.gauss(0.0, self._walk_size)
        if leader is not None:
            own_share = math.sqrt(1 - CORRELATION**2)
            jump = CORRELATION * leader.last_jump + own_share * jump
            walk = CORRELATION * leader.last_walk + own_share * walk
        self.last_jump, self.last_walk = jump, walk
        # Steps scale with the initial price, so that volatility stays what it is declared to be.
        move = walk + jump
        self.dollars = max(self._start * 0.2, self.dollars + self._start * move)
        self._basis += dice.gauss(0.0, self._basis_shock) - self._basis * self._basis_pull


def volatility_dollars(price_dollars: float) -> float:
    """Standard deviation of a walk around that price over one second, jumps included."""
    variance = _VOLATILITY_PER_ROOT_SECOND**2 + _JUMPS_PER_SECOND * _JUMP_SIZE**2
    return price_dollars * math.sqrt(variance)
