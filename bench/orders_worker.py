"""One side of the comparison of order paths: a process that places an order on each request.

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
"""Deep below the market, and of the venue's minimum size."""


def serve(place: Callable[[], None]) -> None:
    """Place an order for every line of stdin; answer when it began, in host monotonic ns."""
    for _ in sys.stdin:
        began_ns = time.monotonic_ns()
        place()
        print(json.dumps(began_ns), flush=True)
