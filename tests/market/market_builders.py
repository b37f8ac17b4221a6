"""Markets, batches and what market state sends, as its tests need them."""

from __future__ import annotations

from typing import Any

from nouns import a_market

from actors.core import Effects, Send
from actors.market.core import MarketStateCore
from actors.messages.feeds import BookEvent, MarketBatch, MarketEvent
from actors.messages.lifecycle import TimerFired
from actors.messages.market import MarketSnapshot, SnapshotTaken
from actors.model import Strike
from actors.roles import EXECUTOR, OBSERVER, STRATEGY
from actors.units import E18

OPENS_AT_MS = 1_780_000_000_000
NOW_MS = OPENS_AT_MS + 60_000
BEAT = TimerFired("beat")
SUBSCRIBERS = (STRATEGY, EXECUTOR, OBSERVER)

MARKET = a_market(
    OPENS_AT_MS, market_id="0xmarket", slug="btc-updown-15m", yes_token="up", no_token="down"
)
STRIKE = Strike(price_e18=100_000 * E18, source="twap-60s tick", timestamp_ms=OPENS_AT_MS)
UP = BookEvent("up", NOW_MS, ((480, 30), (470, 5)), ((500, 10),))
DOWN = BookEvent("down", NOW_MS, ((500, 10),), ((520, 30), (530, 5)))


def batch(
    batch_id: int, *events: MarketEvent, tick_ns: int = 5, is_fresh_start: bool = False
) -> MarketBatch:
    return MarketBatch(
        batch_id=batch_id, events=events, tick_ns=tick_ns, is_fresh_start=is_fresh_start
    )


def sent(effects: Effects, kind: type, to: str) -> list[Any]:
    return [
        effect.message
        for effect in effects
        if isinstance(effect, Send) and effect.to == to and isinstance(effect.message, kind)
    ]


def shown(effects: Effects, to: str = STRATEGY) -> MarketSnapshot:
    (snapshot,) = sent(effects, MarketSnapshot, to)
    assert isinstance(snapshot, MarketSnapshot)
    return snapshot


def answer(core: MarketStateCore, effects: Effects, now_ms: int) -> Effects:
    """Let every subscriber answer the snapshots it was sent; returns what that brings."""
    return [
        follow_up
        for role in SUBSCRIBERS
        for snapshot in sent(effects, MarketSnapshot, role)
        for follow_up in core.handle(SnapshotTaken(snapshot.sequence), now_ms)
    ]
