"""Exact units for prices, sizes and money, and the few conversions between them.

Every quantity that is compared or added is an integer:

=================  ==========================  =====================
name ends in       one unit is                 a whole is
=================  ==========================  =====================
``_ticks``         $0.001 a share              1,000 ticks = $1
``_units``         a millionth of a share      1,000,000 = one share
``_nanos``         $0.000000001                10**9 = $1
``_e18``           $10**-18 (the underlying)   10**18 = $1
``_ms``            a millisecond, venue time
=================  ==========================  =====================

A tick times a unit is exactly a nanodollar, so ``price_ticks * size_units`` is money.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

TICKS_PER_DOLLAR = 1_000
UNITS_PER_SHARE = 1_000_000
NANOS_PER_DOLLAR = 1_000_000_000
E18 = 10**18

PAYOUT_TICKS = TICKS_PER_DOLLAR
"""What a winning share pays."""

_FEE_STEP_NANOS = 10_000
"""The venue charges whole steps of $0.00001."""


_PLACES_MAX = 60
"""No integer here has more digits; ``1e999999`` would exhaust the memory."""
_SHOWN = 80
_EXACT = Context(prec=100, traps=[InvalidOperation, Overflow, Inexact])


class NotExact(ValueError):
    """A number does not fit the exact unit."""


def _scaled(text: str, scale: int, what: str) -> int:
    try:
        value = _EXACT.multiply(Decimal(text), Decimal(scale))
    except ArithmeticError:  # not a number, or an absurdly large one
        raise NotExact(f"{text[:_SHOWN]!r} is not a {what}") from None
    if not value.is_finite() or value.adjusted() > _PLACES_MAX:
        raise NotExact(f"{text[:_SHOWN]!r} is not a {what}")
    if value != value.to_integral_value():
        raise NotExact(f"{text[:_SHOWN]!r} is not a {what}: finer than 1/{scale}")
    return int(value)


def ticks_from_text(text: str) -> int:
    """Convert the venue's decimal price (``"0.53"``, ``".48"``) to ticks.

    Raises:
        NotExact: the text is not a number, or is between two ticks.
    """
    return _scaled(text, TICKS_PER_DOLLAR, "price")


def units_from_text(text: str) -> int:
    """Convert the venue's decimal number of shares (``"30.5"``) to millionths of a share.

    Raises:
        NotExact: the text is not a number, or is finer than a millionth.
    """
    return _scaled(text, UNITS_PER_SHARE, "size")


def _plain(value: int, scale: int) -> str:
    text = f"{Decimal(value) / scale:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price_text(price_ticks: int) -> str:
    """Write ticks as the venue does: ``530`` is ``"0.53"``."""
    return _plain(price_ticks, TICKS_PER_DOLLAR)


def price_label(price_ticks: float) -> str:
    """Write a price in dollars for people: cents, with tenths of a cent only if needed."""
    return f"{price_ticks / TICKS_PER_DOLLAR:.3f}".removesuffix("0")


def average_label(cost_nanos: int, quantity_units: int) -> str:
    """Write a share's average cost in dollars, to a hundredth of a cent."""
    return f"{cost_nanos / quantity_units / TICKS_PER_DOLLAR:.4f}"


def size_text(size_units: int) -> str:
    """Write units as shares: ``1_500_000`` is ``"1.5"``."""
    return _plain(size_units, UNITS_PER_SHARE)


def e18_text(price_e18: int) -> str:
    """Write a price of the underlying in dollars, exactly."""
    return _plain(price_e18, E18)


def dollars_text(amount_nanos: int) -> str:
    """Write nanodollars as dollars, exactly: ``-1_250_000_000`` is ``"-1.25"``."""
    return _plain(amount_nanos, NANOS_PER_DOLLAR)


def shares(count: int) -> int:
    """Return a number of whole shares in units."""
    return count * UNITS_PER_SHARE


def taker_fee_nanos(price_ticks: int, size_units: int, fee_rate_bps: int) -> int:
    """Return the fee of a taker's fill: shares x r x p x (1 - p), truncated to $0.00001.

    ``fee_rate_bps`` is r in ten-thousandths (0.07 is 700), from the market's metadata. Source:
    Polymarket documentation, fees; that the fee is truncated and not rounded, 21 settlements on the
    chain. They do not show whether less than $0.00001 is charged at all: here it is not.
    """
    numerator = size_units * fee_rate_bps * price_ticks * (TICKS_PER_DOLLAR - price_ticks)
    return max(0, numerator) // (10_000_000 * _FEE_STEP_NANOS) * _FEE_STEP_NANOS
