from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import islice
from typing import Any

import pytest
from venue_frames import (
    ORIGIN_MS,
    WINDOW_START_MS,
    ClientBook,
    frames_until,
    level_map,
    market_events,
    simulation,
)

from actors.units import ticks_from_text, units_from_text
from venue.engine.messages import Outcome
from venue.frames import Channel, Frame
from venue.simulation.simulation import Simulation
from venue.wire.text import json_text

WINDOW_END_MS = WINDOW_START_MS + 300_000
RATE = 30.0
PUBLIC = ("price_change", "book", "last_trade_price")


def test_the_same_seed_gives_the_same_frames() -> None:
    first = list(islice(frames_until(simulation(seed=7), WINDOW_END_MS), 4_000))
    second = list(islice(frames_until(simulation(seed=7), WINDOW_END_MS), 4_000))

    assert first == second


def test_how_often_and_how_far_the_world_is_advanced_changes_nothing() -> None:
    often, seldom = simulation(seed=7), simulation(seed=7)
    until_ms = WINDOW_START_MS + 20_000
    frames = [
        frame
        for now_ms in range(ORIGIN_MS, until_ms + 1, 7)
        for frame in frames_until(often, now_ms)
    ]

    assert frames == list(frames_until(seldom, often.now_ms))
    assert frames


def test_another_seed_gives_another_market() -> None:
    one = list(islice(frames_until(simulation(seed=1), WINDOW_END_MS), 500))
    other = list(islice(frames_until(simulation(seed=2), WINDOW_END_MS), 500))

    assert one != other


def test_the_reference_price_is_the_same_at_any_rate() -> None:
    def averages(rate: float) -> list[str]:
        frames = frames_until(simulation(rate=rate), WINDOW_START_MS)
        return [frame.text for frame in frames if frame.channel is Channel.RTDS]

    assert averages(5.0) == averages(50.0)


def test_a_clients_books_follow_the_published_ones_and_mirror_each_other() -> None:
    world = simulation(seed=3, rate=60.0)
    market = next(iter(world.catalogue))
    tokens = market.status.window.tokens
    clients = [ClientBook(token) for token in tokens]
    for client, book in zip(clients, market.books, strict=True):
        summary = json.loads(json_text(book.summary(0)))
        client.bids, client.asks = level_map(summary["bids"]), level_map(summary["asks"])
    compared_count = 0
    for frames in world.advance(WINDOW_START_MS + 16_000 - 20):
        for event in market_events(frames):
            for client in clients:
                client.take(event)
        up, down = clients
        assert _levels(up.bids) == dict(market.books[0].bids())
        assert _levels(down.asks) == dict(market.books[1].asks())
        if market.publisher.lagging is None:
            mirrored = {1000 - price: size for price, size in _levels(down.asks).items()}
            assert mirrored == _levels(up.bids)
            compared_count += 1

    assert compared_count > 3_000


def _levels(levels: dict[str, str]) -> dict[int, int]:
    return {ticks_from_text(price): units_from_text(size) for price, size in levels.items()}


@pytest.fixture(scope="module")
def one_window() -> tuple[Simulation, list[Frame], Counter[int], list[float], list[int]]:
    """One window at a twelfth of the real rate; spread and touch five times a second."""
    world = simulation(seed=5, rate=RATE)
    frames: list[Frame] = []
    spreads: Counter[int] = Counter()
    touches: list[float] = []
    level_counts: list[int] = []
    for number, step in enumerate(world.advance(WINDOW_END_MS + 17_000)):
        frames += step
        open_now = [
            market
            for market in world.catalogue
            if market.status.window.opens_at_ms <= world.now_ms < market.status.window.closes_at_ms
        ]
        for market in open_now if number % 10 == 0 else ():
            bids, asks = market.books[0].bids(), market.books[0].asks()
            level_counts.append(len(bids) + len(asks))
            if bids and asks:
                spreads[asks[0][0] - bids[0][0]] += 1
                touches += [bids[0][1] / 1e6, asks[0][1] / 1e6]
    return world, frames, spreads, sorted(touches), level_counts


def test_spread_depth_and_rate_look_like_the_recorded_windows(one_window) -> None:
    _, frames, spreads, touches, level_counts = one_window
    total = sum(spreads.values())
    about_a_cent = sum(count for ticks, count in spreads.items() if 8 <= ticks <= 12)
    told = Counter(event["event_type"] for event in market_events(frames))
    seconds = (WINDOW_END_MS - WINDOW_START_MS) / 1000

    assert 0.6 < about_a_cent / total < 0.95
    assert all(ticks > 0 for ticks in spreads)
    assert 5 < touches[len(touches) // 10] < 80
    assert 120 < touches[len(touches) // 2] < 400
    assert 450 < touches[len(touches) * 9 // 10] < 1_500
    assert 80 < sorted(level_counts)[len(level_counts) // 2] < 140
    assert 0.8 * RATE < sum(told[kind] for kind in PUBLIC) / seconds < 1.6 * RATE
    assert RATE / 125 < told["book"] / 2 / seconds < RATE / 20


def test_windows_open_end_resolve_by_the_average_and_roll(one_window) -> None:
    world, frames, _, _, _ = one_window
    resolved = [e for e in market_events(frames) if e["event_type"] == "market_resolved"]
    announced = [e for e in market_events(frames) if e["event_type"] == "new_market"]
    statuses = [market.status for market in world.catalogue]
    first, second = (
        statuses[-2:] if statuses[-1].is_closed else [s for s in statuses if s.is_closed]
    )

    assert [event["market"] for event in resolved] == [
        first.window.condition_id,
        second.window.condition_id,
    ]
    assert [int(event["timestamp"]) for event in resolved] == [
        WINDOW_START_MS + 16_000,
        WINDOW_END_MS + 16_000,
    ]
    assert len(announced) == 2
    for status, event in zip((first, second), resolved, strict=True):
        assert status.strike_e18 is not None
        assert status.close_e18 is not None
        assert status.up_won is (status.close_e18 >= status.strike_e18)
        assert event["winning_outcome"] == ("Up" if status.up_won else "Down")
    assert second.strike_e18 == first.close_e18
    coming = [status.window.opens_at_ms for status in statuses if not status.is_closed]
    assert sorted(coming) == [WINDOW_END_MS, WINDOW_END_MS + 300_000, WINDOW_END_MS + 600_000]


def test_strike_and_close_are_the_averages_told_for_start_and_end(one_window) -> None:
    world, frames, _, _, _ = one_window
    ticks = {
        tick["payload"]["timestamp"]: int(tick["payload"]["full_accuracy_value"])
        for frame in frames
        if frame.channel is Channel.RTDS
        and (tick := json.loads(frame.text))["topic"] == "crypto_prices_twap_sixty"
    }
    status = _market_of(world, WINDOW_START_MS).status

    assert status.strike_e18 == ticks[WINDOW_START_MS]
    assert status.close_e18 == ticks[WINDOW_END_MS]


def test_the_price_runs_to_an_end_on_a_finer_grid(one_window) -> None:
    world, frames, _, _, _ = one_window
    status = _market_of(world, WINDOW_START_MS).status
    last_mid: dict[str, float] = {}
    grids = defaultdict(list)
    for event in market_events(frames):
        if event["event_type"] == "best_bid_ask" and int(event["timestamp"]) < WINDOW_END_MS:
            last_mid[event["asset_id"]] = (float(event["best_bid"]) + float(event["best_ask"])) / 2
        if event["event_type"] == "tick_size_change":
            grids[event["asset_id"]].append((event["old_tick_size"], event["new_tick_size"]))
    up, down = status.window.tokens

    winner, loser = (up, down) if status.up_won else (down, up)
    assert last_mid[winner] > 0.97
    assert last_mid[loser] < 0.03
    assert grids[up] == grids[down]
    assert grids[up][-1] == ("0.01", "0.001")


def test_coinbase_numbers_its_matches_without_a_gap_and_beats_every_second(one_window) -> None:
    _, frames, _, _, _ = one_window
    told = [json.loads(frame.text) for frame in frames if frame.channel is Channel.COINBASE]
    trade_ids = [event["trade_id"] for event in told if event["type"] == "ticker"]
    sequences = [event["sequence"] for event in told if event["type"] == "ticker"]
    beats = [event for event in told if event["type"] == "heartbeat"]

    assert trade_ids == list(range(trade_ids[0], trade_ids[0] + len(trade_ids)))
    assert sequences == sorted(set(sequences))
    assert len(beats) == (WINDOW_END_MS + 17_000 - ORIGIN_MS) // 1000


def test_a_lagging_token_stands_still_and_is_then_sent_whole() -> None:
    world = simulation(seed=2, rate=200.0)
    market = next(m for m in world.catalogue if m.status.window.opens_at_ms == WINDOW_START_MS)
    up_token, down_token = market.status.window.tokens
    list(frames_until(world, WINDOW_START_MS + 5_000))
    lagging = market.publisher
    lagging.lag(Outcome.DOWN, world.now_ms + 400)
    still = market.books[1].bids()
    events = list(market_events(frames_until(world, world.now_ms + 380)))
    told = {change["asset_id"] for event in events for change in event.get("price_changes", ())}

    assert up_token in told
    assert down_token not in told
    assert market.books[1].bids() == still
    later = list(market_events(frames_until(world, world.now_ms + 40)))
    assert any(e["event_type"] == "book" and e["asset_id"] == down_token for e in later)
    assert market.books[1].bids() == [(1000 - p, s) for p, s in market.books[0].asks()]


def test_the_market_offers_what_the_strategy_waits_for() -> None:
    """Cheap sides, thin touches and, now and then, two asks that add up to less than a dollar."""
    seen: Counter[str] = Counter()
    for seed in (3,):
        world = simulation(seed=seed, rate=25.0)
        list(frames_until(world, WINDOW_START_MS))
        market = _market_of(world, WINDOW_START_MS)
        for number, _ in enumerate(world.advance(WINDOW_END_MS - 20)):
            if number % 5 == 0:
                _note_chances(market.books[0].asks()[:1], market.books[1].asks()[:1], seen)

    assert seen["cheap"] > 300
    assert seen["thin"] > 300
    assert seen["arbitrage"] > 0


def _note_chances(
    up: list[tuple[int, int]], down: list[tuple[int, int]], seen: Counter[str]
) -> None:
    if not up or not down:
        return
    (up_ask, up_size), (down_ask, down_size) = up[0], down[0]
    fee_ticks = sum(70 * ask * (1000 - ask) / 10**6 for ask in (up_ask, down_ask))
    seen["cheap"] += min(up_ask, down_ask) < 400
    seen["thin"] += min(up_size, down_size) < 20_000_000
    seen["arbitrage"] += up_ask + down_ask + fee_ticks < 1000


def _market_of(world: Simulation, opens_at_ms: int) -> Any:
    return next(m for m in world.catalogue if m.status.window.opens_at_ms == opens_at_ms)
