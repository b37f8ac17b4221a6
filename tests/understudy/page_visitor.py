"""A browser without a mind of its own, for tests of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from understudy.web import access
from understudy.web.server import PageServer, Site

Visit = Callable[[TestClient[Any, Any]], Awaitable[Any]]
LOOPBACK = Site()


def visit(data_dir: Path, visitor: Visit, site: Site = LOOPBACK) -> Any:
    """Let it visit a page."""

    async def go() -> Any:
        application = PageServer(data_dir, site).application()
        async with TestClient(TestServer(application)) as client:
            return await visitor(client)

    return asyncio.run(go())


def origin(client: TestClient[Any, Any], host: str = "") -> dict[str, str]:
    """What a browser says with a form of the page's own."""
    return {"Origin": f"http://{host or f'{client.host}:{client.port}'}"}


async def log_in(client: TestClient[Any, Any], data_dir: Path, **headers: str) -> ClientResponse:
    token = access.read_token(data_dir)
    return await client.post(
        "/login",
        data={"token": token, "next": "/halt"},
        headers={**origin(client), **headers},
        allow_redirects=False,
    )


async def form_of(client: TestClient[Any, Any], path: str) -> str:
    text = await (await client.get(path)).text()
    return text.split('name="form" value="')[1].split('"')[0]
