"""Frames of the price services: RTDS, PolyBolt and Coinbase."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from actors.core import Send
from actors.feeds import coinbase, rtds
from actors.feeds.connection import Connected, FramesReceived
from actors.feeds.decoding import MalformedFrame
from actors.feeds.polybolt import CHANNEL, PolyBoltProtocol
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.messages.feeds import ReferencePrice, TwapTick
from actors.messages.lifecycle import Started
from actors.roles import REFERENCE_FEED
from actors.settings import Settings
from bench.fuzz.mutations import mutated
from bench.fuzz.target import Target, hold

NOW_MS = 1_776_331_800_000
_PRICE_E18 = "68900457815000000000000"


def _point(number: int) -> dict[str, Any]:
    return {
        "timestamp": NOW_MS + number * 1_000,
        "value": 68900.45,
        "full_accuracy_value": "68900.457815",
    }


_RTDS_PAYLOAD = {
    "symbol": "btc/usd",
    "timestamp": NOW_MS,
    "value": 68900.45,
    "full_accuracy_value": _PRICE_E18,
    "window_s": 60,
}
RTDS_SHAPES: tuple[dict[str, Any], ...] = (
    {"topic": rtds.TWAP_TOPIC, "type": "update", "timestamp": NOW_MS, "payload": _RTDS_PAYLOAD},
    {
        "topic": rtds.TWAP_TOPIC,
        "type": "subscribe",
        "payload": {
            "symbol": "btc/usd",
            "window_s": 60,
            "data": [{**_RTDS_PAYLOAD, "timestamp": NOW_MS + n * 1_000} for n in range(4)],
        },
    },
)
_BOLT_PAYLOAD = {"symbol": "btcusd", "source": "chainlink", "window_seconds": 60}
BOLT_SHAPES: tuple[dict[str, Any], ...] = (
    {
        "v": 1,
        "channel": CHANNEL,
        "seq": 2,
        "ts": NOW_MS,
        "snapshot": False,
        "payload": {**_BOLT_PAYLOAD, **_point(0)},
    },
    {
        "v": 1,
        "channel": CHANNEL,
        "seq": 1,
        "ts": NOW_MS,
        "snapshot": True,
        "dropped": 0,
        "payload": {**_BOLT_PAYLOAD, "data": [_point(number) for number in range(4)]},
    },
    {"op": "authed", "rid": "auth"},
    {"op": "subscribed", "rid": "subscribe", "channel": CHANNEL},
    {"op": "error", "rid": "subscribe", "code": "bad_filter", "channel": CHANNEL},
    {"op": "pong", "rid": "ping"},
)
COINBASE_SHAPES: tuple[dict[str, Any], ...] = (
    {
        "type": "ticker",
        "sequence": 37_475_248_783,
        "product_id": "BTC-USD",
        "price": "68900.52",
        "side": "buy",
        "time": "2026-04-16T09:30:00.123456Z",
        "trade_id": 370_843_401,
        "last_size": "0.01",
    },
    {
        "type": "heartbeat",
        "sequence": 90,
        "last_trade_id": 370_843_401,
        "product_id": "BTC-USD",
        "time": "2026-04-16T09:30:00Z",
    },
    {"type": "subscriptions", "channels": [{"name": "ticker", "product_ids": ["BTC-USD"]}]},
    {"type": "error", "message": "Failed", "reason": "ErrSlowConsume"},
)


def _hold_ticks(ticks: Sequence[TwapTick]) -> None:
    for tick in ticks:
        hold(tick.price_e18 > 0, f"{tick!r:.200} is no price")
        hold(
            type(tick.timestamp_ms) is int and tick.timestamp_ms >= 0, f"{tick!r:.200} has no time"
        )
        hold(tick.window_s > 0, f"{tick!r:.200} is no average")
    moments = [tick.timestamp_ms for tick in ticks]
    hold(moments == sorted(moments), "ticks are not oldest first")


def rtds_frames(chance: random.Random) -> str:
    """Every tick is valid, unreadable ones are named, and a bad one in a history is alone."""
    raw = mutated(chance.choice(RTDS_SHAPES), chance)
    ticks, problems = rtds.decode(raw, "btc/usd")
    _hold_ticks(ticks)
    good = RTDS_SHAPES[1]["payload"]["data"]
    bad = mutated(good[0], chance)
    if not _is_json(bad):
        return "named" if problems else "read"
    rows = [msgspec.json.encode(row) for row in good]
    frame = msgspec.json.encode(RTDS_SHAPES[1])
    listed = b",".join([*rows, bad])
    history = frame.replace(b",".join(rows), listed)
    hold(history.count(bad) >= 1, "the campaign's own list is broken")
    with_bad, _ = rtds.decode(history, "btc/usd")
    expected, _ = rtds.decode(frame, "btc/usd")
    hold(all(tick in with_bad for tick in expected), "a bad tick took a good one with it")
    return "named" if problems else "read"


def bolt_frames(chance: random.Random) -> str:
    """As for RTDS; and the frame after a bad one is still read."""
    protocol = PolyBoltProtocol("btcusd")
    received = protocol.receive(mutated(chance.choice(BOLT_SHAPES), chance))
    _hold_ticks(received.ticks)
    hold(received.lost_count >= 0, "frames lost are fewer than none")
    after = protocol.receive(msgspec.json.encode(BOLT_SHAPES[0]))
    hold(len(after.ticks) == 1, "a good frame after a bad one is not read")
    bad = mutated(_point(9), chance)
    if _is_json(bad):
        frame = msgspec.json.encode(BOLT_SHAPES[1])
        first = msgspec.json.encode(_point(0))
        with_bad = PolyBoltProtocol("btcusd").receive(frame.replace(first, first + b"," + bad))
        expected = PolyBoltProtocol("btcusd").receive(frame).ticks
        hold(all(tick in with_bad.ticks for tick in expected), "a bad tick took a good one with it")
    return "named" if received.problems else "read"


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def coinbase_frames(chance: random.Random) -> str:
    """Nothing but MalformedFrame; the feed goes on, and its price is of about now."""
    raw = mutated(chance.choice(COINBASE_SHAPES), chance) or b" "
    word = "read"
    try:
        coinbase.decode(raw)
    except MalformedFrame:
        word = "malformed"
    core = ReferenceFeedCore(REFERENCE_FEED, Settings(), random.Random(1))
    core.handle(Started(), NOW_MS)
    core.handle(Connected(core.connection.epoch), NOW_MS)
    good = msgspec.json.encode(COINBASE_SHAPES[0])
    received = FramesReceived(core.connection.epoch, ((raw, 1), (good, 2)))
    effects = core.handle(received, NOW_MS)
    hold(core.counts.malformed_count == (word == "malformed"), "malformed and not counted")
    for effect in effects:
        if isinstance(effect, Send) and isinstance(effect.message, ReferencePrice):
            price = effect.message
            hold(price.price_e18 > 0, "a price that is none")
            hold(price.timestamp_ms <= NOW_MS + 60_000, "a price that is new for ever")
    return word


TARGETS = (
    Target("RTDS frames", rtds_frames, 2),
    Target("PolyBolt frames", bolt_frames, 2),
    Target("Coinbase frames", coinbase_frames, 2),
)
