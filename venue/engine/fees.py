"""What the exchange charges a taker: its own formula, which it shares with nobody.

A client computes fees for itself. If both used one function, no test could see that it is wrong.
"""

from __future__ import annotations

_TICKS_PER_DOLLAR = 1_000
_BASIS_POINTS = 10_000
_STEP_NANOS = 10_000
"""Fees have five decimals of a dollar."""


def fee_nanos(price_ticks: int, size_units: int, fee_rate_bps: int) -> int:
    """Fee of a fill: shares x rate x p x (1 - p), cut off after five decimals of a dollar.

    Args:
        price_ticks: p, in thousandths of a dollar.
        size_units: millionths of a share.
        fee_rate_bps: the market's rate in ten-thousandths; 0.07 is 700.
    """
    per_share = price_ticks * (_TICKS_PER_DOLLAR - price_ticks) * fee_rate_bps
    # A tick times a unit is a nanodollar; one of the two factors p and 1 - p is left to divide by.
    steps = per_share * size_units // (_TICKS_PER_DOLLAR * _BASIS_POINTS * _STEP_NANOS)
    return steps * _STEP_NANOS
