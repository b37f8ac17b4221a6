"""One side of the comparison of order paths, as a process that places an order whenever it is told.

Needs the standard library only, so that it also runs in the other library's environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

KEY = "0x" + "5e" * 32
"""A private key of the benchmark's own, for loopback."""
PRICE_TICKS = 20
SHARES = 60
"""Deep below the market, and as large as the venue wants at least."""


def serve(place: Callable[[], None]) -> None:
    """For every line of stdin place an order; answer when that began, in host monotonic ns."""
    for _ in sys.stdin:
        began_ns = time.monotonic_ns()
        place()
        print(json.dumps(began_ns), flush=True)
