"""The doctor's own HTTP and websockets: one attempt each, and a sentence when it fails."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator

import aiohttp
import attrs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from actors.proxies import ProxyRefused, proxy_for, proxy_url
from actors.reaching import NO_WAY, unreachable_words
from understudy.doctor.subject import host_of

CONNECT_LIMIT_S = 3.5
"""A venue that takes longer to answer is too slow to trade with."""
_BODY_BYTES_MAX = 4 * 1024 * 1024


class Unreachable(Exception):
    """An address could not be used; one sentence names the host and says why.

    Args:
        sentence: the host, and why.
        cause: the common cause, if other checks fail for it too; empty if it is this one's
            alone.
    """

    def __init__(self, sentence: str, cause: str = "") -> None:
        super().__init__(sentence)
        self.cause = cause


@attrs.frozen
class Answered:
    """An answer over HTTP, whatever its status."""

    status: int
    body: bytes


async def fetch(url: str) -> Answered:
    """GET an address.

    Raises:
        Unreachable: there is no answer.
    """
    timeout = aiohttp.ClientTimeout(total=CONNECT_LIMIT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, proxy=proxy_url(url)) as answer,
        ):
            return Answered(answer.status, await answer.content.read(_BODY_BYTES_MAX))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
        raise Unreachable(_sentence(url, problem), _cause(url, problem)) from None


@contextlib.asynccontextmanager
async def stream(url: str) -> AsyncIterator[ClientConnection]:
    """Keep a websocket open for the length of a block.

    Raises:
        Unreachable: it cannot be opened, or it ends within the block.
    """
    try:
        async with connect(
            url,
            compression=None,
            open_timeout=CONNECT_LIMIT_S,
            close_timeout=0.2,
            proxy=proxy_url(url),
        ) as socket_:
            yield socket_
    except ConnectionClosed as closed:
        raise Unreachable(f"{host_of(url)} closed the connection: {closed}") from None
    except (OSError, TimeoutError, ValueError, WebSocketException) as problem:
        raise Unreachable(_sentence(url, problem), _cause(url, problem)) from None


def _cause(url: str, problem: Exception) -> str:
    """The cause beyond this one request: name lookup, the network, the proxy, or the host."""
    if isinstance(problem, ProxyRefused):
        return str(problem)
    cause = problem.os_error if isinstance(problem, aiohttp.ClientConnectorError) else problem
    if isinstance(cause, socket.gaierror):
        return f"host names cannot be looked up: {cause.strerror}"
    if isinstance(cause, OSError) and cause.errno in NO_WAY:
        return f"there is no way to the network: {cause.strerror}"
    if isinstance(cause, OSError | TimeoutError):
        return _sentence(url, problem)
    return ""


def _sentence(url: str, problem: Exception) -> str:
    if isinstance(problem, ProxyRefused):
        return str(problem)
    host = f"{host_of(url)}{_detour(url)}"
    cause = problem.os_error if isinstance(problem, aiohttp.ClientConnectorError) else problem
    if isinstance(cause, TimeoutError):
        return f"{host} did not answer within {CONNECT_LIMIT_S:g} s"
    if isinstance(cause, InvalidStatus):
        return f"{host} answered {cause.response.status_code} instead of opening a websocket"
    words = unreachable_words(host, cause)
    return words or f"{host} cannot be reached: {type(cause).__name__}: {cause}"


def _detour(url: str) -> str:
    try:
        proxy = proxy_for(url, os.environ)
    except ValueError:  # the address is malformed, so no connection was tried
        return ""
    return "" if proxy is None else f", asked through the proxy {proxy.host},"
