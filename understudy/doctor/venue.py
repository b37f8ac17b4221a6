"""Checks of the venue: whether it is reachable, answers as expected, and takes orders from here."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection

from actors.directory.gamma import MarketRefused
from actors.directory.venue_time import CORRECT_ABOVE_MS, VenueTimeReading, skew_words
from actors.feeds import coinbase, market_channel
from actors.feeds.decoding import MalformedFrame
from actors.feeds.rtds import TWAP_WINDOW_S
from actors.messages.feeds import BookEvent
from actors.model import Market
from actors.units import price_text, size_text
from understudy.doctor.findings import Finding, failed, passed, skipped, warned
from understudy.doctor.network import Unreachable, fetch, stream
from understudy.doctor.sight import FoundMarket, NoSuchWindow, VenueSight
from understudy.doctor.subject import GEOBLOCK_URL, Subject, host_of

GAMMA = "gamma"
CLOB = "clob"
MARKET_STREAM = "market stream"
COINBASE = "coinbase"

DATA_LIMIT_S = 3.0
"""A busy market's stream that sends nothing for this long is useless, even if it is open."""

_CHECK_THE_WAY = "check the network, a firewall or proxy, and {key}"


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
        market = await sight.market()
        if market is None:
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
        return failed(name, str(problem), _CHECK_THE_WAY.format(key=key), problem.cause)
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
        return failed(name, str(problem), _CHECK_THE_WAY.format(key=key), problem.cause)
    silent = f"{opened} and brings no data within {DATA_LIMIT_S:g} s"
    return failed(name, silent, f"try again; check that {key} is the right address")


async def _says(socket: ClientConnection, brings_data: Callable[[bytes], bool]) -> bool:
    """Whether data arrives in time; confirmations and heartbeats do not count."""
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


CLOCK = "clock"

SKEW_MS_FAIL = 15_000
"""Requests and orders are signed with the host's time, and the venue refuses those some 30 s off.

The venue does not document its tolerance, so half of what others measured is the limit.
"""
_SET_IT = "synchronise the host's clock with a time server: timedatectl set-ntp true"


async def check_clock(subject: Subject, sight: VenueSight) -> Finding:
    """Measure how far the venue's clock is ahead, and say what that means."""
    try:
        reading = await sight.reading()
    except Unreachable as problem:
        sentence = f"venue time is unknown: {problem}"
        return failed(CLOCK, sentence, "see the line on clob", problem.cause)
    shown = _skew_text(reading)
    if not reading.needs_correction:
        return passed(CLOCK, shown)
    if subject.is_local:
        return passed(CLOCK, f"{shown}; a local exchange has a clock of its own")
    surely_ms = abs(reading.skew_ms) - reading.round_trip_ms // 2
    if surely_ms < SKEW_MS_FAIL:
        limit = f"more than {CORRECT_ABOVE_MS / 1000:g} s"
        return warned(
            CLOCK, f"{shown}: {limit}; runs correct venue time, but not signatures", _SET_IT
        )
    if not subject.is_live:
        return warned(CLOCK, f"{shown}: signed requests would be refused in live mode", _SET_IT)
    return failed(CLOCK, f"{shown}: the venue refuses requests that are signed so far off", _SET_IT)


def _skew_text(reading: VenueTimeReading) -> str:
    uncertainty_s = (500 + reading.round_trip_ms / 2) / 1000
    return f"{skew_words(reading.skew_ms, decimals=1)}, measured to {uncertainty_s:.1f} s"


GEOBLOCK = "geoblock"
_DO_NOT_TRADE = "read the venue's page on geographic restrictions; do not trade from here"

_ASK_THERE = f"open {GEOBLOCK_URL} on this host, and read what it says"


async def check_geoblock(subject: Subject) -> Finding:
    """Ask the venue's website; its answer is about the address that the request comes from."""
    url = subject.geoblock_url
    if url is None:
        return skipped(GEOBLOCK, "a local exchange takes orders from everywhere")
    try:
        answer = await fetch(url)
        body = json.loads(answer.body) if answer.status == 200 else None
    except Unreachable as problem:
        return _place_unknown(str(problem), problem.cause)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("blocked"), bool):
        return _place_unknown(f"{host_of(url)} answered {answer.status} without an answer")
    place = "-".join(str(body[name]) for name in ("country", "region") if body.get(name))
    if not body["blocked"]:
        return passed(GEOBLOCK, f"the venue takes orders from here ({place or 'place unknown'})")
    sentence = f"the venue takes no orders from here ({place or 'place unknown'})"
    if not subject.is_live:
        return warned(GEOBLOCK, f"{sentence}; simulated ones are not affected", _DO_NOT_TRADE)
    return failed(GEOBLOCK, sentence, _DO_NOT_TRADE)


def _place_unknown(reason: str, cause: str = "") -> Finding:
    sentence = f"it is unknown whether orders are taken from here: {reason}"
    return warned(GEOBLOCK, sentence, _ASK_THERE, cause)


MARKET = "market"


async def check_market(sight: VenueSight) -> Finding:
    """Find the current window by its slug and read what trading needs."""
    try:
        found = await sight.current()
    except Unreachable as problem:
        return failed(MARKET, f"no metadata: {problem}", "see the line on gamma", problem.cause)
    except NoSuchWindow as problem:
        return failed(MARKET, str(problem), "check the series in the configuration")
    except MarketRefused as problem:
        return failed(MARKET, str(problem), "this window cannot be traded; try the next one")
    described = _described(found)
    if found.market.twap_window_s != TWAP_WINDOW_S:
        twap_s = found.market.twap_window_s
        return warned(
            MARKET,
            f"{described}; settled on an average of {twap_s} s, but the feed has {TWAP_WINDOW_S} s",
            "its strike cannot be proven: rules that need it will not trade",
        )
    return passed(MARKET, described)


def _described(found: FoundMarket) -> str:
    market: Market = found.market
    return (
        f"{market.slug}, {(market.closes_at_ms - found.now_ms) // 1000} s left: "
        f"YES {_short(market.yes_token)}, NO {_short(market.no_token)}, "
        f"price grid ${price_text(market.tick_size_ticks)}, "
        f"at least {size_text(market.minimum_size_units)} shares, "
        f"taker's fee rate {market.fee_rate_bps / 100:g} %"
    )


def _short(token: str) -> str:
    return token if len(token) <= 8 else f"{token[:6]}…"
