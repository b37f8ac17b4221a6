"""Checks: the current window's metadata, and the prices that its strike is taken from."""

from __future__ import annotations

import asyncio
import contextlib
import time

from actors.directory.gamma import MarketRefused
from actors.directory.messages import Market
from actors.feeds.messages import TwapTick
from actors.feeds.rtds import TWAP_WINDOW_S, decode, subscribe_text
from actors.units import price_text, size_text
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.network import Unreachable, stream
from understudy.doctor.sight import FoundMarket, NoSuchWindow, VenueSight
from understudy.doctor.subject import Subject, host_of
from understudy.wording import reference_label

MARKET = "market"
PRICE_STREAM = "price stream"
STRIKE = "strike source"

TICKS_LIMIT_S = 3.0
"""The venue publishes a tick a second."""
AGE_MS_WARN = 5_000
AGE_MS_FAIL = 10_000
"""After so long without data the feed gives a connection up."""


async def check_market(sight: VenueSight) -> Finding:
    """Find the current window by its slug and read what trading needs."""
    try:
        found = await sight.current()
    except Unreachable as problem:
        return failed(MARKET, f"no metadata: {problem}", "see the line on gamma")
    except NoSuchWindow as problem:
        return failed(MARKET, str(problem), "check series.asset and series.window_minutes")
    except MarketRefused as problem:
        return failed(MARKET, str(problem), "this window cannot be traded; try the next one")
    described = _described(found)
    if found.market.twap_window_s != TWAP_WINDOW_S:
        told = found.market.twap_window_s
        return warned(
            MARKET,
            f"{described}; settled on an average of {told} s, but the feed has {TWAP_WINDOW_S} s",
            "its strike cannot be proven: rules that need it will not trade",
        )
    return passed(MARKET, described)


async def check_prices(subject: Subject, sight: VenueSight) -> tuple[Finding, Finding]:
    """Open the venue's price stream, and look how old its newest average is."""
    url, symbol = subject.settings.venue.rtds_ws_url, subject.settings.series.twap_symbol
    began = time.monotonic()
    tick: TwapTick | None = None
    try:
        async with stream(url) as socket:
            opened = f"{host_of(url)} opens in {round((time.monotonic() - began) * 1000)} ms"
            await socket.send(subscribe_text(symbol))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICKS_LIMIT_S):
                    while tick is None or await _age_ms(tick, sight) > AGE_MS_WARN:
                        tick = _newest(await socket.recv(decode=False), symbol, tick)
    except Unreachable as problem:
        advice = "check the network, a firewall or proxy, and venue.rtds_ws_url"
        return (
            failed(PRICE_STREAM, str(problem), advice),
            failed(STRIKE, "no average price can be read", f"see the line on {PRICE_STREAM}"),
        )
    return passed(PRICE_STREAM, opened), await _judged(tick, symbol, sight)


async def _judged(tick: TwapTick | None, symbol: str, sight: VenueSight) -> Finding:
    wait = "wait a minute and look again; no strike is proven while it lasts"
    if tick is None:
        sentence = f"no {TWAP_WINDOW_S}-second average of {symbol} came in {TICKS_LIMIT_S:g} s"
        return failed(STRIKE, sentence, wait)
    age_ms = await _age_ms(tick, sight)
    sentence = (
        f"the {tick.window_s}-second average of {symbol} is {reference_label(tick.price_e18)}, "
        f"{max(0, age_ms) / 1000:.1f} s old"
    )
    if age_ms > AGE_MS_FAIL:
        return failed(STRIKE, f"{sentence}: the stream is open and stands still", wait)
    return warned(STRIKE, sentence, wait) if age_ms > AGE_MS_WARN else passed(STRIKE, sentence)


async def _age_ms(tick: TwapTick, sight: VenueSight) -> int:
    return await sight.now_ms() - tick.timestamp_ms


def _newest(raw: bytes, symbol: str, known: TwapTick | None) -> TwapTick | None:
    ticks, _ = decode(raw, symbol)
    candidates = [*ticks, *([known] if known else [])]
    return max(candidates, key=lambda tick: tick.timestamp_ms, default=None)


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
