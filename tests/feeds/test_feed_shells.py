import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from feed_builders import book_frame, opened
from feed_stage import LIMIT_S, LoopbackVenue
from recording import ShellStage
from thespian.actors import ActorExitRequest, ThespianWatch, WatchMessage
from websockets.asyncio.server import ServerConnection

from actors.feeds.messages import FeedUp, MarketBatch
from actors.feeds.shell import FeedShell, MarketFeedShell, ReferenceFeedShell, TwapFeedShell
from actors.roles import DIRECTORY, MARKET_FEED, MARKET_STATE, REFERENCE_FEED, TWAP_FEED
from actors.settings import Settings, VenueSettings

SHELLS: dict[str, type[FeedShell]] = {
    MARKET_FEED: MarketFeedShell,
    REFERENCE_FEED: ReferenceFeedShell,
    TWAP_FEED: TwapFeedShell,
}


@pytest.fixture
def venue() -> Iterator[LoopbackVenue]:
    async def greet(connection: ServerConnection) -> None:
        await loopback.hear(connection)
        await connection.send(book_frame().decode())
        await connection.wait_closed()

    with LoopbackVenue(greet) as loopback:
        yield loopback


def stage_for(role: str, venue: LoopbackVenue, data_dir: Path) -> ShellStage:
    urls = attrs.evolve(
        VenueSettings(),
        clob_ws_url=venue.url,
        rtds_ws_url=venue.url,
        coinbase_ws_url=venue.url,
    )
    stage = ShellStage(SHELLS[role](), role, data_dir, Settings(venue=urls))
    stage.boot(MARKET_STATE, DIRECTORY)
    return stage


def watch_until(stage: ShellStage, is_done: Callable[[], object], what: str) -> None:
    """Wake the shell as Thespian would, until something is so."""
    deadline = time.monotonic() + LIMIT_S
    while not is_done():
        assert time.monotonic() < deadline, f"never {what}; log: {stage.log_text()}"
        if select.select([stage.shell._port], [], [], 0.1)[0]:
            ready = [stage.shell._port.fileno()]
            watch = stage.shell.receiveMessage(WatchMessage(ready), None)
            assert isinstance(watch, ThespianWatch)


@pytest.mark.parametrize("role", SHELLS)
def test_each_feed_connects_subscribes_and_says_so(
    role: str, venue: LoopbackVenue, tmp_path: Path
) -> None:
    stage = stage_for(role, venue, tmp_path)
    if role == MARKET_FEED:
        stage.say(DIRECTORY, opened())
    watch_until(stage, lambda: venue.heard, "a subscription")
    if role != TWAP_FEED:  # which says so when it has a price
        assert FeedUp(role) in stage.sent_to(MARKET_STATE)
    stage.shell.receiveMessage(ActorExitRequest(), None)


def test_a_frame_travels_from_the_socket_to_market_state(
    venue: LoopbackVenue, tmp_path: Path
) -> None:
    stage = stage_for(MARKET_FEED, venue, tmp_path)
    stage.say(DIRECTORY, opened())

    def batches() -> list[MarketBatch]:
        return [each for each in stage.sent_to(MARKET_STATE) if isinstance(each, MarketBatch)]

    watch_until(stage, batches, "a batch")
    assert batches()[0].is_fresh_start
    stage.shell.receiveMessage(ActorExitRequest(), None)
