"""What makes the makers' quotes uneven: lean, thin sides, and a mirror that lags."""

from __future__ import annotations

import math
from random import Random

import attrs

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
        """How far the makers stand from the fair value: order flow pushes them."""

    def step(self, now_ms: int, elapsed_ms: int) -> None:
        """Move on."""
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
        """How far a side stands from the makers' value; much farther while it is pulled."""
        is_pulled = now_ms < self._pull.until_ms and self._pull.is_bid == is_bid
        base_ticks = _COARSE_EDGE_TICKS if grid_ticks > 1 else _FINE_EDGE_TICKS
        return base_ticks + (self._pull.ticks if is_pulled else 0.0)
