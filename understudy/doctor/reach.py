"""Checks: whether each of the addresses in [venue] can be reached, and says what it should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection

from actors.directory.gamma import MarketRefused
from actors.feeds import coinbase, market_channel
from actors.feeds.decoding import MalformedFrame
from actors.messages.feeds import BookEvent
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.network import Unreachable, fetch, stream
from understudy.doctor.sight import NoSuchWindow, VenueSight
from understudy.doctor.subject import Subject, host_of

GAMMA = "gamma"
CLOB = "clob"
MARKET_STREAM = "market stream"
COINBASE = "coinbase"

DATA_LIMIT_S = 3.0
"""A busy market's stream that says nothing for so long is of no use, though it is open."""

_ADVICE = "check the network, a firewall or proxy, and {key}"


async def check_gamma(subject: Subject) -> Finding:
    """Ask Gamma for a list of markets."""
    base_url = subject.settings.venue.gamma_url.rstrip("/")
    return await _check_http(GAMMA, f"{base_url}/markets/keyset?limit=1", "venue.gamma_url")


async def check_clob(subject: Subject) -> Finding:
    """Ask the CLOB for its time."""
    base_url = subject.settings.venue.clob_url.rstrip("/")
    return await _check_http(CLOB, f"{base_url}/time", "venue.clob_url")


async def check_market_stream(subject: Subject, sight: VenueSight) -> Finding:
    """Open the market channel and wait for a frame about the current window."""

    async def subscription() -> str | None:
        try:
            market = (await sight.current()).market
        except (Unreachable, NoSuchWindow, MarketRefused):
            return None
        return market_channel.subscribe_text((market.yes_token, market.no_token))

    url = subject.settings.venue.market_ws_url
    return await _check_stream(
        MARKET_STREAM, url, subscription, _brings_a_book, "venue.clob_ws_url"
    )


async def check_coinbase(subject: Subject) -> Finding:
    """Open Coinbase's feed and wait for a frame."""

    async def subscription() -> str | None:
        return coinbase.subscribe_text(subject.settings.series.coinbase_product)

    url = subject.settings.venue.coinbase_ws_url
    return await _check_stream(
        COINBASE, url, subscription, _brings_a_price, "venue.coinbase_ws_url"
    )


async def _check_http(name: str, url: str, key: str) -> Finding:
    began = time.monotonic()
    try:
        answer = await fetch(url)
    except Unreachable as problem:
        return failed(name, str(problem), _ADVICE.format(key=key), problem.cause)
    host = host_of(url)
    if answer.status in (403, 451):
        advice = "ask from a network that the venue serves; see the line on geoblock"
        return failed(name, f"{host} refuses this host ({answer.status})", advice)
    if answer.status != 200:
        return warned(
            name, f"{host} answered {answer.status}", "try again; look at its status page"
        )
    return passed(name, f"{host} answers in {_ms_since(began)} ms")


async def _check_stream(
    name: str,
    url: str,
    subscription: Callable[[], Awaitable[str | None]],
    brings_data: Callable[[bytes], bool],
    key: str,
) -> Finding:
    began = time.monotonic()
    try:
        async with stream(url) as socket:
            opened = f"{host_of(url)} opens in {_ms_since(began)} ms"
            text = await subscription()
            if text is None:
                return passed(name, f"{opened}; without a market there is nothing to subscribe to")
            began = time.monotonic()
            await socket.send(text)
            if await _says(socket, brings_data):
                return passed(name, f"{opened}, data after {_ms_since(began)} ms")
    except Unreachable as problem:
        return failed(name, str(problem), _ADVICE.format(key=key), problem.cause)
    silent = f"{opened} and brings no data within {DATA_LIMIT_S:g} s"
    return failed(name, silent, f"try again; check that {key} is the right address")


async def _says(socket: ClientConnection, brings_data: Callable[[bytes], bool]) -> bool:
    """Whether data comes in time; confirmations and heartbeats are none."""
    try:
        async with asyncio.timeout(DATA_LIMIT_S):
            while not brings_data(await socket.recv(decode=False)):
                continue
    except TimeoutError:
        return False
    return True


def _brings_a_book(raw: bytes) -> bool:
    decoded = market_channel.MarketChannelDecoder().decode(raw)
    return any(isinstance(event, BookEvent) for event in decoded)


def _brings_a_price(raw: bytes) -> bool:
    try:
        return any(isinstance(event, coinbase.CoinbaseTicker) for event in coinbase.decode(raw))
    except MalformedFrame:
        return False


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
