"""Exact conversion between integers and the venue's texts for prices, sizes and money.

The exchange shares its units with the trading system but not its arithmetic: each converts for
itself, so that one can be checked against the other.
"""

from __future__ import annotations

import re

PRICE_PLACES, SIZE_PLACES, DOLLAR_PLACES, E18_PLACES = 3, 6, 9, 18
"""Decimal places of a tick, a unit of a share, a nanodollar, and a price of the underlying."""
NANOS_PER_MILLIONTH = 1_000
"""Nanodollars in a millionth of a dollar: clients count the one, the exchange the other."""

_NUMBER = re.compile(r"(-?)(\d*)(?:\.(\d*))?")


class BadAmount(ValueError):
    """A text is not a number, or is finer than its unit."""


def decimal_text(value: int, places: int) -> str:
    """Write an integer of ``10**-places`` as a plain decimal without trailing zeros."""
    whole, fraction = divmod(abs(value), 10**places)
    if not fraction:
        return f"-{whole}" if value < 0 else str(whole)
    text = f"{whole}.{fraction:0{places}d}".rstrip("0")
    return f"-{text}" if value < 0 else text


def price_text(price_ticks: int) -> str:
    """Write a price in ticks: 530 is ``"0.53"``."""
    return decimal_text(price_ticks, PRICE_PLACES)


def size_text(size_units: int) -> str:
    """Write millionths of a share as shares."""
    return decimal_text(size_units, SIZE_PLACES)


def dollars_text(amount_nanos: int) -> str:
    """Write nanodollars as dollars."""
    return decimal_text(amount_nanos, DOLLAR_PLACES)


def ticks_from_text(text: str) -> int:
    """Read a price in dollars; return ticks.

    Raises:
        BadAmount: the text is not a number, or lies between two ticks.
    """
    return _integer(text, PRICE_PLACES)


def units_from_text(text: str) -> int:
    """Read shares or dollars; return millionths.

    Raises:
        BadAmount: the text is not a number, or is finer than a millionth.
    """
    return _integer(text, SIZE_PLACES)


def _integer(text: str, places: int) -> int:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise BadAmount(f"{text!r} is not a number")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if not (whole or match[3]):
        raise BadAmount(f"{text!r} is not a number")
    if len(fraction) > places:
        raise BadAmount(f"{text!r} has more than {places} decimals")
    value = int((whole or "0") + fraction.ljust(places, "0"))
    return -value if sign else value
