"""Keeps out numbers that no venue means, before anything is computed with them.

JSON allows ``1e999999999``, which is a Decimal as well; but to multiply it overflows, and to make
an integer of less than that takes all memory. NaN and infinity may come as text.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

_LEAST_PLACE, _HIGHEST_PLACE = -30, 15


class NoSuchNumber(ValueError):
    """A field holds a number out of all proportion; the sentence names the field."""


def check_numbers(wire: msgspec.Struct) -> None:
    """Look at every decimal of what was decoded.

    Raises:
        NoSuchNumber: one is neither 0 nor, without its sign, from 10**-30 to below 10**16.
    """
    names = zip(wire.__struct_fields__, wire.__struct_encode_fields__, strict=True)
    for field_name, name in names:
        value = getattr(wire, field_name)
        if isinstance(value, msgspec.Struct):
            check_numbers(value)
        elif isinstance(value, Decimal) and not _is_in_proportion(value):
            raise NoSuchNumber(f"{name} is {value!s:.40}, which is out of all proportion")


def _is_in_proportion(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    return value.is_zero() or _LEAST_PLACE <= value.adjusted() <= _HIGHEST_PLACE
