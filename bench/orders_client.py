"""The venue's own client as its users have it: no coincurve, its own path from order to POST.

Arguments: the server's address, and the token to buy.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

os.environ["ECC_BACKEND_CLASS"] = "eth_keys.backends.NativeECCBackend"

from eth_account import Account
from polymarket import AsyncSecureClient
from polymarket.errors import RequestRejectedError

from actors.execution.real.client import _environment
from actors.settings import VenueSettings
from bench.orders_worker import KEY, PRICE_TICKS, SHARES, serve


def placing(http_url: str, token: str) -> Callable[[], None]:
    """Open a client; return a function that places an order with it."""
    loop = asyncio.new_event_loop()
    environment = _environment(VenueSettings(clob_url=http_url, gamma_url=http_url))
    client = loop.run_until_complete(
        AsyncSecureClient.create(
            private_key=KEY, wallet=Account.from_key(KEY).address, environment=environment
        )
    )

    async def place() -> None:
        signed = await client.create_limit_order(
            asset_id=token, price=PRICE_TICKS / 1000, size=SHARES, side="BUY"
        )
        try:
            await client.post_order(signed)
        except RequestRejectedError:
            return  # as the tap refuses all
        raise AssertionError("the order was to be refused")

    return lambda: loop.run_until_complete(place())


if __name__ == "__main__":
    serve(placing(*sys.argv[1:]))
