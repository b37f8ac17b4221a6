"""Volatility of the reference price: an estimate for the diffusion oracle."""

from __future__ import annotations

import math

from actors.units import E18

SAMPLE_MS = 1_000
"""Moves over shorter times are mostly the price jumping between bid and ask."""
WARM_UP_MS = 60_000
"""How long the price must have been observed before the estimate is used."""
LONGEST_GAP_MS = 5_000
"""Longest part of a silence that counts as observed."""

_MS_PER_MINUTE = 60_000


class Volatility:
    """Exponentially weighted volatility of a price, in dollars per square-root minute.

    Samples are the last prices of whole seconds of the source's clock, whenever they arrive, so two
    observers of the same prices have the same samples. Each sample is the squared move divided by
    the minutes it took; its weight halves every ``half_life_minutes``. Weights are normalised, so
    that the start is not biased to zero.
    """

    def __init__(self, half_life_minutes: float) -> None:
        self._half_life_ms = half_life_minutes * _MS_PER_MINUTE
        self._newest: tuple[int, int] | None = None
        self._sample: tuple[int, int] | None = None
        """Price and second of the last sample."""
        self._watched_ms = 0
        self._variance = 0.0
        self._weight = 0.0

    def update(self, price_e18: int, timestamp_ms: int) -> None:
        """Add a price; the first one of a new second turns the previous one into a sample."""
        newest = self._newest
        if newest is not None and timestamp_ms < newest[1]:
            return
        self._newest = (price_e18, timestamp_ms)
        if newest is not None and newest[1] // SAMPLE_MS < timestamp_ms // SAMPLE_MS:
            self._take_sample(newest[0], newest[1] // SAMPLE_MS)

    def _take_sample(self, price_e18: int, second: int) -> None:
        last, self._sample = self._sample, (price_e18, second)
        if last is None:
            return
        passed_ms = (second - last[1]) * SAMPLE_MS
        move = (price_e18 - last[0]) / E18
        kept = 0.5 ** (passed_ms / self._half_life_ms)
        sample = move * move / (passed_ms / _MS_PER_MINUTE)
        self._variance = kept * self._variance + (1.0 - kept) * sample
        self._weight = kept * self._weight + (1.0 - kept)
        self._watched_ms += min(passed_ms, LONGEST_GAP_MS)

    @property
    def sigma_dollars(self) -> float | None:
        """The estimate; None before WARM_UP_MS, and while the price has not moved at all."""
        if self._watched_ms < WARM_UP_MS or self._variance <= 0.0:
            return None
        return math.sqrt(self._variance / self._weight)
