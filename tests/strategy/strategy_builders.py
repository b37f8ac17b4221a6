"""Markets, books and positions as the tests of the strategy need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from msgspec.structs import replace
from nouns import a_market

from actors.messages.market import BookView, MarketSnapshot
from actors.messages.position import Holding
from actors.model import Market, Side, Strike
from actors.settings import StrategySettings
from actors.strategy.position_view import PositionView
from actors.strategy.stage import StageInputs, Verdict
from actors.units import E18

MINUTE_MS = 60_000
OPENS_AT_MS = 1_780_000_000_000
PARAMS = StrategySettings()
FREE = StrategySettings(arbitrage_fees=False)
STRIKE_DOLLARS = 100_000

Quote = tuple[int, float]
"""Price in ticks and shares."""


def make_market(window_minutes: int = 15, **changes: Any) -> Market:
    market = a_market(
        OPENS_AT_MS,
        market_id="0xmarket",
        slug="btc-updown",
        yes_token="yes-token",
        no_token="no-token",
        closes_at_ms=OPENS_AT_MS + window_minutes * MINUTE_MS,
    )
    return attrs.evolve(market, **changes)


def book(
    *, bid: Quote | None = None, ask: Quote | None = None, at_ms: int = 0, is_synced: bool = True
) -> BookView:
    return BookView(
        bids=(_level(bid),) if bid else (),
        asks=(_level(ask),) if ask else (),
        is_synced=is_synced,
        updated_at_ms=at_ms,
    )


def _level(quote: Quote) -> tuple[int, int]:
    return quote[0], round(quote[1] * 1_000_000)


def snapshot(
    *,
    yes_ask: Quote | None = None,
    no_ask: Quote | None = None,
    yes_bid: Quote | None = None,
    no_bid: Quote | None = None,
    left_minutes: float = 10,
    window_minutes: int = 15,
    ahead_dollars: float = 0,
    book_age_ms: int = 0,
    market: Market | None = None,
    **changes: Any,
) -> MarketSnapshot:
    """A synced market; the reference stands ``ahead_dollars`` above the strike."""
    market = market or make_market(window_minutes)
    now_ms = market.closes_at_ms - round(left_minutes * MINUTE_MS)
    made = MarketSnapshot(
        sequence=1,
        market=market,
        taken_at_ms=now_ms,
        yes=book(bid=yes_bid, ask=yes_ask, at_ms=now_ms - book_age_ms),
        no=book(bid=no_bid, ask=no_ask, at_ms=now_ms - book_age_ms),
        reference_e18=round((STRIKE_DOLLARS + ahead_dollars) * 100) * E18 // 100,
        reference_at_ms=now_ms,
        strike=Strike(
            price_e18=STRIKE_DOLLARS * E18,
            source="twap-60s tick of the window's start",
            timestamp_ms=market.opens_at_ms,
        ),
        tick_ns=77,
    )
    return replace(made, **changes)


def holding(count: float, average_ticks: float) -> Holding:
    units = round(count * 1_000_000)
    return Holding(quantity_units=units, cost_nanos=round(units * average_ticks))


def position(
    *,
    yes: tuple[float, float] = (0, 0),
    no: tuple[float, float] = (0, 0),
    live: Iterable[Side] = (),
    fees_nanos: int = 0,
    version: int = 3,
) -> PositionView:
    """Each side as (shares, average cost in ticks)."""
    return PositionView(
        yes=holding(*yes),
        no=holding(*no),
        fees_nanos=fees_nanos,
        live_sides=frozenset(live),
        position_version=version,
    )


FLAT = position()


def inputs(
    market: MarketSnapshot, held: PositionView = FLAT, params: StrategySettings = PARAMS
) -> StageInputs:
    return StageInputs(market=market, position=held, params=params)


def bought(verdict: Verdict) -> list[tuple[str, int, float]]:
    """Side, price in ticks and shares of each signal."""
    return [
        (signal.side.value, signal.price_ticks, signal.size_units / 1_000_000)
        for signal in verdict.signals
    ]
