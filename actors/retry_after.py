"""How long a server that refuses asks to wait, bounded: no server can silence this system for long.

``Retry-After`` is seconds or a date (RFC 9110, 10.2.3). What cannot be read asks for nothing.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_MS = 300_000
"""Whoever asks for more is asked again after this: orders, prices and metadata alike. What must not
wait so long (cancels, the account) has lower limits of its own."""
_DIGITS_MAX = 20


def bounded_wait_ms(seconds: float | None) -> int | None:
    """A wait in ms, rounded up; None for none, and for what is no span of time."""
    if seconds is None or math.isnan(seconds) or seconds < 0:
        return None
    return math.ceil(min(seconds * 1_000, RETRY_AFTER_MAX_MS))


def read_retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Read the header of an answer; a date is held against the answer's own ``Date``."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return bounded_wait_ms(float(text[:_DIGITS_MAX]))
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        until, now = (parsedate_to_datetime(each) for each in (text, headers.get("Date", "")))
        return bounded_wait_ms(max(0.0, (until - now).total_seconds()))
    return None
