"""Builders for the feeds' tests: a market, wire frames, dice, and a way to read effects."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from nouns import a_market

from actors.core import Command, Core, Effects, Send, SetTimer
from actors.feeds.connection import RECONNECT_TIMER, Connect, Connected, FramesReceived
from actors.feeds.market_feed import MarketFeedCore
from actors.messages.directory import MarketOpened
from actors.messages.lifecycle import Started, TimerFired
from actors.model import Market
from actors.roles import MARKET_FEED
from actors.settings import Settings

NOW_MS = 1_776_331_800_000

_Kind = TypeVar("_Kind")


class FixedDice:
    """Dice that always fall the same way."""

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def random(self) -> float:
        return self.value

    def getrandbits(self, bits: int) -> int:
        return int(self.value * 2**bits)


def new_market_feed() -> MarketFeedCore:
    return MarketFeedCore(MARKET_FEED, Settings(), FixedDice())


def market(number: int = 1) -> Market:
    opens_at_ms = NOW_MS + 300_000 * number
    return a_market(
        opens_at_ms, 5, market_id=f"0x{number:02}", yes_token=f"{number}1", no_token=f"{number}2"
    )


def opened(number: int = 1) -> MarketOpened:
    return MarketOpened(market=market(number), strike=None)


def frame(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def book_frame(asset_id: str = "11", at_ms: int = NOW_MS, **changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "event_type": "book",
        "market": "0x01",
        "asset_id": asset_id,
        "bids": [{"price": ".47", "size": "10"}, {"price": ".48", "size": "30.5"}],
        "asks": [{"price": "0.53", "size": "7"}, {"price": "0.52", "size": "25"}],
        "timestamp": str(at_ms),
        "hash": "0a",
    }
    return frame(**(fields | changed))


def change_frame(asset_id: str = "11", price: str = "0.5", size: str = "12") -> bytes:
    change = {"asset_id": asset_id, "price": price, "size": size, "side": "BUY", "best_bid": "0.5"}
    return frame(
        event_type="price_change",
        market="0x01",
        price_changes=[change],
        timestamp=str(NOW_MS),
    )


def resolved_frame(market_id: str = "0x01", asset_id: str = "11") -> bytes:
    return frame(
        event_type="market_resolved",
        market=market_id,
        winning_asset_id=asset_id,
        winning_outcome="Up",
        timestamp=str(NOW_MS),
    )


def received(core: Any, *raws: bytes, arrived_ns: int = 1) -> FramesReceived:
    """Frames that arrive on the core's present connection, one nanosecond apart."""
    frames = tuple((raw, arrived_ns + index) for index, raw in enumerate(raws))
    return FramesReceived(core.connection.epoch, frames)


def sent(effects: Effects, kind: type[_Kind], to: str | None = None) -> list[_Kind]:
    """Messages of one type among the effects."""
    return [
        effect.message
        for effect in effects
        if isinstance(effect, Send)
        and isinstance(effect.message, kind)
        and (to is None or effect.to == to)
    ]


def commands(effects: Effects, kind: type[_Kind]) -> list[_Kind]:
    """Port commands of one type among the effects."""
    return [
        effect.command
        for effect in effects
        if isinstance(effect, Command) and isinstance(effect.command, kind)
    ]


def timers(effects: Effects) -> dict[str, int]:
    """Timers set among the effects."""
    return {effect.key: effect.delay_ms for effect in effects if isinstance(effect, SetTimer)}


def bring_up(core: Core, now_ms: int = NOW_MS) -> Effects:
    """Start a core (the market feed with a market) and open its connection."""
    effects = core.handle(Started(), now_ms)
    if core.accepts(MarketOpened):
        effects = core.handle(opened(), now_ms)
    (connect,) = commands(effects, Connect)
    return core.handle(Connected(connect.epoch), now_ms)


def reconnect(core: Core, now_ms: int = NOW_MS) -> Effects:
    """Let the backoff end and the next connection open."""
    (connect,) = commands(core.handle(TimerFired(RECONNECT_TIMER), now_ms), Connect)
    return core.handle(Connected(connect.epoch), now_ms)
