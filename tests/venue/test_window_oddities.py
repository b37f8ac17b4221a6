"""What a window's metadata says that is not so, or not yet: F33, F42, F46."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest
import websockets
from ordering_stage import against, get, inject
from venue_frames import WINDOW_START_MS, market_events, simulation

from venue.faults import FaultKind, Occasion
from venue.frames import Channel
from venue.server import LocalExchange
from venue.simulation.oddities import Oddities
from venue.windows import Window
from venue.wire.gamma import MarketStatus, clob_market, market_row

WINDOW = Window.at("btc", 5, WINDOW_START_MS)
OPENS, CLOSES, RESOLVES = WINDOW.opens_at_ms, WINDOW.closes_at_ms, WINDOW.resolves_at_ms
RESULT = ("closed", "umaResolutionStatus", "outcomePrices", "acceptingOrders")


def told(oddities: Oddities, now_ms: int, up_won: bool | None = None) -> MarketStatus:
    """What is told of a window that Up wins."""
    status = MarketStatus(window=WINDOW, up_won=up_won)
    return oddities.shown(status, True if now_ms >= CLOSES else None, now_ms)


def result_row(status: MarketStatus) -> tuple[Any, ...]:
    row = market_row(status)
    return tuple(row[name] for name in RESULT)


def with_oddity(kind: FaultKind, seed: int = 1) -> Oddities:
    oddities = Oddities(WINDOW, Random(seed))
    oddities.add(kind, kind.lasts_ms)
    return oddities


def test_f33_a_result_is_proposed_then_disputed_and_resolved_at_last() -> None:
    prices = set()
    for seed in range(8):
        oddities = with_oddity(FaultKind.PROPOSED_RESULT, seed)
        closed, uma, told_prices, accepting = result_row(told(oddities, RESOLVES))
        assert (closed, uma, accepting) == (True, "proposed", False)
        prices.add(told_prices)
        assert result_row(told(oddities, RESOLVES + 30_000))[1] == "disputed"
        assert oddities.decided_at_ms == RESOLVES + 60_000
        decided = told(oddities, RESOLVES + 60_000, up_won=True)
        assert result_row(decided)[:3] == (True, "resolved", '["1","0"]')
    assert prices == {'["0.5","0.5"]', '["0","1"]'}


def test_f33_a_result_is_resolved_for_the_loser_and_overturned() -> None:
    oddities = with_oddity(FaultKind.OVERTURNED_RESULT)
    assert result_row(told(oddities, RESOLVES))[:3] == (True, "resolved", '["0","1"]')
    assert oddities.overturned_winner(up_wins=True, now_ms=RESOLVES) is False
    assert oddities.overturned_winner(up_wins=True, now_ms=RESOLVES + 60_000) is None
    decided = told(oddities, RESOLVES + 60_000, up_won=True)
    assert result_row(decided)[:3] == (True, "resolved", '["1","0"]')


def test_f42_the_schedule_says_no_fees_beside_the_legacy_ones() -> None:
    status = told(with_oddity(FaultKind.UNSURE_FEES), OPENS)
    row = market_row(status)
    assert (row["feesEnabled"], row["feeSchedule"]["rate"], row["takerBaseFee"]) == (True, 0, 1000)
    assert clob_market(status)["fd"]["r"] == 0
    assert status.knows_fee_rate
    assert not told(with_oddity(FaultKind.UNKNOWN_FEES), OPENS).knows_fee_rate


@pytest.mark.parametrize(
    ("kind", "field", "odd", "usual"),
    [
        (FaultKind.NOT_ACCEPTING, "acceptingOrders", False, True),
        (FaultKind.INACTIVE, "active", False, True),
        (FaultKind.CLOSED_EARLY, "closed", True, False),
    ],
)
def test_f46_a_window_is_not_ready_at_its_start_and_is_a_minute_later(
    kind: FaultKind, field: str, odd: bool, usual: bool
) -> None:
    oddities = with_oddity(kind)
    assert market_row(told(oddities, OPENS + 59_999))[field] is odd
    assert market_row(told(oddities, OPENS + 60_000))[field] is usual


def test_f46_a_window_of_negative_risk_stays_one() -> None:
    status = told(with_oddity(FaultKind.NEGATIVE_RISK), CLOSES - 1)
    assert market_row(status)["negRisk"] is True
    assert clob_market(status)["nr"] is True


@pytest.mark.parametrize(
    ("kind", "grid"),
    [(FaultKind.QUARTER_CENT_GRID, 0.0025), (FaultKind.HUNDREDTH_CENT_GRID, 0.0001)],
)
def test_f46_the_grid_becomes_finer_than_a_tick_and_the_market_channel_tells_it(
    kind: FaultKind, grid: float
) -> None:
    world = simulation(seed=6, rate=5.0)
    market = world.catalogue.with_slug(WINDOW.slug)
    assert market is not None
    market.oddities.add(kind, 2_000)  # type: ignore[attr-defined] # a simulated one
    events = [
        event
        for frames in world.advance(OPENS + 4_000)
        for event in market_events(frames)
        if event["event_type"] == "tick_size_change" and event["asset_id"] in WINDOW.tokens
    ]
    assert [(one["asset_id"], one["old_tick_size"], one["new_tick_size"]) for one in events] == [
        (token, "0.01", str(grid)) for token in WINDOW.tokens
    ]
    assert market_row(market.status)["orderPriceMinTickSize"] == grid
    assert market.books[0].summary(0)["tick_size"] == str(grid)


@against(start_ms=OPENS + 20_000, speed=20.0, rate=20.0)
async def test_f46_a_grid_that_is_asked_for_in_the_middle_of_a_window_is_told_at_once(
    exchange: LocalExchange,
) -> None:
    async with websockets.connect(exchange.url(Channel.MARKET)) as socket:
        await socket.send(json.dumps({"type": "market", "assets_ids": list(WINDOW.tokens)}))
        while exchange.orders.now_ms < OPENS + 30_000:
            await socket.recv()
        await inject(exchange, kind="quarter_cent_grid", for_ms=0)
        texts: list[str] = []
        while "tick_size_change" not in (texts or [""])[-1]:
            texts.append(str(await socket.recv()))
    assert '"new_tick_size":"0.0025"' in texts[-1]
    row = await get(f"{exchange.http_url}/markets/slug/{WINDOW.slug}")
    assert row["orderPriceMinTickSize"] == 0.0025


def test_a_command_waits_for_a_window_of_which_it_would_be_seen() -> None:
    oddities = Oddities(WINDOW, Random(1))
    for kind, last_ms in (
        (FaultKind.NOT_ACCEPTING, OPENS + 59_999),
        (FaultKind.UNSURE_FEES, OPENS - 1),
        (FaultKind.PROPOSED_RESULT, RESOLVES - 1),
    ):
        assert oddities.would_show(kind, 60_000, last_ms)
        assert not oddities.would_show(kind, 60_000, last_ms + 1)
    grid = FaultKind.QUARTER_CENT_GRID
    assert oddities.would_show(grid, 0, CLOSES - 1)
    oddities.add(grid, 0)
    assert not oddities.would_show(grid, 0, CLOSES - 1)


def test_a_window_is_drawn_for_when_it_begins_and_when_it_ends() -> None:
    oddities = Oddities(WINDOW, Random(1))
    assert oddities.kinds_to_draw(OPENS - 60_001) == ()
    for now_ms, occasion in ((OPENS - 60_000, Occasion.OPENING), (CLOSES, Occasion.RESULT)):
        expected = tuple(kind for kind in FaultKind if kind.occasion is occasion)
        assert oddities.kinds_to_draw(now_ms) == expected


@against(
    faults=(
        '[[at]]\nkind = "overturned_result"\nfor_ms = 60000\n'
        '[[at]]\nkind = "unknown_fees"\ncount = 2\n'
    ),
    start_ms=WINDOW_START_MS - 10_000,
    speed=20.0,
    rate=5.0,
)
async def test_a_running_exchange_lets_windows_be_odd_by_name(exchange: LocalExchange) -> None:
    this = Window.at("btc", 5, WINDOW_START_MS - 300_000)
    after = Window.at("btc", 5, WINDOW_START_MS)
    told: list[str] = []
    while len(told) < 2:
        row = await get(f"{exchange.http_url}/markets/slug/{this.slug}")
        if row["umaResolutionStatus"] == "resolved" and row["outcomePrices"] not in told:
            told.append(row["outcomePrices"])
        await asyncio.sleep(0.02)
    assert exchange.orders.now_ms >= this.resolves_at_ms + 60_000
    assert sorted(told) == ['["0","1"]', '["1","0"]']
    base = f"{exchange.http_url}/fee-rate?token_id="
    assert "error" in await get(base + after.up_token)
    later = Window.at("btc", 5, WINDOW_START_MS + 300_000)
    assert await get(base + later.up_token) == {"base_fee": 700}
    row = await get(f"{exchange.http_url}/markets/slug/{after.slug}")
    assert row["feeSchedule"]["rate"] == 0


def test_the_wrong_winner_is_announced_before_the_right_one() -> None:
    world = simulation(seed=6, rate=5.0)
    market = world.catalogue.with_slug(WINDOW.slug)
    assert market is not None
    market.oddities.add(FaultKind.OVERTURNED_RESULT, 10_000)  # type: ignore[attr-defined]
    winners = [
        json.loads(frame.text)["winning_outcome"]
        for frames in world.advance(RESOLVES + 12_000)
        for frame in frames
        if '"market_resolved"' in frame.text and WINDOW.condition_id in frame.text
    ]
    assert len(set(winners)) == len(winners) == 2
