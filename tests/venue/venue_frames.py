"""Helpers of the exchange's tests: decoded frames, and a client's own book kept from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from venue.frames import Channel, Frame
from venue.simulation.simulation import Simulation
from venue.world import World

WINDOW_START_MS = 1_795_363_500_000
ORIGIN_MS = WINDOW_START_MS - 70_000
RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "btc-updown-5m"


def simulation(seed: int = 1, rate: float = 25.0, origin_ms: int = ORIGIN_MS) -> Simulation:
    return Simulation(seed=seed, series=[("btc", 5)], origin_ms=origin_ms, frames_per_second=rate)


def frames_until(world: World, until_ms: int) -> Iterator[Frame]:
    for frames in world.advance(until_ms):
        yield from frames


def market_events(frames: Iterator[Frame] | list[Frame]) -> Iterator[dict[str, Any]]:
    for frame in frames:
        if frame.channel is Channel.MARKET:
            yield json.loads(frame.text)


def level_map(levels: list[dict[str, str]]) -> dict[str, str]:
    return {level["price"]: level["size"] for level in levels}


class ClientBook:
    """What a client knows of one token from frames alone."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def take(self, event: dict[str, Any]) -> None:
        if event["event_type"] == "book" and event["asset_id"] == self.token:
            self.bids, self.asks = level_map(event["bids"]), level_map(event["asks"])
        for change in event.get("price_changes", []):
            if change["asset_id"] == self.token:
                levels = self.bids if change["side"] == "BUY" else self.asks
                levels[change["price"]] = change["size"]
                if change["size"] == "0":
                    del levels[change["price"]]
