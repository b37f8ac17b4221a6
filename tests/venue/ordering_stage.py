"""A running exchange and the venue's own client, unmodified, pointed at it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import polymarket
from coroutine_tests import against_stage
from polymarket.environments import _create_environment

from actors.units import NANOS_PER_DOLLAR
from venue.options import ExchangeOptions
from venue.server import LocalExchange
from venue.windows import window_start_ms

ALICE_KEY = "0x" + "a1" * 32


def address_of(private_key: str) -> str:
    from eth_account import Account

    return str(Account.from_key(private_key).address)


ALICE = address_of(ALICE_KEY)
BOB_KEY = "0x" + "b2" * 32
BOB = address_of(BOB_KEY)


def run(
    scenario: Callable[[LocalExchange], Awaitable[None]],
    *,
    begun_ms: int = 1_000,
    faults: str = "",
    **changes: Any,
) -> None:
    """Run a scenario against a real exchange, within a limit.

    Args:
        scenario: what happens.
        begun_ms: so long before it the window of five minutes began that the host is in.
        faults: what its file of faults says.
        changes: other options than those of most tests.
    """
    settings: dict[str, Any] = {
        "seed": 4,
        "minutes": 5,
        "start_ms": window_start_ms(5, time.time_ns() // 1_000_000) + begun_ms,
        "rate": 20.0,
        "wallets": {ALICE: 1_000 * NANOS_PER_DOLLAR, BOB: 1_000 * NANOS_PER_DOLLAR},
        "has_admin": True,
    }

    async def whole() -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(faults)
            file.flush()
            options = ExchangeOptions(**settings | {"faults": Path(file.name)} | changes)
            async with LocalExchange(options) as exchange:
                await scenario(exchange)

    asyncio.run(whole())


def environment(exchange: LocalExchange) -> Any:
    http, ws = exchange.http_url, exchange.ws_url
    config = dataclasses.replace(
        polymarket.PRODUCTION._config,
        clob_url=http,
        gamma_url=http,
        data_url=http,
        relayer_url=http,
        rfq_url=http,
        rpc_url=http,
        clob_market_ws_url=ws + "/ws/market",
        clob_user_ws_url=ws + "/ws/user",
        rtds_ws_url=ws + "/rtds",
        realtime_ws_url=ws + "/polybolt",
        sports_ws_url=ws + "/sports",
        relayer_poll_frequency_ms=50,
    )
    return _create_environment(name="local", config=config)


@contextlib.asynccontextmanager
async def client(
    exchange: LocalExchange, private_key: str = ALICE_KEY, **options: Any
) -> AsyncIterator[Any]:
    """The venue's client with a key of its own."""
    made = await polymarket.AsyncSecureClient.create(
        private_key=private_key,
        wallet=address_of(private_key),
        environment=environment(exchange),
        **options,
    )
    try:
        yield made
    finally:
        await made.close()


@dataclasses.dataclass(frozen=True)
class Window:
    """The window that lasts longest of those that are open or soon will be."""

    condition_id: str
    up: str
    down: str


async def get(url: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.json()


async def post(url: str, body: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def window_of(exchange: LocalExchange, index: int = 1) -> Window:
    """A listed window: 0 is the current one, 1 the next."""
    row = (await get(f"{exchange.http_url}/markets/keyset"))["markets"][index]
    return Window(row["conditionId"], *json.loads(row["clobTokenIds"]))


async def book_of(exchange: LocalExchange, token: str) -> tuple[float, float]:
    """(best bid, best ask)."""
    book = await get(f"{exchange.http_url}/book?token_id={token}")
    return float(book["bids"][-1]["price"]), float(book["asks"][-1]["price"])


async def inject(exchange: LocalExchange, **fault: Any) -> None:
    await post(f"{exchange.http_url}/admin/faults", fault)


async def ledger_of(exchange: LocalExchange, wallet: str) -> dict[str, Any]:
    """The exchange's own books of a wallet."""
    report = await get(f"{exchange.http_url}/admin/ledger")
    return dict(report["wallets"][wallet.lower()])


async def eventually(check: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until a check gives something; the scenario's limit ends a wait for nothing."""
    while not (found := await check()):
        await asyncio.sleep(0.02)
    return found


against = against_stage(run, alice=client)
