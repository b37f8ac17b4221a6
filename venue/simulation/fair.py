"""What a share is worth: a digital option on the average that settles the window."""

from __future__ import annotations

import math

from venue.windows import TWAP_SECONDS

_LEAST_DEVIATION = 1e-9


def normal_cdf(x: float) -> float:
    """Probability that a standard normal variable is at most x."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def average_deviation(remaining_s: float, volatility: float) -> float:
    """Standard deviation of the closing average as seen ``remaining_s`` before the end.

    While T is longer than the averaging time L, the average ends a walk of T - L seconds and adds
    its own L/3: variance s²(T - 2L/3). Within the last L seconds only what is not yet in the
    average can move it: s²T³/(3L²).
    """
    if remaining_s >= TWAP_SECONDS:
        variance = remaining_s - 2 * TWAP_SECONDS / 3
    else:
        variance = max(0.0, remaining_s) ** 3 / (3 * TWAP_SECONDS**2)
    return volatility * math.sqrt(variance)


def up_probability(
    expected_close: float, strike: float, remaining_s: float, volatility: float
) -> float:
    """Chance that the closing average is at least the strike: Φ(distance / deviation)."""
    deviation = max(average_deviation(remaining_s, volatility), _LEAST_DEVIATION)
    return normal_cdf((expected_close - strike) / deviation)
