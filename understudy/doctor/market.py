"""Check: the current window's metadata."""

from __future__ import annotations

from actors.directory.gamma import MarketRefused
from actors.feeds.rtds import TWAP_WINDOW_S
from actors.model import Market
from actors.units import price_text, size_text
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.network import Unreachable
from understudy.doctor.sight import FoundMarket, NoSuchWindow, VenueSight

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
        told = found.market.twap_window_s
        return warned(
            MARKET,
            f"{described}; settled on an average of {told} s, but the feed has {TWAP_WINDOW_S} s",
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
