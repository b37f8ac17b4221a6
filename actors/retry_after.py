"""The wait that a server asks for, limited so that no server can silence this system for long.

``Retry-After`` is seconds or a date (RFC 9110, 10.2.3). An unreadable value counts as none.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_MS = 300_000
"""Longer waits are cut to this, for orders, prices and metadata alike. Requests that must not wait
so long (cancels, the account) have lower limits of their own."""
_DIGITS_MAX = 20


def bounded_wait_ms(seconds: float | None) -> int | None:
    """Return a wait in ms, rounded up; None if there is none, or it is not a duration."""
    if seconds is None or math.isnan(seconds) or seconds < 0:
        return None
    return math.ceil(min(seconds * 1_000, RETRY_AFTER_MAX_MS))


def read_retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """Read the header of an answer; a date is relative to the answer's own ``Date``."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return bounded_wait_ms(float(text[:_DIGITS_MAX]))
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        until, now = (parsedate_to_datetime(each) for each in (text, headers.get("Date", "")))
        return bounded_wait_ms(max(0.0, (until - now).total_seconds()))
    return None
