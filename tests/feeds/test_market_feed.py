import json
from typing import Any

import pytest
from feed_builders import (
    NOW_MS,
    book_frame,
    bring_up,
    change_frame,
    commands,
    frame,
    market,
    new_market_feed,
    opened,
    received,
    reconnect,
    resolved_frame,
    sent,
    timers,
)

from actors.core import Effects, Log
from actors.feeds.book_stream import ACK_LIMIT_MS, ACK_TIMER, WAITING_EVENTS_MAX
from actors.feeds.connection import (
    HEALTH_EVERY_MS,
    HEALTH_TIMER,
    RECONNECT_TIMER,
    WATCHDOG_TIMER,
    Connect,
    Connected,
    Disconnect,
    Disconnected,
    FramesReceived,
    SendText,
)
from actors.feeds.feed_core import AHEAD_MAX_MS
from actors.feeds.market_feed import RESYNC_GRACE_MS, MarketFeedCore
from actors.messages.directory import MarketClosing
from actors.messages.feeds import (
    BatchTaken,
    BookEvent,
    FeedDown,
    FeedHealth,
    FeedStale,
    FeedUp,
    GridTooFine,
    MarketBatch,
    PriceChangeEvent,
    ResolvedEvent,
    ResyncRequested,
)
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.roles import DIRECTORY, MARKET_FEED, MARKET_STATE, OBSERVER
from actors.settings import Settings

LATER_MS = NOW_MS + RESYNC_GRACE_MS


@pytest.fixture
def core() -> MarketFeedCore:
    core = new_market_feed()
    bring_up(core)
    return core


def said(effects: Effects) -> list[Any]:
    return [json.loads(command.text) for command in commands(effects, SendText)]


def first_batch(core: MarketFeedCore) -> MarketBatch:
    effects = core.handle(received(core, book_frame()), NOW_MS)
    (batch,) = sent(effects, MarketBatch, MARKET_STATE)
    return batch


def test_it_connects_only_when_there_is_a_market_to_subscribe_to() -> None:
    core = new_market_feed()
    assert commands(core.handle(Started(), NOW_MS), Connect) == []
    effects = core.handle(opened(), NOW_MS)
    assert commands(effects, Connect) == [Connect(1, Settings().venue.market_ws_url)]
    assert core.handle(opened(), NOW_MS) == []


def test_once_connected_it_subscribes_and_says_so() -> None:
    core = new_market_feed()
    effects = bring_up(core)
    assert said(effects) == [
        {"type": "market", "assets_ids": ["11", "12"], "custom_feature_enabled": True}
    ]
    assert sent(effects, FeedUp, MARKET_STATE) == sent(effects, FeedUp, OBSERVER)
    assert not core.is_serving
    first_batch(core)
    assert core.is_serving


def test_the_first_batch_after_a_connection_is_a_fresh_start(core: MarketFeedCore) -> None:
    first = first_batch(core)
    assert first.is_fresh_start
    assert isinstance(first.events[0], BookEvent)
    core.handle(BatchTaken(first.batch_id), NOW_MS)
    (second,) = sent(core.handle(received(core, change_frame()), NOW_MS), MarketBatch)
    assert not second.is_fresh_start
    assert second.batch_id > first.batch_id


def test_events_wait_behind_the_batch_under_way_and_leave_as_one(core: MarketFeedCore) -> None:
    first = first_batch(core)
    for arrived_ns in (100, 200, 300):
        effects = core.handle(
            received(core, change_frame("11"), change_frame("12"), arrived_ns=arrived_ns), NOW_MS
        )
        assert sent(effects, MarketBatch) == []
    assert core.handle(BatchTaken(first.batch_id - 1), NOW_MS) == []
    (batch,) = sent(core.handle(BatchTaken(first.batch_id), NOW_MS), MarketBatch, MARKET_STATE)
    assert [event.token for event in batch.events if isinstance(event, PriceChangeEvent)] == [
        "11",
        "12",
    ] * 3
    assert batch.tick_ns == 100
    assert core.merged_count == 3


def test_when_nothing_waits_the_next_event_leaves_at_once(core: MarketFeedCore) -> None:
    first = first_batch(core)
    assert sent(core.handle(BatchTaken(first.batch_id), NOW_MS), MarketBatch) == []
    effects = core.handle(received(core, change_frame(), arrived_ns=77), NOW_MS)
    (batch,) = sent(effects, MarketBatch)
    assert batch.tick_ns == 77


def test_a_lost_acknowledgement_brings_fresh_books(core: MarketFeedCore) -> None:
    effects = core.handle(received(core, book_frame()), NOW_MS)
    assert timers(effects)[ACK_TIMER] == ACK_LIMIT_MS
    core.handle(received(core, change_frame()), NOW_MS)
    effects = core.handle(TimerFired(ACK_TIMER), NOW_MS + ACK_LIMIT_MS)
    assert commands(effects, Disconnect)
    assert sent(effects, FeedDown, MARKET_STATE)
    reconnect(core)
    batch = first_batch(core)
    assert batch.is_fresh_start
    assert len(batch.events) == 1


def test_a_fresh_start_that_waits_behind_a_lost_batch_leaves_without_another_connection(
    core: MarketFeedCore,
) -> None:
    first_batch(core)
    core.handle(Disconnected(1, "closed"), NOW_MS)
    reconnect(core)
    assert sent(core.handle(received(core, book_frame()), NOW_MS), MarketBatch) == []
    effects = core.handle(TimerFired(ACK_TIMER), NOW_MS)
    (batch,) = sent(effects, MarketBatch)
    assert batch.is_fresh_start
    assert commands(effects, Disconnect) == []


def test_a_buffer_that_grows_too_long_brings_fresh_books(core: MarketFeedCore) -> None:
    first_batch(core)
    burst = [change_frame()] * (WAITING_EVENTS_MAX // 2)
    assert commands(core.handle(received(core, *burst), NOW_MS), Disconnect) == []
    effects = core.handle(received(core, *burst, change_frame()), NOW_MS)
    assert commands(effects, Disconnect)
    reconnect(core)
    assert first_batch(core).is_fresh_start


def test_a_request_for_fresh_books_connects_anew(core: MarketFeedCore) -> None:
    first_batch(core)
    effects = core.handle(ResyncRequested("crossed"), LATER_MS)
    assert commands(effects, Disconnect)
    (down,) = sent(effects, FeedDown, MARKET_STATE)
    assert "crossed" in down.reason


def test_requests_made_before_the_fresh_books_could_arrive_change_nothing(
    core: MarketFeedCore,
) -> None:
    request = ResyncRequested("unsynced")
    assert core.handle(request, LATER_MS) == []
    first_batch(core)
    assert core.handle(request, NOW_MS + RESYNC_GRACE_MS - 1) == []
    core.handle(Disconnected(1, "closed"), LATER_MS)
    assert commands(core.handle(request, LATER_MS), Disconnect) == []


def test_a_new_market_state_gets_fresh_books(core: MarketFeedCore) -> None:
    first_batch(core)
    for _ in range(2):  # also soon after the last time
        effects = core.handle(PeerRestarted(MARKET_STATE), NOW_MS)
        assert commands(effects, Disconnect) == []
        dropped, added = said(effects)
        assert (dropped["operation"], added["operation"]) == ("unsubscribe", "subscribe")
        assert dropped["assets_ids"] == added["assets_ids"] == ["11", "12"]
        assert sent(effects, FeedUp, MARKET_STATE)
        assert first_batch(core).is_fresh_start


def test_one_that_got_no_books_by_that_has_the_feed_connect_anew(core: MarketFeedCore) -> None:
    first_batch(core)
    core.handle(PeerRestarted(MARKET_STATE), NOW_MS)
    asked = core.handle(ResyncRequested("a book is missing"), NOW_MS + RESYNC_GRACE_MS)
    assert commands(asked, Disconnect)


def test_a_new_market_state_hears_of_a_connection_whose_books_are_still_to_come(
    core: MarketFeedCore,
) -> None:
    effects = core.handle(PeerRestarted(MARKET_STATE), NOW_MS)
    assert commands(effects, Disconnect) == []
    assert sent(effects, FeedUp, MARKET_STATE)


def test_other_peers_restart_without_consequence(core: MarketFeedCore) -> None:
    first_batch(core)
    for role in (OBSERVER, DIRECTORY):
        assert core.handle(PeerRestarted(role), NOW_MS) == []


def test_the_next_market_joins_the_open_connection_and_the_one_before_last_leaves(
    core: MarketFeedCore,
) -> None:
    assert said(core.handle(opened(2), NOW_MS)) == [
        {"operation": "subscribe", "assets_ids": ["21", "22"], "custom_feature_enabled": True}
    ]
    assert said(core.handle(opened(3), NOW_MS)) == [
        {"operation": "subscribe", "assets_ids": ["31", "32"], "custom_feature_enabled": True},
        {"operation": "unsubscribe", "assets_ids": ["11", "12"]},
    ]
    core.handle(Disconnected(1, "closed"), NOW_MS)
    (subscription,) = said(reconnect(core))
    assert subscription["assets_ids"] == ["21", "22", "31", "32"]


def test_a_market_gone_by_does_not_come_back(core: MarketFeedCore) -> None:
    core.handle(opened(3), NOW_MS)
    assert core.handle(opened(2), NOW_MS) == []
    assert core.handle(opened(1), NOW_MS) == []


def test_only_the_traded_markets_events_are_passed_on(core: MarketFeedCore) -> None:
    core.handle(opened(2), NOW_MS)
    frames = received(core, book_frame("11"), book_frame("21"), book_frame("99"))
    (batch,) = sent(core.handle(frames, NOW_MS), MarketBatch)
    assert [event.token for event in batch.events if isinstance(event, BookEvent)] == ["21"]


def test_after_its_end_a_market_gives_only_its_winner(core: MarketFeedCore) -> None:
    core.handle(MarketClosing("0x07"), NOW_MS)
    first = first_batch(core)
    core.handle(BatchTaken(first.batch_id), NOW_MS)
    core.handle(MarketClosing(market().market_id), NOW_MS)
    assert core.handle(received(core, book_frame()), NOW_MS) == []
    frames = received(core, resolved_frame("0x09"), resolved_frame("0x01", "12"))
    effects = core.handle(frames, NOW_MS)
    winner = ResolvedEvent("0x01", NOW_MS, "12")
    assert sent(effects, ResolvedEvent, DIRECTORY) == [winner]
    (batch,) = sent(effects, MarketBatch, MARKET_STATE)
    assert batch.events == (winner,)


def test_what_an_older_connection_still_says_is_ignored(core: MarketFeedCore) -> None:
    core.handle(Disconnected(1, "closed"), NOW_MS)
    late = FramesReceived(1, ((book_frame(), 1),))
    assert core.handle(late, NOW_MS) == []
    reconnect(core)
    for event in (late, Connected(1), Disconnected(1, "late")):
        assert core.handle(event, NOW_MS) == []
    assert core.connection.is_up


def test_silence_on_an_open_connection_is_noticed_by_the_age_of_data(core: MarketFeedCore) -> None:
    (batch,) = sent(core.handle(received(core, book_frame()), NOW_MS + 5_000), MarketBatch)
    core.handle(BatchTaken(batch.batch_id), NOW_MS + 5_000)
    core.handle(received(core, b"PONG"), NOW_MS + 14_000)
    core.handle(received(core, book_frame("99")), NOW_MS + 14_500)
    effects = core.handle(TimerFired(WATCHDOG_TIMER), NOW_MS + 15_000)
    assert timers(effects) == {WATCHDOG_TIMER: 5_000}
    effects = core.handle(TimerFired(WATCHDOG_TIMER), NOW_MS + 20_000)
    assert sent(effects, FeedStale, MARKET_STATE) == [FeedStale(MARKET_FEED, 15_000)]
    assert sent(effects, FeedStale, OBSERVER)
    assert commands(effects, Disconnect)
    assert not core.is_serving
    reconnect(core)
    assert first_batch(core).is_fresh_start


def test_a_connection_that_never_opens_is_given_up() -> None:
    core = new_market_feed()
    core.handle(Started(), NOW_MS)
    core.handle(opened(), NOW_MS)
    effects = core.handle(TimerFired(WATCHDOG_TIMER), NOW_MS + 30_000)
    assert sent(effects, FeedDown, MARKET_STATE)
    assert RECONNECT_TIMER in timers(effects)
    assert core.handle(TimerFired(WATCHDOG_TIMER), NOW_MS + 30_000) == []


def test_malformed_frames_are_counted_and_skipped_and_the_newest_is_kept(
    core: MarketFeedCore,
) -> None:
    bad = [b"garbage-%d" % number for number in range(150)]
    frames = received(core, book_frame("11"), *bad, change_frame("12"))
    (batch,) = sent(core.handle(frames, NOW_MS), MarketBatch)
    assert len(batch.events) == 2
    assert core.counts.malformed_count == 150
    assert core.counts.last_malformed.endswith(": garbage-149")


def test_an_unreadable_change_of_the_books_connects_anew_and_loses_no_result(
    core: MarketFeedCore,
) -> None:
    bad = change_frame(size="NaN")
    effects = core.handle(received(core, book_frame(), bad, resolved_frame()), NOW_MS)
    assert sent(effects, MarketBatch) == []
    assert sent(effects, ResolvedEvent, DIRECTORY) == [ResolvedEvent("0x01", NOW_MS, "11")]
    assert commands(effects, Disconnect)
    (down,) = sent(effects, FeedDown, MARKET_STATE)
    assert "unreadable: 'NaN'" in down.reason
    assert core.counts.malformed_count == 1


def test_an_unreadable_change_of_a_window_gone_by_is_only_counted(core: MarketFeedCore) -> None:
    core.handle(opened(2), NOW_MS)
    assert (
        core.handle(
            received(core, change_frame("11", size="NaN").replace(b"0x01", b"0x09")), NOW_MS
        )
        == []
    )
    core.handle(MarketClosing(market(2).market_id), NOW_MS)
    assert core.handle(received(core, change_frame("21", size="NaN")), NOW_MS) == []
    assert core.counts.malformed_count == 2


@pytest.mark.parametrize("ahead_ms", [AHEAD_MAX_MS, AHEAD_MAX_MS + 1])
def test_an_event_dated_far_ahead_brings_fresh_books(core: MarketFeedCore, ahead_ms: int) -> None:
    first = first_batch(core)
    core.handle(BatchTaken(first.batch_id), NOW_MS)
    effects = core.handle(received(core, book_frame("12", NOW_MS + ahead_ms)), NOW_MS)
    is_too_far = ahead_ms > AHEAD_MAX_MS
    assert bool(commands(effects, Disconnect)) is is_too_far
    assert bool(sent(effects, MarketBatch)) is not is_too_far
    assert core.counts.malformed_count == is_too_far


def finer(asset_id: str = "11") -> bytes:
    return frame(
        event_type="tick_size_change", asset_id=asset_id, timestamp="1", new_tick_size="0.0025"
    )


def test_a_grid_that_is_too_fine_is_told_again_and_again_until_the_next_window(
    core: MarketFeedCore,
) -> None:
    first_batch(core)
    told = [GridTooFine("0x01")]
    assert sent(core.handle(received(core, finer()), NOW_MS), GridTooFine, MARKET_STATE) == told
    assert core.handle(received(core, change_frame(), book_frame()), NOW_MS) == []
    for message in (
        TimerFired(HEALTH_TIMER),
        PeerRestarted(MARKET_STATE),
        ResyncRequested("no book"),
        received(core, finer("12")),
    ):
        effects = core.handle(message, LATER_MS)
        assert sent(effects, GridTooFine, MARKET_STATE) == told
        assert commands(effects, Disconnect) == []
    core.handle(opened(2), LATER_MS)
    assert sent(core.handle(TimerFired(HEALTH_TIMER), LATER_MS), GridTooFine) == []
    assert core.handle(received(core, finer()), LATER_MS) == []


def test_a_kept_frame_is_shortened(core: MarketFeedCore) -> None:
    core.handle(received(core, b"\xff" * 1_000_000), NOW_MS)
    (health,) = sent(core.handle(TimerFired(HEALTH_TIMER), NOW_MS), FeedHealth)
    assert len(health.last_malformed) < 2_000


def test_health_is_told_every_few_seconds(core: MarketFeedCore) -> None:
    core.handle(received(core, book_frame(), b"PONG", b"oops"), NOW_MS)
    core.handle(received(core, change_frame()), NOW_MS)
    effects = core.handle(TimerFired(HEALTH_TIMER), NOW_MS)
    assert timers(effects) == {HEALTH_TIMER: HEALTH_EVERY_MS}
    (health,) = sent(effects, FeedHealth, OBSERVER)
    assert health.is_up
    assert (health.frames_count, health.malformed_count, health.merged_count) == (4, 1, 1)
    assert "oops" in health.last_malformed
    assert [effect.level for effect in effects if isinstance(effect, Log)] == ["warning"]
    effects = core.handle(TimerFired(HEALTH_TIMER), NOW_MS)
    assert not any(isinstance(effect, Log) for effect in effects)


def test_unknown_kinds_of_event_are_told_once(core: MarketFeedCore) -> None:
    core.handle(received(core, b'{"event_type":"confetti"}'), NOW_MS)
    told = [
        [e.text for e in core.handle(TimerFired(HEALTH_TIMER), NOW_MS) if isinstance(e, Log)]
        for _ in range(2)
    ]
    assert "confetti" in told[0][0]
    assert told[1] == []
    assert core.counts.malformed_count == 0


def test_timers_that_outlived_their_reason_do_nothing(core: MarketFeedCore) -> None:
    for key in (ACK_TIMER, RECONNECT_TIMER, "no such timer"):
        assert core.handle(TimerFired(key), NOW_MS) == []
