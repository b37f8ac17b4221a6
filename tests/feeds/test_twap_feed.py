import pytest
from feed_builders import NOW_MS, commands, sent
from price_feed_stage import BOLT_1, BOLT_2, RTDS_1, PriceFeed, lines, moments
from price_frames import PRICE_E18, bolt_frame, bolt_snapshot, point, rtds_frame, rtds_history

from actors.core import Log
from actors.feeds.connection import Connect, SendText
from actors.feeds.polybolt import Authenticate, CredentialsMissing, LookForCredentials
from actors.feeds.seen_ticks import BOUNDARIES_KEPT, BOUNDARY_MS
from actors.feeds.twap_feed import NEWEST_TOLD
from actors.messages.feeds import (
    POLYBOLT,
    RTDS,
    FeedDown,
    FeedHealth,
    FeedUp,
    TwapTick,
    TwapTickWanted,
)
from actors.messages.lifecycle import PeerRestarted
from actors.roles import DIRECTORY, MARKET_STATE, OBSERVER

BOUNDARY_AT_MS = NOW_MS // BOUNDARY_MS * BOUNDARY_MS


def both() -> PriceFeed:
    """A feed to which both services have just told the price of NOW_MS."""
    feed = PriceFeed()
    feed.brings_up(RTDS_1, rtds_frame())
    feed.finds_credentials()
    feed.brings_up(BOLT_1, bolt_snapshot(1, point()))
    return feed


def only_rtds() -> PriceFeed:
    feed = PriceFeed("rtds")
    feed.brings_up(RTDS_1)
    return feed


# Which services


@pytest.mark.parametrize(
    ("source", "connects", "looks"),
    [("auto", [RTDS_1], 1), ("rtds", [RTDS_1], 0), ("polybolt", [], 1)],
)
def test_it_listens_to_what_is_configured(source: str, connects: list[str], looks: int) -> None:
    feed = PriceFeed(source)
    assert list(feed.connecting) == connects
    assert len(commands(feed.done, LookForCredentials)) == looks


def test_polybolt_is_connected_when_there_are_credentials_and_told_them_first() -> None:
    feed = PriceFeed("polybolt")
    assert [each.name for each in commands(feed.finds_credentials(), Connect)] == [BOLT_1]
    assert commands(feed.opens(BOLT_1), Authenticate) == [Authenticate(BOLT_1)]
    (subscription,) = commands(feed.subscribes(BOLT_1), SendText)
    assert "btcusd" in subscription.text
    assert subscription.name == BOLT_1


def test_rtds_is_subscribed_at_once_and_pinged() -> None:
    feed = PriceFeed("rtds")
    (subscription,) = commands(feed.opens(RTDS_1), SendText)
    assert "btc/usd" in subscription.text
    assert SendText("PING", RTDS_1) in commands(feed.waits(5_000), SendText)


def test_polybolt_is_pinged_every_thirty_seconds_in_its_own_words() -> None:
    feed = both()
    pings: list[str] = []
    for second in range(1, 61):
        done = feed.waits(1_000)
        pings += [each.text for each in commands(done, SendText) if each.name == BOLT_1]
        feed.hears(BOLT_1, bolt_frame(1 + second, NOW_MS + 1_000 * second))
    assert pings == ['{"op":"ping","rid":"ping"}'] * 2


def test_without_credentials_it_says_so_once_and_looks_again() -> None:
    feed = PriceFeed()
    feed.misses_credentials()
    assert [line for line in feed.log if "there are none" in line]
    before = len(feed.log)
    assert commands(feed.waits(5_000), LookForCredentials)
    feed.misses_credentials()
    assert len(feed.log) == before
    feed.waits(5_000)
    feed.finds_credentials()
    assert BOLT_1 in feed.connecting


def test_credentials_that_are_on_their_way_are_no_trouble() -> None:
    feed = PriceFeed()
    done = feed.give(CredentialsMissing("not there yet", are_coming=True))
    assert [effect.level for effect in done if isinstance(effect, Log)] == ["info"]
    assert commands(feed.waits(5_000), LookForCredentials)


def test_credentials_that_vanish_before_they_are_said_end_the_attempt() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.opens(BOLT_1)
    feed.misses_credentials()
    assert not feed.open
    feed.waits(5_000)
    feed.finds_credentials()
    assert BOLT_1 in feed.connecting


# What is told


def test_every_tick_is_told_to_the_directory() -> None:
    feed = only_rtds()
    ticks = [
        TwapTick(
            price_e18=n + 1, timestamp_ms=NOW_MS + 1_000 * n, window_s=60, source=RTDS, asset="btc"
        )
        for n in range(4)
    ]
    frames = [rtds_frame(NOW_MS + 1_000 * n, n + 1) for n in range(4)]
    assert feed.told(feed.hears(RTDS_1, *frames)) == ticks
    assert feed.core.is_serving


def test_what_both_services_tell_is_told_once() -> None:
    feed = both()
    assert len(feed.told(feed.done)) == 1
    assert feed.told(feed.hears(RTDS_1, rtds_frame(NOW_MS + 1_000)))
    assert not feed.told(feed.hears(BOLT_1, bolt_frame(2, NOW_MS + 1_000)))
    (tick,) = feed.told(feed.hears(BOLT_1, bolt_frame(3, NOW_MS + 2_000)))
    assert tick == TwapTick(
        price_e18=PRICE_E18, timestamp_ms=NOW_MS + 2_000, window_s=60, source=POLYBOLT, asset="btc"
    )
    assert not feed.told(feed.hears(RTDS_1, rtds_frame(NOW_MS + 2_000)))


def test_a_contradiction_is_said_and_polybolts_word_counts() -> None:
    feed = both()
    feed.hears(RTDS_1, rtds_frame(NOW_MS + 1_000, PRICE_E18 + 1))
    done = feed.hears(BOLT_1, bolt_frame(2, NOW_MS + 1_000))
    (tick,) = feed.told(done)
    assert (tick.price_e18, tick.source) == (PRICE_E18, POLYBOLT)
    (line,) = lines(done)
    assert "65026.457815000000000001 by RTDS" in line
    assert "65026.457815 by PolyBolt" in line
    feed.hears(BOLT_1, bolt_frame(3, NOW_MS + 2_000))
    again = feed.hears(RTDS_1, rtds_frame(NOW_MS + 2_000, PRICE_E18 + 1))
    assert not feed.told(again)
    assert not lines(again)  # a line a minute
    feed.waits(60_000)
    feed.hears(BOLT_1, bolt_frame(4, NOW_MS + 62_000))
    assert (
        "3 of this kind" in lines(feed.hears(RTDS_1, rtds_frame(NOW_MS + 62_000, PRICE_E18 + 1)))[0]
    )


def test_of_a_history_the_boundaries_and_the_newest_are_told() -> None:
    feed = only_rtds()
    start_ms, end_ms = BOUNDARY_AT_MS - 2 * BOUNDARY_MS - 5_000, NOW_MS
    told = moments(feed.told(feed.hears(RTDS_1, rtds_history(range(start_ms, end_ms, 1_000)))))
    boundaries = range(BOUNDARY_AT_MS - 2 * BOUNDARY_MS, end_ms - 10_000, BOUNDARY_MS)
    assert told == [*boundaries, *range(end_ms - 1_000 * NEWEST_TOLD, end_ms, 1_000)]


def test_a_new_directory_is_told_the_boundaries_and_the_newest() -> None:
    feed = only_rtds()
    times_ms = [
        BOUNDARY_AT_MS - 2 * BOUNDARY_MS + 100,
        BOUNDARY_AT_MS - 2 * BOUNDARY_MS + 999,
        BOUNDARY_AT_MS - 2 * BOUNDARY_MS + 1_000,
        BOUNDARY_AT_MS - BOUNDARY_MS,
        BOUNDARY_AT_MS - BOUNDARY_MS + 7_000,
    ]
    for at_ms in [*times_ms[1:], times_ms[0]]:
        feed.hears(RTDS_1, rtds_frame(at_ms))
    told = moments(feed.told(feed.give(PeerRestarted(DIRECTORY))))
    assert told == [times_ms[0], times_ms[3], times_ms[4]]
    assert feed.give(PeerRestarted(MARKET_STATE)) == []


def test_the_last_boundary_is_told_again_and_again() -> None:
    feed = only_rtds()
    for number in range(BOUNDARIES_KEPT + 3):
        feed.now_ms = at_ms = BOUNDARY_AT_MS + number * BOUNDARY_MS
        feed.hears(RTDS_1, rtds_frame(at_ms), rtds_frame(at_ms + 2_000))
        feed.now_ms += 2_000
        assert set(moments(feed.told(feed.waits(5_000)))) == {at_ms}
    told = feed.told(feed.give(PeerRestarted(DIRECTORY)))
    assert len(told) == BOUNDARIES_KEPT + 1


def test_a_tick_that_comes_late_does_not_become_the_newest() -> None:
    feed = only_rtds()
    feed.hears(RTDS_1, rtds_frame(NOW_MS + 9_000), rtds_frame(NOW_MS + 8_000))
    assert moments(feed.told(feed.give(PeerRestarted(DIRECTORY))))[-1] == NOW_MS + 9_000


def test_a_price_of_the_future_is_none() -> None:
    feed = only_rtds()
    assert not feed.told(feed.hears(RTDS_1, rtds_frame(NOW_MS + 3_600_000)))
    assert not feed.core.is_serving
    assert [each.malformed_count for each in sent(feed.waits(5_000), FeedHealth)] == [1]


# Which one is in use


def test_the_service_in_use_is_said_once_at_each_change_and_shown() -> None:
    feed = PriceFeed()
    assert sent(feed.brings_up(RTDS_1, rtds_frame()), FeedUp, OBSERVER)
    assert [line for line in feed.log if "prices come from RTDS" in line]
    feed.finds_credentials()
    done = feed.brings_up(BOLT_1, bolt_frame(1, NOW_MS + 1_000))
    assert lines(done) == ["prices come from PolyBolt"]
    assert not sent(done, FeedUp)
    assert sent(feed.waits(5_000), FeedHealth, OBSERVER)[0].source == POLYBOLT
    done = feed.loses(BOLT_1)
    assert any("prices come from RTDS (PolyBolt: it is gone)" in line for line in lines(done))
    done = feed.loses(RTDS_1)
    (down,) = sent(done, FeedDown, OBSERVER)
    assert "PolyBolt: it is gone; RTDS: it is gone" in down.reason
    assert not feed.core.is_serving
    assert sent(feed.waits(5_000), FeedHealth, OBSERVER)[0].source == ""


def test_when_polybolt_falls_silent_rtds_goes_on_and_no_second_is_missing() -> None:
    feed = both()
    told: list[int] = []
    for second in range(1, 40):
        feed.waits(1_000)
        at_ms = NOW_MS + 1_000 * second
        told += moments(feed.told(feed.hears(RTDS_1, rtds_frame(at_ms))))
        if second <= 10:
            feed.hears(BOLT_1, bolt_frame(1 + second, at_ms))
    assert told == [NOW_MS + 1_000 * second for second in range(1, 40)]
    assert any("prices come from RTDS (PolyBolt: no new price" in line for line in feed.log)
    assert feed.core.is_serving


def test_when_rtds_falls_silent_polybolt_goes_on_and_its_loss_is_said_once() -> None:
    feed = both()
    feed.loses(RTDS_1, 1001)
    for second in range(1, 120):
        feed.waits(1_000)
        at_ms = NOW_MS + 1_000 * second
        assert moments(feed.told(feed.hears(BOLT_1, bolt_frame(1 + second, at_ms)))) == [at_ms]
        if RTDS_1 in feed.connecting:
            feed.loses(RTDS_1, 404)
    assert len([line for line in feed.log if line.startswith("RTDS: ")]) == 1
    assert not [line for line in feed.log if "prices come from RTDS" in line][1:]


# A tick that did not come


def test_a_tick_that_is_wanted_is_told_again_if_it_is_known() -> None:
    feed = only_rtds()
    feed.hears(RTDS_1, rtds_frame(BOUNDARY_AT_MS))
    done = feed.give(TwapTickWanted(BOUNDARY_AT_MS))
    assert moments(feed.told(done)) == [BOUNDARY_AT_MS]
    assert not commands(done, Connect)


def test_f44_a_tick_that_is_missing_is_fetched_by_a_second_connection() -> None:
    feed = both()
    wanted_ms = NOW_MS - 40_000
    done = feed.give(TwapTickWanted(wanted_ms))
    assert {each.name for each in commands(done, Connect)} == {BOLT_2, "rtds-2"}
    assert BOLT_1 in feed.open  # the first goes on meanwhile
    feed.opens(BOLT_2)
    assert feed.told(feed.hears(BOLT_1, bolt_frame(2, NOW_MS + 1_000)))
    done = feed.subscribes(BOLT_2, bolt_snapshot(1, point(wanted_ms), point(NOW_MS)))
    assert moments(feed.told(done)) == [wanted_ms]
    assert BOLT_1 not in feed.open
    assert feed.told(feed.hears(BOLT_2, bolt_frame(2, NOW_MS + 2_000)))


def test_f44_a_missing_tick_is_looked_for_ever_more_rarely_and_not_beyond_the_history() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.brings_up(BOLT_1, bolt_snapshot(1, point()))
    feed.now_ms += 3_000
    feed.give(TwapTickWanted(NOW_MS - 300_000))
    assert feed.connecting == {}  # no history reaches so far back
    wanted_ms = NOW_MS - 1_000
    tried_ms: list[int] = []
    seq = 1
    for second in range(150):
        if second % 2 == 0:
            feed.give(TwapTickWanted(wanted_ms))  # however often it is asked for
        for name in tuple(feed.connecting):
            tried_ms.append(feed.now_ms - wanted_ms)
            feed.brings_up(name, bolt_snapshot(1, point(feed.now_ms)))
            seq = 1
        feed.waits(1_000)
        (name,) = feed.open
        seq += 1
        feed.hears(name, bolt_frame(seq, feed.now_ms))
        assert second < 5 or tried_ms
    assert 3 <= len(tried_ms) <= 5
    assert max(tried_ms) <= 121_000


def test_a_tick_that_was_found_is_looked_for_no_more() -> None:
    feed = both()
    feed.give(TwapTickWanted(NOW_MS - 40_000))
    feed.brings_up(BOLT_2, bolt_snapshot(1, point(NOW_MS - 40_000), point(NOW_MS)))
    for second in range(1, 60):
        feed.waits(1_000)
        feed.hears(BOLT_2, bolt_frame(1 + second, NOW_MS + 1_000 * second))
        feed.hears(RTDS_1, rtds_frame(NOW_MS + 1_000 * second))
    assert not [name for name in feed.connecting if name.startswith("polybolt")]
