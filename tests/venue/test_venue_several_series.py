"""An exchange that offers several series at once."""

from __future__ import annotations

import json
import math
from collections import Counter
from random import Random

from venue_frames import ORIGIN_MS, WINDOW_START_MS

from venue.channels.coinbase import CoinbaseSession
from venue.channels.rtds import RtdsSession
from venue.frames import Channel, Frame
from venue.simulation.reference import CORRELATION, ReferenceWalk
from venue.simulation.simulation import Simulation

SERIES = [("btc", 5), ("eth", 5), ("eth", 15)]


def world(seed: int = 1) -> Simulation:
    return Simulation(seed=seed, series=SERIES, origin_ms=ORIGIN_MS, frames_per_second=40)


def frames_of(simulation: Simulation, until_ms: int) -> list[Frame]:
    return [frame for step in simulation.advance(until_ms) for frame in step]


def test_every_series_lists_its_windows_and_moves_its_books() -> None:
    simulation = world()
    frames = frames_of(simulation, WINDOW_START_MS + 5_000)
    slugs = {market.status.window.slug.rpartition("-")[0] for market in simulation.catalogue}
    assert slugs == {"btc-updown-5m", "eth-updown-5m", "eth-updown-15m"}
    moved = {key for frame in frames if frame.channel is Channel.MARKET for key in frame.keys}
    for market in simulation.catalogue:
        if market.status.window.opens_at_ms <= simulation.now_ms:
            assert moved & set(market.status.window.tokens)


def test_one_price_an_underlying_settles_all_its_series() -> None:
    simulation = world()
    frames = frames_of(simulation, WINDOW_START_MS + 1_000)
    told = [json.loads(frame.text) for frame in frames if frame.channel is Channel.RTDS]
    assert {each["payload"]["symbol"] for each in told} == {"btc/usd", "eth/usd"}
    opened = [
        market.status
        for market in simulation.catalogue
        if market.status.window.opens_at_ms == WINDOW_START_MS
    ]
    strikes = {(status.window.asset, status.strike_e18) for status in opened}
    assert len(strikes) == len({asset for asset, _ in strikes})


def test_one_series_may_be_busier_than_the_others() -> None:
    simulation = Simulation(
        seed=1,
        series=SERIES,
        origin_ms=ORIGIN_MS,
        frames_per_second=10,
        own_rates={("eth", 5): 100},
    )
    series_of = {
        token: market.status.window.slug.rpartition("-")[0]
        for market in simulation.catalogue
        for token in market.status.window.tokens
    }
    frames_of(simulation, WINDOW_START_MS)
    frames = frames_of(simulation, WINDOW_START_MS + 3_000)
    counts = Counter(series_of.get(frame.keys[0]) for frame in frames)
    assert counts["eth-updown-5m"] > 5 * counts["btc-updown-5m"] > 0


def test_the_same_seed_and_series_give_the_same_frames() -> None:
    until_ms = ORIGIN_MS + 3_000
    assert frames_of(world(3), until_ms) == frames_of(world(3), until_ms)


def test_a_client_hears_of_the_underlyings_that_it_asks_for() -> None:
    simulation = world()
    frames_of(simulation, ORIGIN_MS + 2_000)
    rtds = RtdsSession(simulation.prices, lambda: simulation.now_ms)
    item = {"topic": "crypto_prices_twap_sixty", "filters": '{"symbol":"eth/usd"}'}
    (history,) = rtds.receive(json.dumps({"action": "subscribe", "subscriptions": [item]}))
    assert json.loads(str(history))["payload"]["symbol"] == "eth/usd"
    assert rtds.keys == {"crypto_prices_twap_sixty/eth/usd"}
    coinbase = CoinbaseSession(simulation.prices)
    request = {"type": "subscribe", "product_ids": ["ETH-USD"], "channels": ["ticker"]}
    _, ticker = coinbase.receive(json.dumps(request))
    assert json.loads(str(ticker))["product_id"] == "ETH-USD"


def test_underlyings_move_in_part_together() -> None:
    leader = ReferenceWalk(Random(1), 90_000.0, 20)
    follower = ReferenceWalk(Random(2), 3_000.0, 20)
    moves: list[tuple[float, float]] = []
    before = (leader.dollars, follower.dollars)
    for _ in range(20_000):
        leader.step()
        follower.step(leader)
        moves.append((leader.dollars - before[0], follower.dollars - before[1]))
        before = (leader.dollars, follower.dollars)
    mean = [sum(side) / len(moves) for side in zip(*moves, strict=True)]
    spread = [
        math.sqrt(sum((each[n] - mean[n]) ** 2 for each in moves) / len(moves)) for n in (0, 1)
    ]
    joint = sum((a - mean[0]) * (b - mean[1]) for a, b in moves) / len(moves)
    assert abs(joint / (spread[0] * spread[1]) - CORRELATION) < 0.05
