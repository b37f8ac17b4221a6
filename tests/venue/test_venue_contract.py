"""What the exchange says is read with the trading system's own decoders."""

from __future__ import annotations

from typing import Any

from venue_frames import WINDOW_START_MS, frames_until, simulation

from actors.directory.gamma import decode_market, decode_resolution
from actors.feeds import coinbase, rtds
from actors.feeds.market_channel import MarketChannelDecoder
from actors.messages.feeds import BestPricesEvent, BookEvent, PriceChangeEvent, ResolvedEvent
from actors.model import Side
from venue.frames import Channel
from venue.wire.gamma import market_row
from venue.wire.text import json_text


def test_every_frame_decodes_to_an_event_of_the_system() -> None:
    world = simulation(seed=6, rate=20.0)
    decoder = MarketChannelDecoder()
    kinds: set[type[Any]] = set()
    averages = []
    for frame in frames_until(world, WINDOW_START_MS + 20_000):
        raw = frame.text.encode()
        if frame.channel is Channel.MARKET:
            kinds |= {type(event) for event in decoder.decode(raw)}
        elif frame.channel is Channel.RTDS:
            ticks, unread = rtds.decode(raw, "btc/usd")
            assert not unread
            averages += ticks
        elif frame.channel is Channel.COINBASE:
            assert coinbase.decode(raw)

    assert {BookEvent, PriceChangeEvent, BestPricesEvent, ResolvedEvent} <= kinds
    assert not decoder.unknown_counts
    assert {tick.timestamp_ms for tick in averages} >= {WINDOW_START_MS}


def test_the_metadata_of_open_and_resolved_windows_is_accepted() -> None:
    world = simulation(seed=6, rate=5.0)
    market = next(iter(world.catalogue))
    slug = market.status.window.slug
    times = (market.status.window.opens_at_ms, market.status.window.closes_at_ms)

    read = decode_market(json_text(market_row(market.status)).encode(), slug, *times)
    assert (read.yes_token, read.no_token) == market.status.window.tokens
    assert (read.fee_rate_bps, read.twap_window_s, read.tick_size_ticks) == (700, 60, 10)
    assert decode_resolution(json_text(market_row(market.status)).encode(), read) is None

    list(frames_until(world, WINDOW_START_MS + 20_000))
    ended = world.catalogue.with_slug(slug)
    assert ended is not None
    result = decode_resolution(json_text(market_row(ended.status)).encode(), read)
    assert result is not None
    assert result.winner is (Side.YES if ended.status.up_won else Side.NO)
