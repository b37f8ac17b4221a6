"""Understudy's path from order to POST: the real executor accepts it, records, signs, posts.

Arguments: the server's address, the user channel's base, the clock's origin (host monotonic ns and
venue ms), when the window opens (venue ms), and the journal's durability.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from actors.runtime import codec
from actors.runtime.clock import ClockSpec
from bench.lone_executor import LoneExecutor, market_at
from bench.orders_worker import serve


def main() -> None:
    """Place an order for every line."""
    http_url, ws_url, origin_ns, origin_ms, opens_at_ms, durability = sys.argv[1:]
    clock = ClockSpec(origin_monotonic_ns=int(origin_ns), origin_ms=int(origin_ms))
    codec.warm_up()
    with (
        tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder,
        LoneExecutor(http_url, ws_url, clock, Path(folder), durability) as executor,
    ):
        executor.open(market_at(http_url, int(opens_at_ms)))

        def place() -> None:
            order_id = executor.submit()
            executor.run_until(lambda: executor.orders[order_id].is_final, "it is refused")

        serve(place)


if __name__ == "__main__":
    main()
