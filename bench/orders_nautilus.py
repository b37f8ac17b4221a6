"""NautilusTrader's Python path from order to POST; runs in an environment of its own.

As its adapter's ``_submit_limit_order`` does it: py-clob-client signs on a thread, then posts on a
thread. What the adapter does besides (caches, events, logs) is left out.
Arguments: the server's address, and the token to buy.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from py_clob_client.client import ClobClient
from py_clob_client.clob_types import OrderArgs, PartialCreateOrderOptions
from py_clob_client.exceptions import PolyApiException

from bench.orders_worker import KEY, PRICE_TICKS, SHARES, serve

POLYGON = 137


def placing(http_url: str, token: str) -> Callable[[], None]:
    """Open a client; return a function that places an order with it."""
    loop = asyncio.new_event_loop()
    client = ClobClient(http_url, chain_id=POLYGON, key=KEY)
    client.set_api_creds(client.create_or_derive_api_creds())

    async def place() -> None:
        wanted = OrderArgs(price=PRICE_TICKS / 1000, token_id=token, size=SHARES, side="BUY")
        options = PartialCreateOrderOptions(neg_risk=False)
        signed = await asyncio.to_thread(client.create_order, wanted, options=options)
        try:
            await asyncio.to_thread(client.post_order, signed)
        except PolyApiException:
            return  # as the tap refuses all
        raise AssertionError("the order was to be refused")

    return lambda: loop.run_until_complete(place())


if __name__ == "__main__":
    serve(placing(*sys.argv[1:]))
