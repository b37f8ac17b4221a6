"""Feeds of a run that trades several series: one connection, and each series' troubles its own."""

from __future__ import annotations

import random

import attrs
from feed_builders import market
from several_series import several

from actors.core import Command, Core, Effects, Send
from actors.feeds.coinbase import subscribe_text
from actors.feeds.connection import HEALTH_TIMER, Connected, Disconnect, FramesReceived, SendText
from actors.feeds.market_feed import RENEWAL_LIMIT_MS, SILENCE_LIMIT_MS, MarketFeedCore
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.feeds.twap_feed import TwapFeedCore
from actors.messages.directory import MarketOpened
from actors.messages.feeds import (
    BatchTaken,
    FeedDown,
    FeedStale,
    MarketBatch,
    ReferencePrice,
    ResyncRequested,
    TwapTickWanted,
)
from actors.messages.lifecycle import Started, TimerFired
from actors.model import Market
from actors.roles import MARKET_FEED, REFERENCE_FEED, TWAP_FEED
from actors.settings import Settings, VenueSettings
from actors.units import E18

WINDOW = market()
NOW_MS = WINDOW.opens_at_ms + 1_000
BTC_STATE, ETH_STATE = "market-state/btc-15m", "market-state/eth-5m"


BOTH = several("btc-15m", "eth-5m")
BTC = attrs.evolve(WINDOW, slug=f"btc-updown-15m-{WINDOW.opens_at_ms // 1000}")
ETH = attrs.evolve(
    WINDOW,
    market_id="0xeth",
    slug=f"eth-updown-5m-{WINDOW.opens_at_ms // 1000}",
    yes_token="71",
    no_token="72",
)


def to(role: str, effects: Effects, kind: type) -> list[object]:
    return [
        each.message
        for each in effects
        if isinstance(each, Send) and each.to == role and isinstance(each.message, kind)
    ]


def texts(effects: Effects) -> list[str]:
    commands = [each.command for each in effects if isinstance(each, Command)]
    return [each.text for each in commands if isinstance(each, SendText)]


def closes(effects: Effects) -> bool:
    commands = [each.command for each in effects if isinstance(each, Command)]
    return any(isinstance(each, Disconnect) for each in commands)


def book(token: str, at_ms: int = NOW_MS) -> bytes:
    levels = b'"bids":[{"price":"0.40","size":"30"}],"asks":[{"price":"0.45","size":"30"}]'
    head = b'[{"event_type":"book","market":"0x1","hash":"h","asset_id":"%s",' % token.encode()
    return head + b'"timestamp":"%d",%s}]' % (at_ms, levels)


def market_feed(*markets: Market) -> MarketFeedCore:
    core = MarketFeedCore(MARKET_FEED, BOTH, random.Random(1))
    core.handle(Started(), NOW_MS)
    for each in markets:
        core.handle(MarketOpened(market=each, strike=None), NOW_MS)
    core.handle(Connected(1), NOW_MS)
    return core


def hears(core: Core, *frames: bytes, now_ms: int = NOW_MS) -> Effects:
    return core.handle(FramesReceived(1, tuple((frame, 1) for frame in frames)), now_ms)


def test_a_frames_events_go_to_their_series_market_state() -> None:
    core = market_feed(BTC, ETH)
    effects = hears(core, book(BTC.yes_token), book(ETH.yes_token))
    (btc,), (eth,) = to(BTC_STATE, effects, MarketBatch), to(ETH_STATE, effects, MarketBatch)
    assert isinstance(btc, MarketBatch)
    assert isinstance(eth, MarketBatch)
    assert {each.token for each in btc.events} == {BTC.yes_token}
    assert {each.token for each in eth.events} == {ETH.yes_token}


def test_a_series_whose_market_state_is_slow_holds_up_no_other() -> None:
    core = market_feed(BTC, ETH)
    (first,) = to(ETH_STATE, hears(core, book(BTC.yes_token), book(ETH.yes_token)), MarketBatch)
    assert isinstance(first, MarketBatch)
    core.handle(BatchTaken(first.batch_id), NOW_MS)
    effects = hears(core, book(BTC.no_token), book(ETH.no_token))
    assert to(ETH_STATE, effects, MarketBatch)
    assert not to(BTC_STATE, effects, MarketBatch)


def test_fresh_books_of_one_series_cost_the_other_nothing() -> None:
    core = market_feed(BTC, ETH)
    hears(core, book(BTC.yes_token), book(ETH.yes_token))
    later_ms = NOW_MS + 5_000
    effects = core.handle(ResyncRequested("crossed", "eth-5m"), later_ms)
    assert not closes(effects)
    assert [ETH.yes_token in text and BTC.yes_token not in text for text in texts(effects)] == [
        True,
        True,
    ]
    assert to(ETH_STATE, effects, FeedDown)
    assert not to(BTC_STATE, effects, FeedDown)


def test_where_subscribing_anew_brings_no_book_the_connection_is_made_anew() -> None:
    core = market_feed(BTC, ETH)
    hears(core, book(BTC.yes_token), book(ETH.yes_token))
    core.handle(ResyncRequested("crossed", "eth-5m"), NOW_MS + 5_000)
    again_ms = NOW_MS + 9_000
    assert again_ms < NOW_MS + 5_000 + RENEWAL_LIMIT_MS
    assert closes(core.handle(ResyncRequested("missing", "eth-5m"), again_ms))


def test_what_is_unreadable_of_one_series_voids_that_one_only() -> None:
    core = market_feed(BTC, ETH)
    hears(core, book(BTC.yes_token), book(ETH.yes_token))
    torn = book(ETH.yes_token).replace(b'"0.45"', b'"much"')
    effects = hears(core, torn, now_ms=NOW_MS + 3_000)
    assert to(ETH_STATE, effects, FeedDown)
    assert not to(BTC_STATE, effects, FeedDown)
    assert not closes(effects)


def test_a_series_that_falls_silent_while_others_speak_is_subscribed_anew() -> None:
    core = market_feed(BTC, ETH)
    hears(core, book(BTC.yes_token), book(ETH.yes_token))
    later_ms = NOW_MS + SILENCE_LIMIT_MS
    hears(core, book(BTC.yes_token, later_ms), now_ms=later_ms)
    effects = core.handle(TimerFired(HEALTH_TIMER), later_ms)
    assert to(ETH_STATE, effects, FeedDown)
    assert not to(BTC_STATE, effects, FeedDown)


# Prices


def ticker(product: str, price: str, number: int) -> bytes:
    return (
        b'{"type":"ticker","sequence":%d,"trade_id":%d,"product_id":"%s","price":"%s",'
        b'"time":"2026-04-16T09:30:01.000000Z"}'
    ) % (number, number, product.encode(), price.encode())


def heartbeat(product: str, number: int) -> bytes:
    return (
        b'{"type":"heartbeat","sequence":1,"last_trade_id":%d,"product_id":"%s",'
        b'"time":"2026-04-16T09:30:01.000000Z"}'
    ) % (number, product.encode())


def reference_feed() -> ReferenceFeedCore:
    core = ReferenceFeedCore(REFERENCE_FEED, BOTH, random.Random(1))
    core.handle(Started(), NOW_MS)
    core.handle(Connected(1), NOW_MS)
    return core


def test_each_market_state_hears_its_own_underlying_only() -> None:
    effects = hears(reference_feed(), ticker("BTC-USD", "90000", 1), ticker("ETH-USD", "3000", 1))
    (btc,) = to(BTC_STATE, effects, ReferencePrice)
    (eth,) = to(ETH_STATE, effects, ReferencePrice)
    assert isinstance(btc, ReferencePrice)
    assert isinstance(eth, ReferencePrice)
    assert (btc.price_e18, eth.price_e18) == (90_000 * E18, 3_000 * E18)


def test_a_product_that_coinbase_refuses_costs_the_others_nothing() -> None:
    core = reference_feed()
    refusal = b'{"type":"error","message":"Failed to subscribe","reason":"ETH-USD is not valid"}'
    assert not closes(hears(core, refusal))
    assert to(BTC_STATE, hears(core, ticker("BTC-USD", "90000", 1)), ReferencePrice)
    assert closes(hears(core, refusal.replace(b"ETH", b"BTC")))


def test_a_price_that_stops_alone_is_subscribed_anew_alone() -> None:
    core = reference_feed()
    hears(core, ticker("BTC-USD", "90000", 1), ticker("ETH-USD", "3000", 1))
    later_ms = NOW_MS + 11_000
    fresh, behind = ticker("BTC-USD", "90001", 2), heartbeat("ETH-USD", 9)
    effects = hears(core, fresh, behind, now_ms=later_ms)
    assert not closes(effects)
    assert not to(BTC_STATE, effects, FeedStale)
    assert subscribe_text("ETH-USD") in texts(effects)


def test_a_settling_tick_is_told_to_the_series_of_its_underlying_only() -> None:
    base = Settings(venue=VenueSettings(price_source="rtds"))
    three = several("btc-15m", "btc-5m", "eth-5m", base=base)
    core = TwapFeedCore(TWAP_FEED, three, random.Random(1))
    core.handle(Started(), NOW_MS)
    core.handle(Connected(1, "rtds-1"), NOW_MS)
    frame = (
        b'{"topic":"crypto_prices_twap_sixty","type":"update","timestamp":1,"payload":{"symbol":'
        b'"btc/usd","timestamp":%d,"full_accuracy_value":"%d","window_s":60}}'
    ) % (NOW_MS, 90_000 * E18)
    effects = core.handle(FramesReceived(1, ((frame, 1),), "rtds-1"), NOW_MS)
    told = [each.to for each in effects if isinstance(each, Send)]
    assert [role for role in told if role.startswith("directory")] == [
        "directory/btc-15m",
        "directory/btc-5m",
    ]
    asked = core.handle(TwapTickWanted(NOW_MS, "eth"), NOW_MS)
    assert not [each for each in asked if isinstance(each, Send)], "another underlying's tick"


def test_a_window_of_a_series_that_is_not_traded_here_is_nobody_s() -> None:
    feed = market_feed(BTC, ETH)
    later = attrs.evolve(
        BTC, market_id="0xsol", slug=f"sol-updown-5m-{NOW_MS // 1000}", opens_at_ms=NOW_MS
    )
    assert feed.handle(MarketOpened(market=later, strike=None), NOW_MS) == []
    own = attrs.evolve(BTC, market_id="0xnext", opens_at_ms=NOW_MS)
    assert feed.handle(MarketOpened(market=own, strike=None), NOW_MS) != []
