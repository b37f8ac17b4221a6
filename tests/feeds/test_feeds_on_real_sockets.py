import asyncio
import itertools
import json
import random

import attrs
import pytest
from feed_builders import NOW_MS, book_frame, change_frame, opened
from feed_stage import LoopbackVenue, RealStage
from price_frames import AUTHED, SUBSCRIBED, bolt_frame, bolt_snapshot, point, rtds_frame
from unused_port import unused_port
from websockets.asyncio.server import ServerConnection

from actors.feeds.connection import HEALTH_TIMER
from actors.feeds.market_feed import MarketFeedCore
from actors.feeds.polybolt import ApiCredentials, FoundCredentials
from actors.feeds.port import PricePort
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.feeds.twap_feed import TwapFeedCore
from actors.messages.feeds import (
    BatchTaken,
    FeedDown,
    FeedHealth,
    FeedStale,
    FeedUp,
    MarketBatch,
    ReferencePrice,
    TwapTick,
)
from actors.messages.lifecycle import TimerFired
from actors.roles import MARKET_FEED, REFERENCE_FEED, TWAP_FEED
from actors.settings import Settings, VenueSettings
from actors.units import E18


def settings_for(url: str) -> Settings:
    venue = attrs.evolve(VenueSettings(), clob_ws_url=url, rtds_ws_url=url, coinbase_ws_url=url)
    return Settings(venue=venue)


def market_feed(url: str) -> MarketFeedCore:
    return MarketFeedCore(MARKET_FEED, settings_for(url), random.Random(1))


def batches(stage: RealStage) -> list[MarketBatch]:
    """All batches so far, each acknowledged as market state would."""
    found = stage.messages(MarketBatch)
    if found:
        stage.tell(BatchTaken(found[-1].batch_id))
    return found


def test_a_stalled_venue_is_noticed_although_its_socket_stays_open() -> None:
    async def stall_first(connection: ServerConnection) -> None:
        await venue.hear(connection)
        await connection.send(book_frame().decode())
        async for message in connection:
            venue.heard.append(str(message))
            await connection.send("PONG" if venue.connection_count == 1 else book_frame().decode())

    with LoopbackVenue(stall_first) as venue, RealStage(market_feed(venue.url), 20) as stage:
        stage.tell(opened())
        stage.run_until(
            lambda: batches(stage) and stage.messages(FeedStale), "the silence is noticed"
        )
        assert "PING" in venue.heard
        stage.run_until(
            lambda: len([b for b in batches(stage) if b.is_fresh_start]) >= 2, "a fresh start"
        )
        assert stage.messages(FeedStale)[0].age_ms >= 15_000


def test_garbled_frames_are_skipped_and_those_around_them_are_not() -> None:
    async def garble(connection: ServerConnection) -> None:
        await venue.hear(connection)
        await connection.send(book_frame().decode())
        for number in range(100):
            await connection.send("{garbled" if number % 2 else b"\xff\x00\xff")
            await connection.send(change_frame(size=str(number + 1)).decode())
        await connection.wait_closed()

    with LoopbackVenue(garble) as venue, RealStage(market_feed(venue.url)) as stage:
        stage.tell(opened())
        stage.run_until(
            lambda: sum(len(batch.events) for batch in batches(stage)) == 101, "all good events"
        )
        assert stage.core.is_serving
        stage.tell(TimerFired(HEALTH_TIMER))
    (health,) = {*stage.messages(FeedHealth)}
    assert (health.malformed_count, health.reconnect_count) == (100, 0)
    assert health.last_malformed


def test_a_flapping_venue_is_tried_until_it_recovers() -> None:
    flaps = 5

    async def flap(connection: ServerConnection) -> None:
        if venue.connection_count <= flaps:
            await connection.close(1011, f"flap {venue.connection_count}")
            return
        await venue.hear(connection)
        await connection.send(f"[{book_frame('11').decode()},{book_frame('12').decode()}]")
        await connection.wait_closed()

    with LoopbackVenue(flap) as venue, RealStage(market_feed(venue.url), 10) as stage:
        stage.tell(opened())
        stage.run_until(lambda: batches(stage), "books")
        assert stage.core.is_serving
    assert len({send.message for send in stage.sent if isinstance(send.message, FeedDown)}) == flaps
    assert venue.connection_count == flaps + 1
    assert stage.messages(MarketBatch)[0].is_fresh_start
    assert len(venue.heard) == 1


def test_a_venue_that_is_not_there_yet_is_waited_for() -> None:
    async def greet(connection: ServerConnection) -> None:
        await venue.hear(connection)
        await connection.send(book_frame().decode())
        await connection.wait_closed()

    url = f"ws://127.0.0.1:{unused_port()}"
    with RealStage(market_feed(url), 10) as stage:
        stage.tell(opened())
        stage.run_until(lambda: len(stage.messages(FeedDown)) >= 4, "two refusals")
        with LoopbackVenue(greet) as venue:
            stage.core.connection._url = venue.url  # the port cannot be chosen beforehand
            stage.run_until(lambda: batches(stage), "books")


def test_the_next_window_is_subscribed_on_the_same_connection() -> None:
    async def answer(connection: ServerConnection) -> None:
        while True:
            text = await venue.hear(connection)
            token = "21" if '"21"' in text else "11"
            if text != "PING":
                await connection.send(book_frame(token).decode())

    with LoopbackVenue(answer) as venue, RealStage(market_feed(venue.url)) as stage:
        stage.tell(opened(1))
        stage.run_until(lambda: batches(stage), "books of the first window")
        stage.tell(opened(2))
        stage.run_until(lambda: len(batches(stage)) == 2, "books of the second window")
    assert venue.connection_count == 1
    assert [batch.is_fresh_start for batch in stage.messages(MarketBatch)] == [True, False]


@pytest.mark.parametrize("hangups", [0, 2])
def test_the_reference_feed_tells_prices_and_outlives_hangups(hangups: int) -> None:
    ticker = (
        '{"type":"ticker","sequence":5,"trade_id":5,"product_id":"BTC-USD",'
        '"price":"68900.5","time":"2026-04-16T09:30:00Z"}'
    )

    async def trade(connection: ServerConnection) -> None:
        await venue.hear(connection)
        if venue.connection_count <= hangups:
            return
        await connection.send('{"type":"subscriptions","channels":[]}')
        await connection.send(ticker)
        await connection.wait_closed()

    with LoopbackVenue(trade) as venue:
        core = ReferenceFeedCore(REFERENCE_FEED, settings_for(venue.url), random.Random(1))
        with RealStage(core) as stage:
            stage.run_until(lambda: stage.messages(ReferencePrice), "a price")
    price = ReferencePrice(price_e18=689_005 * E18 // 10, timestamp_ms=NOW_MS)
    assert stage.messages(ReferencePrice)[0] == price
    assert len(stage.messages(FeedUp)) == 2 * (hangups + 1)


def test_the_price_feed_changes_over_between_two_real_services() -> None:
    """PolyBolt serves, falls silent and is renewed; RTDS goes on all the while.

    RTDS is later by two seconds: who tells a second first is not left to the machine.
    """

    async def rtds(connection: ServerConnection) -> None:
        await old.hear(connection)
        while True:
            await connection.send(rtds_frame(whole_second(stage.now_ms) - 2_000).decode())
            await asyncio.sleep(0.02)

    async def polybolt(connection: ServerConnection) -> None:
        assert json.loads(await new.hear(connection))["auth"]["apiKey"] == "a-key"
        await connection.send(AUTHED.decode())
        await new.hear(connection)
        await connection.send(SUBSCRIBED.decode())
        await connection.send(bolt_snapshot(1, point(whole_second(stage.now_ms))).decode())
        if new.connection_count == 1:
            await connection.wait_closed()
        for seq in itertools.count(2):
            await connection.send(bolt_frame(seq, whole_second(stage.now_ms)).decode())
            await asyncio.sleep(0.02)

    found = FoundCredentials(ApiCredentials("a-key", "a-secret", "a-passphrase"), "a file")
    with LoopbackVenue(rtds) as old, LoopbackVenue(polybolt) as new:
        venue = attrs.evolve(VenueSettings(), rtds_ws_url=old.url, polybolt_ws_url=new.url)
        core = TwapFeedCore(TWAP_FEED, Settings(venue=venue), random.Random(1))
        with RealStage(core, 20, PricePort(lambda: found)) as stage:
            stage.run_until(
                lambda: new.connection_count >= 2 and core.streams["polybolt"].is_serving,
                "the renewed connection serves",
            )
            assert core.is_serving
            stage.run_until(
                lambda: {tick.source for tick in stage.messages(TwapTick)} == {"rtds", "polybolt"},
                "either service has told ticks",
            )


def whole_second(at_ms: int) -> int:
    return at_ms // 1_000 * 1_000
