import pytest
from feed_builders import NOW_MS, FixedDice, bring_up, commands, frame, received, sent, timers

from actors.core import Effects
from actors.feeds.connection import PING_TIMER, SendText
from actors.feeds.feed_core import HEALTH_TIMER
from actors.feeds.messages import FeedUp, TwapTick, TwapTickWanted
from actors.feeds.rtds import TWAP_TOPIC
from actors.feeds.twap_feed import BOUNDARIES_KEPT, BOUNDARY_MS, NEWEST_TOLD, TwapFeedCore
from actors.messages import PeerRestarted, TimerFired
from actors.roles import DIRECTORY, MARKET_STATE, OBSERVER, TWAP_FEED
from actors.settings import Settings

BOUNDARY_AT_MS = NOW_MS // BOUNDARY_MS * BOUNDARY_MS


@pytest.fixture
def core() -> TwapFeedCore:
    core = TwapFeedCore(TWAP_FEED, Settings(), FixedDice())
    bring_up(core)
    return core


def tick_frame(at_ms: int, price_e18: int = 7) -> bytes:
    payload = {
        "symbol": "btc/usd",
        "timestamp": at_ms,
        "full_accuracy_value": str(price_e18),
        "window_s": 60,
    }
    return frame(topic=TWAP_TOPIC, type="update", timestamp=at_ms, payload=payload)


def history_frame(times_ms: range) -> bytes:
    data = [{"timestamp": at_ms, "full_accuracy_value": "7"} for at_ms in times_ms]
    payload = {"symbol": "btc/usd", "data": data}
    return frame(topic=TWAP_TOPIC, type="subscribe", timestamp=NOW_MS, payload=payload)


def told_ms(effects: Effects, to: str) -> list[int]:
    return [tick.timestamp_ms for tick in sent(effects, TwapTick, to)]


def test_it_subscribes_and_pings_every_five_seconds() -> None:
    core = TwapFeedCore(TWAP_FEED, Settings(), FixedDice())
    effects = bring_up(core)
    (subscription,) = commands(effects, SendText)
    assert "btc/usd" in subscription.text
    assert timers(effects)[PING_TIMER] == 5_000
    assert sent(effects, FeedUp, MARKET_STATE)


def test_every_tick_is_told_to_directory_and_market_state(core: TwapFeedCore) -> None:
    frames = received(core, *(tick_frame(NOW_MS + 1_000 * n, n + 1) for n in range(4)))
    effects = core.handle(frames, NOW_MS)
    ticks = [
        TwapTick(price_e18=n + 1, timestamp_ms=NOW_MS + 1_000 * n, window_s=60) for n in range(4)
    ]
    assert sent(effects, TwapTick, DIRECTORY) == ticks
    assert sent(effects, TwapTick, MARKET_STATE) == ticks
    assert core.is_serving


def test_of_a_history_the_boundaries_and_the_newest_are_told(core: TwapFeedCore) -> None:
    start_ms, end_ms = BOUNDARY_AT_MS - 2 * BOUNDARY_MS - 5_000, BOUNDARY_AT_MS + 60_000
    raw = history_frame(range(start_ms, end_ms, 1_000))
    told = told_ms(core.handle(received(core, raw), NOW_MS), DIRECTORY)
    boundaries = [BOUNDARY_AT_MS - 2 * BOUNDARY_MS, BOUNDARY_AT_MS - BOUNDARY_MS, BOUNDARY_AT_MS]
    newest = [*range(end_ms - 1_000 * NEWEST_TOLD, end_ms, 1_000)]
    assert told == boundaries + newest


def test_a_new_directory_is_told_the_boundaries_and_the_newest(core: TwapFeedCore) -> None:
    times_ms = [
        BOUNDARY_AT_MS + 100,
        BOUNDARY_AT_MS + 999,
        BOUNDARY_AT_MS + 1_000,
        BOUNDARY_AT_MS + BOUNDARY_MS,
        BOUNDARY_AT_MS + BOUNDARY_MS + 7_000,
    ]
    for at_ms in [*times_ms[1:], times_ms[0]]:
        core.handle(received(core, tick_frame(at_ms)), NOW_MS)
    effects = core.handle(PeerRestarted(DIRECTORY), NOW_MS)
    assert told_ms(effects, DIRECTORY) == [times_ms[0], times_ms[3], times_ms[4]]
    assert told_ms(effects, MARKET_STATE) == []


def test_a_new_market_state_is_told_the_newest(core: TwapFeedCore) -> None:
    assert told_ms(core.handle(PeerRestarted(MARKET_STATE), NOW_MS), MARKET_STATE) == []
    core.handle(received(core, tick_frame(BOUNDARY_AT_MS), tick_frame(NOW_MS + 1)), NOW_MS)
    effects = core.handle(PeerRestarted(MARKET_STATE), NOW_MS)
    assert told_ms(effects, MARKET_STATE) == [NOW_MS + 1]
    assert core.handle(PeerRestarted(OBSERVER), NOW_MS) == []


def test_the_last_boundary_is_told_again_and_again(core: TwapFeedCore) -> None:
    assert told_ms(core.handle(TimerFired(HEALTH_TIMER), NOW_MS), DIRECTORY) == []
    for number in range(BOUNDARIES_KEPT + 3):
        at_ms = BOUNDARY_AT_MS + number * BOUNDARY_MS
        core.handle(received(core, tick_frame(at_ms), tick_frame(at_ms + 2_000)), NOW_MS)
        effects = core.handle(TimerFired(HEALTH_TIMER), NOW_MS)
        assert told_ms(effects, DIRECTORY) == [at_ms]
    effects = core.handle(PeerRestarted(DIRECTORY), NOW_MS)
    assert len(told_ms(effects, DIRECTORY)) == BOUNDARIES_KEPT + 1


def test_a_tick_that_is_wanted_is_told_again_if_it_is_known(core: TwapFeedCore) -> None:
    core.handle(received(core, tick_frame(BOUNDARY_AT_MS)), NOW_MS)
    effects = core.handle(TwapTickWanted(BOUNDARY_AT_MS), NOW_MS)
    assert told_ms(effects, DIRECTORY) == [BOUNDARY_AT_MS]
    assert core.handle(TwapTickWanted(BOUNDARY_AT_MS - BOUNDARY_MS), NOW_MS) == []


def test_a_tick_that_comes_late_does_not_become_the_newest(core: TwapFeedCore) -> None:
    core.handle(received(core, tick_frame(NOW_MS + 9_000), tick_frame(NOW_MS + 8_000)), NOW_MS)
    effects = core.handle(PeerRestarted(MARKET_STATE), NOW_MS)
    assert told_ms(effects, MARKET_STATE) == [NOW_MS + 9_000]


def test_ticks_of_others_keep_nothing_fresh(core: TwapFeedCore) -> None:
    raw = tick_frame(NOW_MS).replace(b"btc/usd", b"eth/usd")
    assert core.handle(received(core, raw, b"PONG", b""), NOW_MS) == []
    assert not core.is_serving
