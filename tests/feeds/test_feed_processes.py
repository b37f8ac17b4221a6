import select
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from feed_builders import book_frame, opened
from feed_stage import LIMIT_S, LoopbackVenue
from recording import ProcessStage
from thespian.actors import ActorExitRequest, ThespianWatch, WatchMessage
from websockets.asyncio.server import ServerConnection

from actors.messages.feeds import FeedUp, MarketBatch
from actors.roles import DIRECTORY, MARKET_FEED, MARKET_STATE, REFERENCE_FEED, TWAP_FEED
from actors.settings import Settings, VenueSettings
from understudy.composition import ACTORS
from understudy.drill.processes import Allowance

FEEDS = (MARKET_FEED, REFERENCE_FEED, TWAP_FEED)


@pytest.fixture
def venue() -> Iterator[LoopbackVenue]:
    async def greet(connection: ServerConnection) -> None:
        await loopback.hear(connection)
        await connection.send(book_frame().decode())
        await connection.wait_closed()

    with LoopbackVenue(greet) as loopback:
        yield loopback


def stage_for(role: str, venue: LoopbackVenue, data_dir: Path) -> ProcessStage:
    urls = attrs.evolve(
        VenueSettings(),
        clob_ws_url=venue.url,
        rtds_ws_url=venue.url,
        coinbase_ws_url=venue.url,
    )
    stage = ProcessStage(data_dir, {role: ACTORS[role]}, Settings(venue=urls))
    stage.boot(MARKET_STATE, DIRECTORY)
    return stage


def watch_until(stage: ProcessStage, is_done: Callable[[], object], what: str) -> None:
    """Wake the process as Thespian would, until something is so."""
    allowance = Allowance(LIMIT_S)
    while not is_done():
        assert not allowance.is_used_up(), f"never {what}; log: {stage.log_text()}"
        if select.select([stage.port], [], [], 0.1)[0]:
            ready = [stage.port.fileno()]
            watch = stage.process.receiveMessage(WatchMessage(ready), None)
            assert isinstance(watch, ThespianWatch)


@pytest.mark.parametrize("role", FEEDS)
def test_each_feed_connects_subscribes_and_says_so(
    role: str, venue: LoopbackVenue, tmp_path: Path
) -> None:
    stage = stage_for(role, venue, tmp_path)
    if role == MARKET_FEED:
        stage.say(DIRECTORY, opened())
    watch_until(stage, lambda: venue.heard, "a subscription")
    if role != TWAP_FEED:  # which says so when it has a price
        assert FeedUp(role) in stage.sent_to(MARKET_STATE)
    stage.process.receiveMessage(ActorExitRequest(), None)


def test_a_frame_travels_from_the_socket_to_market_state(
    venue: LoopbackVenue, tmp_path: Path
) -> None:
    stage = stage_for(MARKET_FEED, venue, tmp_path)
    stage.say(DIRECTORY, opened())

    def batches() -> list[MarketBatch]:
        return [each for each in stage.sent_to(MARKET_STATE) if isinstance(each, MarketBatch)]

    watch_until(stage, batches, "a batch")
    assert batches()[0].is_fresh_start
    stage.process.receiveMessage(ActorExitRequest(), None)
