"""Bodies that an honest server never sends: refused with a sentence, and never unpacked (A5)."""

from __future__ import annotations

import asyncio
import functools
import resource
import zlib
from collections.abc import Iterator

import pytest
from aiohttp import web
from polymarket.clients._transport import TransportOptions
from polymarket.errors import TransportError, UnexpectedResponseError
from thread_server import WebSite

from actors.directory.port import _answer
from actors.execution.real.client_transport import VenueTransport
from actors.messages.directory import HttpAnswered, HttpFailed, HttpGet
from actors.plain_body import BODY_BYTES_MAX

LIMIT_S = 20.0


@functools.cache
def _bomb() -> bytes:
    """A megabyte that unpacks to 200, more than twice what a reader may take for a moment."""
    packer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
    part = bytes(1_000_000)
    return b"".join([*(packer.compress(part) for _ in range(200)), packer.flush()])


async def bomb(request: web.Request) -> web.Response:
    assert request.headers["Accept-Encoding"] == "identity"
    return web.Response(body=_bomb(), headers={"Content-Encoding": "gzip"})


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"[" * 65_536)
    except ConnectionError:
        return response


async def deep(_request: web.Request) -> web.Response:
    return web.Response(text="[" * 100_000 + "]" * 100_000, content_type="application/json")


async def plain(_request: web.Request) -> web.Response:
    return web.json_response({"ok": 1})


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    _bomb()  # no client waits for it
    with WebSite(bomb=bomb, endless=endless, deep=deep, plain=plain) as running:
        yield running.url


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    ("path", "words"), [("bomb", "compressed (gzip)"), ("endless", "longer than")]
)
def test_the_directory_refuses_it_unread(site: str, path: str, words: str) -> None:
    before_kb = peak_kb()
    event = asyncio.run(_answer(HttpGet("a", f"{site}/{path}")))
    assert isinstance(event, HttpFailed)
    assert words in event.reason
    assert peak_kb() - before_kb < 20 * BODY_BYTES_MAX // 1024


def test_the_directory_reads_what_is_plain(site: str) -> None:
    event = asyncio.run(_answer(HttpGet("a", f"{site}/plain")))
    assert isinstance(event, HttpAnswered)
    assert event.body == b'{"ok": 1}'


def get(site: str, path: str) -> object:
    async def ask() -> object:
        transport = VenueTransport(base_url=site, options=TransportOptions())
        try:
            return await transport.get_json(path)
        finally:
            await transport.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "words"), [("bomb", "compressed (gzip)"), ("endless", "longer than")]
)
def test_the_venues_client_refuses_it_unread_and_the_outcome_is_not_known(
    site: str, path: str, words: str
) -> None:
    before_kb = peak_kb()
    with pytest.raises(TransportError, match=words.replace("(", r"\(").replace(")", r"\)")):
        get(site, f"/{path}")
    assert peak_kb() - before_kb < 20 * BODY_BYTES_MAX // 1024


def test_the_venues_client_takes_endless_nesting_for_an_unexpected_answer(site: str) -> None:
    with pytest.raises(UnexpectedResponseError):
        get(site, "/deep")
    assert get(site, "/plain") == {"ok": 1}
