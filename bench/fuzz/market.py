"""Market frames, by themselves and on their way into the books."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from actors.core import Effects, Send
from actors.feeds.connection import Connected, Disconnect, FramesReceived
from actors.feeds.market_channel import FinerGrid, MarketChannelDecoder, UnreadableElement
from actors.feeds.market_feed import MarketFeedCore
from actors.market.core import MarketStateCore
from actors.messages.directory import MarketOpened
from actors.messages.feeds import BookEvent, LastTradeEvent, MarketBatch, PriceChangeEvent
from actors.messages.lifecycle import Started
from actors.messages.market import BookView, MarketSnapshot, SnapshotWanted
from actors.model import Market, Side
from actors.roles import MARKET_FEED, MARKET_STATE
from actors.settings import Settings
from actors.units import PAYOUT_TICKS
from bench.fuzz.mutations import mutated
from bench.fuzz.target import Target, hold

NOW_MS = 1_776_331_800_000
YES, NO, MARKET_ID = "7" * 77, "8" * 76, "0x" + "ab" * 32
MARKET = Market(
    market_id=MARKET_ID,
    slug="btc-updown-15m-1776331800",
    yes_token=YES,
    no_token=NO,
    opens_at_ms=NOW_MS,
    closes_at_ms=NOW_MS + 900_000,
    tick_size_ticks=10,
    minimum_size_units=5_000_000,
    minimum_notional_nanos=1_000_000_000,
    fee_rate_bps=700,
    twap_window_s=60,
)


def _book(token: str, bid: str, ask: str) -> dict[str, Any]:
    return {
        "event_type": "book",
        "market": MARKET_ID,
        "asset_id": token,
        "bids": [{"price": "0.01", "size": "1000"}, {"price": bid, "size": "30.5"}],
        "asks": [{"price": "0.99", "size": "1000"}, {"price": ask, "size": "7"}],
        "timestamp": str(NOW_MS),
        "hash": "0a",
        "tick_size": "0.01",
    }


def _change(token: str, price: str, size: str, side: str) -> dict[str, Any]:
    return {"asset_id": token, "price": price, "size": size, "side": side, "best_bid": "0.4"}


SHAPES: tuple[dict[str, Any], ...] = (
    _book(YES, "0.48", "0.52"),
    _book(NO, "0.48", "0.52"),
    {
        "event_type": "price_change",
        "market": MARKET_ID,
        "price_changes": [_change(YES, "0.51", "9", "SELL"), _change(NO, "0.49", "9", "BUY")],
        "timestamp": str(NOW_MS + 1),
    },
    {
        "market": MARKET_ID,
        "price_changes": [_change(YES, "0.52", "0", "SELL"), _change(NO, "0.48", "0", "BUY")],
        "timestamp": str(NOW_MS + 2),
        "event_type": "price_change",
    },
    {
        "event_type": "last_trade_price",
        "market": MARKET_ID,
        "asset_id": YES,
        "price": "0.52",
        "size": "3",
        "side": "BUY",
        "fee_rate_bps": "0",
        "timestamp": str(NOW_MS),
    },
    {
        "event_type": "tick_size_change",
        "market": MARKET_ID,
        "asset_id": YES,
        "old_tick_size": "0.01",
        "new_tick_size": "0.001",
        "timestamp": str(NOW_MS),
    },
    {
        "event_type": "best_bid_ask",
        "market": MARKET_ID,
        "asset_id": YES,
        "best_bid": "0.48",
        "best_ask": "0.52",
        "spread": "0.04",
        "timestamp": str(NOW_MS),
    },
    {
        "event_type": "market_resolved",
        "market": MARKET_ID,
        "winning_asset_id": YES,
        "timestamp": str(NOW_MS),
    },
    {"event_type": "new_market", "id": "1", "market": "0xcd", "assets_ids": ["1", "2"]},
)
_GOOD = (msgspec.json.encode(SHAPES[0]), msgspec.json.encode(SHAPES[1]))


def frames(chance: random.Random) -> str:
    """A bad element changes nothing about valid ones beside it, and is never lost silently."""
    bad = mutated(chance.choice(SHAPES), chance)
    decoder = MarketChannelDecoder()
    alone = list(decoder.decode(bad))
    _hold_events(alone)
    try:
        msgspec.json.decode(bad, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        hold(any(isinstance(each, UnreadableElement) for each in alone), "lost silently")
        return "no JSON"
    first, last = (list(decoder.decode(each)) for each in _GOOD)
    together = list(decoder.decode(b"[" + _GOOD[0] + b"," + bad + b"," + _GOOD[1] + b"]"))
    hold(together[:1] == first, "a good element before the bad one is lost or changed")
    hold(together[-1:] == last, "a good element behind the bad one is lost or changed")
    if bad.lstrip()[:1] != b"[" and bad.count(b'"event_type"') == 1:  # two kinds are invalid
        hold(len(together) == len(alone) + 2, "a bad element counts differently in an array")
    return "unreadable" if any(isinstance(e, UnreadableElement) for e in alone) else "read"


def _hold_events(events: list[Any]) -> None:
    for event in events:
        if isinstance(event, BookEvent | PriceChangeEvent):
            levels = event.bids + event.asks
            hold(
                all(0 < p < PAYOUT_TICKS and u >= 0 for p, u in levels), f"levels of {event!r:.300}"
            )
        if isinstance(event, BookEvent):
            hold(list(event.bids) == sorted(event.bids, reverse=True), "bids are not best first")
            hold(list(event.asks) == sorted(event.asks), "asks are not best first")
        if isinstance(event, LastTradeEvent):
            hold(0 < event.price_ticks < PAYOUT_TICKS, "the price of a trade")


class Books:
    """A market feed and market state that have both books."""

    def __init__(self) -> None:
        chance = random.Random(1)
        self.feed = MarketFeedCore(MARKET_FEED, Settings(), chance)
        self.state = MarketStateCore(MARKET_STATE, Settings(), chance)
        opened = MarketOpened(market=MARKET, strike=None)
        for core in (self.feed, self.state):
            core.handle(Started(), NOW_MS)
            core.handle(opened, NOW_MS)
        self.feed.handle(Connected(self.feed.connection.epoch), NOW_MS)
        self.arrive(*_GOOD)

    def arrive(self, *raws: bytes) -> Effects:
        """Deliver frames; market state receives what the feed makes of them."""
        received = FramesReceived(self.feed.connection.epoch, tuple((raw, 1) for raw in raws))
        effects = self.feed.handle(received, NOW_MS)
        for effect in effects:
            if isinstance(effect, Send) and effect.to == MARKET_STATE:
                for answer in self.state.handle(effect.message, NOW_MS):
                    if isinstance(answer, Send) and answer.to == MARKET_FEED:
                        self.feed.handle(answer.message, NOW_MS)
        return effects

    def views(self) -> tuple[BookView, BookView]:
        """Both books, as traders see them."""
        (answer,) = self.state.handle(SnapshotWanted("a campaign"), NOW_MS)
        if not (isinstance(answer, Send) and isinstance(answer.message, MarketSnapshot)):
            raise TypeError("market state shows no snapshot")
        return answer.message.book(Side.YES), answer.message.book(Side.NO)


def books(chance: random.Random) -> str:
    """Unreadable elements invalidate the books or leave them unchanged, and are always counted."""
    bad = mutated(chance.choice(SHAPES), chance) or b" "  # an empty frame is not a message at all
    stage = Books()
    before, count = stage.views(), stage.feed.counts.malformed_count
    alone = MarketChannelDecoder().decode(bad)
    unread = [each for each in alone if isinstance(each, UnreadableElement)]
    effects = stage.arrive(bad)
    after = stage.views()
    if any(isinstance(each, FinerGrid) and each.token in (YES, NO) for each in alone):
        hold(not after[0].is_synced and not after[1].is_synced, "a book on a grid too fine")
        return "grid too fine"
    hold(stage.feed.counts.malformed_count >= count + len(unread), "unreadable and not counted")
    for view in after:
        levels = view.bids + view.asks
        hold(all(0 < p < PAYOUT_TICKS and u > 0 for p, u in levels), "a level that is none")
        hold(view.updated_at_ms <= NOW_MS + 60_000, "a book that is young for ever")
    if any(_names_us(each) and each.is_of_a_book for each in unread):
        hold(
            not after[0].is_synced and not after[1].is_synced,
            "traded on after an unreadable change",
        )
        has_left = any(isinstance(getattr(each, "command", None), Disconnect) for each in effects)
        hold(has_left, "fresh books are not asked for")
        return "void"
    if (
        unread
        and not any(isinstance(each, MarketBatch) for each in alone)
        and len(alone) == len(unread)
    ):
        hold(before == after, "what could not be read has changed a book")
        return "left as it was"
    return "taken"


def _names_us(unread: UnreadableElement) -> bool:
    return any(f'"{name}"'.encode() in unread.raw for name in (YES, NO, MARKET_ID))


TARGETS = (Target("market frames", frames, 5), Target("market books", books, 1))
