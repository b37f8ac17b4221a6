"""A reference price where none was recorded, derived from Up's mid price and labelled as derived.

The price of a digital option is converted back into a distance from the strike. No price in it was
ever traded.
"""

from __future__ import annotations

from statistics import NormalDist

from actors.units import E18
from research.recordings.window_files import WindowFile
from venue.simulation.listed_window import average_deviation
from venue.simulation.reference import START_DOLLARS, volatility_dollars
from venue.windows import TWAP_SECONDS

_LEAST_CHANCE = 0.01
_LEAST_REMAINING_S = 20.0
_MICRO_E18 = E18 // 10**6


class DerivedReference:
    """The derived price of every second, over one or several recorded windows."""

    def __init__(self, recordings: list[WindowFile], asset: str) -> None:
        start_e18 = _e18(START_DOLLARS[asset])
        self._volatility = volatility_dollars(START_DOLLARS[asset])
        self._prices: dict[int, int] = {}
        self._served_e18 = self._ended_e18 = start_e18
        for recording in recordings:
            self._derive(recording)

    def price_e18(self, second: int) -> int:
        """The price at a unix second, asked in order; it stays the same between windows."""
        self._served_e18 = self._prices.get(second, self._served_e18)
        return self._served_e18

    def _derive(self, recording: WindowFile) -> None:
        opens_s = recording.window.opens_at_ms // 1000
        closes_s = recording.window.closes_at_ms // 1000
        for second in range(opens_s - TWAP_SECONDS + 1, opens_s + 1):
            self._prices.setdefault(second, self._ended_e18)
        strike_e18 = self._average(opens_s)
        mid_ticks = 500.0
        for second in range(opens_s + 1, closes_s + 1):
            mid_ticks = recording.mids.get(second, mid_ticks)
            distance = self._distance_dollars(mid_ticks, closes_s - second)
            self._prices[second] = strike_e18 + _e18(distance)
        self._settle(closes_s, strike_e18, recording.up_won)
        self._ended_e18 = self._prices[closes_s]

    def _distance_dollars(self, mid_ticks: float, remaining_s: int) -> float:
        chance = min(1 - _LEAST_CHANCE, max(_LEAST_CHANCE, mid_ticks / 1000))
        deviation = average_deviation(max(_LEAST_REMAINING_S, remaining_s), self._volatility)
        return NormalDist().inv_cdf(chance) * deviation

    def _settle(self, closes_s: int, strike_e18: int, up_won: bool) -> None:
        """Adjust the last minute so that its average matches the final recorded prices."""
        missing_e18 = strike_e18 - self._average(closes_s)
        toward_up, toward_down = missing_e18 + _MICRO_E18, missing_e18 - _MICRO_E18
        bend_e18 = max(0, toward_up) if up_won else min(0, toward_down)
        for index in range(TWAP_SECONDS):
            # A ramp from 0 to twice the adjustment has it as its mean, and starts without a jump.
            ramp_e18 = 2 * bend_e18 * (index + 1) // TWAP_SECONDS
            self._prices[closes_s - TWAP_SECONDS + 1 + index] += ramp_e18

    def _average(self, end_second: int) -> int:
        seconds = range(end_second - TWAP_SECONDS + 1, end_second + 1)
        return sum(self._prices[second] for second in seconds) // TWAP_SECONDS


def _e18(dollars: float) -> int:
    return round(dollars * 10**6) * _MICRO_E18
