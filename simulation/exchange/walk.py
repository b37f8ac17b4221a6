"""The price of the underlying: a random walk that sometimes jumps, one step a second."""

from __future__ import annotations

from random import Random

from actors.units import E18

_START_DOLLARS = 90_000
_STEP_DOLLARS = 6.0
_JUMP_DOLLARS = 40.0
_JUMP_CHANCE = 1 / 60
_BASIS_DOLLARS = 3.0

DEVIATION_DOLLARS = (_STEP_DOLLARS**2 + _JUMP_CHANCE * _JUMP_DOLLARS**2) ** 0.5
"""Standard deviation of one second's move, jumps included."""


class PriceWalk:
    """The settling source's price; Coinbase's is near it."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._cents = _START_DOLLARS * 100

    def step(self) -> None:
        """Move on by a second."""
        dollars = self._chance.gauss(0.0, _STEP_DOLLARS)
        if self._chance.random() < _JUMP_CHANCE:
            dollars += self._chance.gauss(0.0, _JUMP_DOLLARS)
        self._cents = max(100, self._cents + round(dollars * 100))

    @property
    def price_e18(self) -> int:
        """The settling source's price."""
        return self._cents * (E18 // 100)

    def coinbase_dollars(self) -> float:
        """Return Coinbase's price at this moment."""
        return self._cents / 100 + self._chance.gauss(0.0, _BASIS_DOLLARS)
