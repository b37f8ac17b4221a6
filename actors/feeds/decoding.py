"""Exact and quick: from the decimal texts of the wire to integers.

The same few prices, and mostly the same sizes, come again thousands of times a second. So each
text is parsed once, strictly, and then looked up.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from actors.units import PAYOUT_TICKS, NotExact

TICK_PLACES = 3
_UNIT_PLACES = 6
_E18_PLACES = 18
_TEXT_LENGTH_MAX = 48
_TEXTS_KEPT_MAX = 65_536


UNREADABLE = (msgspec.DecodeError, NotExact, UnicodeDecodeError, RecursionError)
"""All that reading a hostile frame can raise."""


class TooFine(NotExact):
    """A number that is one, but with more decimal places than are kept of it."""


class MalformedFrame(ValueError):
    """A frame does not say what its format promises; the text tells where."""


def scaled_integer(text: str, places: int) -> int:
    """Read a plain decimal as an integer of 10**-places: ``("0.53", 3)`` is 530.

    Only ASCII digits and one point are taken: no sign, exponent, blank, NaN or infinity. Zeros
    beyond the last place are harmless.

    Raises:
        TooFine: it is finer than the last place.
        NotExact: the text is anything else.
    """
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if not (digits.isdigit() and digits.isascii()) or len(text) > _TEXT_LENGTH_MAX:
        raise NotExact(f"{text[:_TEXT_LENGTH_MAX]!r} is not a plain decimal number")
    end = len(whole) + places
    if digits[end:].strip("0"):
        raise TooFine(f"{text!r} has more than {places} decimal places")
    return int(digits[:end].ljust(end, "0") or "0")


def price_ticks(text: str) -> int:
    """Read a price at which an order can stand: above nothing and below a whole dollar.

    Raises:
        NotExact: no such price, or one between two ticks.
    """
    ticks = scaled_integer(text, TICK_PLACES)
    if not 0 < ticks < PAYOUT_TICKS:
        raise NotExact(f"{text!r} is not a price between 0 and 1")
    return ticks


def size_units(text: str) -> int:
    """Read a share count, which may be nothing.

    Raises:
        NotExact: no such count, or one finer than a millionth.
    """
    return scaled_integer(text, _UNIT_PLACES)


def price_e18(text: str) -> int:
    """Read a dollar price of the underlying.

    Raises:
        NotExact: no such price, none at all, or one finer than 10**-18.
    """
    price = scaled_integer(text, _E18_PLACES)
    if price == 0:
        raise NotExact(f"{text!r} is no price of anything")
    return price


def timestamp_ms(text: str) -> int:
    """Read the venue's timestamp: milliseconds since 1970, written as text.

    Raises:
        NotExact: the text is no such number.
    """
    if text.isdigit() and text.isascii() and len(text) <= _TEXT_LENGTH_MAX:
        return int(text)
    return scaled_integer(text, 0)


class KnownTexts(dict[str, int]):
    """Texts already parsed; one met for the first time is parsed and kept.

    Looking up a text raises NotExact if it cannot be parsed. The memory is bounded: it begins
    anew when full.
    """

    def __init__(self, parse: Callable[[str], int]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> int:
        value = self._parse(text)
        if len(self) >= _TEXTS_KEPT_MAX:
            self.clear()
        self[text] = value
        return value
