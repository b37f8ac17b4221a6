"""A local exchange in this process, and a subject whose doctor looks at it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
from aiohttp import web
from coroutine_tests import against_stage

from actors.settings import Settings
from actors.units import NANOS_PER_DOLLAR
from understudy.composition import pointed_at_local_exchange
from understudy.credentials.price_feed import PART_VARIABLES
from understudy.credentials.private_key import FILE_VARIABLE, KEY_VARIABLE
from understudy.doctor.examination import examined
from understudy.doctor.findings import CheckOutcome, Finding
from understudy.doctor.sight import VenueSight
from understudy.doctor.subject import Subject, subject_of
from venue.options import ExchangeOptions
from venue.server import LocalExchange

KEY = "0x" + "a1" * 32
PASS, WARN = CheckOutcome.PASS, CheckOutcome.WARN
FAIL, SKIPPED = CheckOutcome.FAIL, CheckOutcome.SKIPPED


def address_of(key: str) -> str:
    from eth_account import Account

    return str(Account.from_key(key).address)


ADDRESS = address_of(KEY)


def run(scenario: Callable[[LocalExchange], Awaitable[None]], **changes: Any) -> None:
    """Run a scenario against an exchange that keeps the host's time."""
    options: dict[str, Any] = {
        "seed": 4,
        "start_ms": time.time_ns() // 1_000_000,
        "rate": 20.0,
        "wallets": {ADDRESS: 1_000 * NANOS_PER_DOLLAR},
        "has_admin": True,
    }

    async def whole() -> None:
        async with LocalExchange(ExchangeOptions(**{**options, **changes})) as exchange:
            await scenario(exchange)

    asyncio.run(whole())


against = against_stage(run)


def settings_at(http_url: str, ws_url: str, **execution: Any) -> Settings:
    settings = pointed_at_local_exchange(Settings(), http_url, ws_url)
    return attrs.evolve(settings, execution=attrs.evolve(settings.execution, **execution))


def live_at(exchange: LocalExchange, **execution: Any) -> Settings:
    execution = {"mode": "live", "durability": "full", **execution}
    return settings_at(exchange.http_url, exchange.ws_url, **execution)


def subject(settings: Settings, data_dir: Path, **changes: Any) -> Subject:
    """A host with a key in its environment, and none of this one's variables."""
    changes = {"variables": {KEY_VARIABLE: KEY}, **changes}
    return attrs.evolve(subject_of(settings, data_dir), **changes)


async def credentials_at(exchange: LocalExchange) -> dict[str, str]:
    """Variables with API credentials of the exchange."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{exchange.http_url}/auth/test-api-key") as answer,
    ):
        told = await answer.json()
    return dict(zip(PART_VARIABLES, told.values(), strict=True))


async def look(examinee: Subject) -> dict[str, Finding]:
    """Every finding, by its name."""
    return {each.name: each for each in await examined(examinee, VenueSight(examinee))}


async def inject(exchange: LocalExchange, **fault: Any) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{exchange.http_url}/admin/faults", json=fault) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def ledger(exchange: LocalExchange) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{exchange.http_url}/admin/ledger") as answer,
    ):
        return dict((await answer.json())["wallets"][ADDRESS.lower()])


@contextlib.asynccontextmanager
async def answering(body: Any, path: str = "/", status: int = 200) -> AsyncIterator[str]:
    """A host that answers one path; its address."""
    app = web.Application()

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app.router.add_get(path, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def nobody_listens() -> Iterator[int]:
    """A port of loopback that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def nobody_answers() -> Iterator[int]:
    """A port of loopback that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        yield silent.getsockname()[1]


def key_file(directory: Path, mode: int = 0o600) -> dict[str, str]:
    path = directory / "key"
    path.write_text(KEY)
    path.chmod(mode)
    return {FILE_VARIABLE: str(path)}
