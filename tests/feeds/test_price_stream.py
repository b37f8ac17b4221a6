"""How a service's connection is kept: close codes, gaps, silence, renewal."""

import random

import pytest
from feed_builders import NOW_MS, FixedDice, commands, timers
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from price_feed_stage import BOLT_1, BOLT_2, BOLT_3, RTDS_1, PriceFeed, lines, moments
from price_frames import bolt_frame, bolt_snapshot, point, rtds_frame

from actors.feeds.connection import CONNECT_LIMIT_MS, Connect
from actors.feeds.polybolt import LookForCredentials
from actors.feeds.price_stream import (
    BREACH_WAIT_MS,
    DRAIN_SPREAD_MS,
    REFUSED_WAIT_MS,
    RENEW_EVERY_MS,
)
from actors.feeds.twap_feed import DENIED_RETRY_MS

RECONNECT_BOLT_1 = f"reconnect/{BOLT_1}"


def bolt(dice: FixedDice | None = None) -> PriceFeed:
    """A feed with PolyBolt alone, which has told the price of NOW_MS."""
    feed = PriceFeed("polybolt", dice)
    feed.finds_credentials()
    feed.brings_up(BOLT_1, bolt_snapshot(1, point()))
    return feed


# Close codes


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_4003_a_server_that_goes_is_left_for_another_once_within_ten_seconds(
    chance: float,
) -> None:
    feed = bolt(FixedDice(chance))
    delay_ms = timers(feed.loses(BOLT_1, 4003))[RECONNECT_BOLT_1]
    assert delay_ms == int(chance * DRAIN_SPREAD_MS)
    assert len(commands(feed.waits(DRAIN_SPREAD_MS), Connect)) == 1
    assert timers(feed.loses(BOLT_1))[RECONNECT_BOLT_1] < 1_000  # from here on as ever


@pytest.mark.parametrize("code", [None, 1001, 1006, 4002])
def test_a_loss_of_no_meaning_is_tried_again_soon(code: int | None) -> None:
    feed = bolt()
    assert timers(feed.loses(BOLT_1, code))[RECONNECT_BOLT_1] < 250


def test_4008_a_breach_of_ours_is_said_and_not_repeated_blindly() -> None:
    feed = bolt()
    done = feed.loses(BOLT_1, 4008)
    assert timers(done)[RECONNECT_BOLT_1] >= BREACH_WAIT_MS
    assert lines(done)
    assert not commands(feed.waits(BREACH_WAIT_MS - 1), Connect)


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_a_minimum_with_jitter_on_top(code: int) -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    assert timers(feed.loses(BOLT_1, code, 7_000))[RECONNECT_BOLT_1] == 7_000 + 125
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    assert timers(feed.loses(BOLT_1, code))[RECONNECT_BOLT_1] == 125


@pytest.mark.parametrize("is_said_first", [False, True])
def test_4001_refused_credentials_are_not_tried_again_but_others_are(
    is_said_first: bool,
) -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials("old")
    feed.opens(BOLT_1)
    if is_said_first:
        feed.hears(BOLT_1, b'{"op":"error","rid":"auth","code":"auth_invalid"}')
    else:
        feed.loses(BOLT_1, 4001)
    assert len([line for line in feed.log if "refuses the API credentials" in line]) == 1
    for _ in range(200):
        done = feed.waits(5_000)
        assert not commands(done, Connect)
        if commands(done, LookForCredentials):
            assert not commands(feed.finds_credentials("old"), Connect)
    feed.waits(5_000)
    assert commands(feed.finds_credentials("new"), Connect)
    feed.brings_up(BOLT_1, bolt_snapshot(1, point(feed.now_ms)))
    assert feed.core.is_serving


def test_4001_the_same_credentials_are_tried_once_more_after_an_hour() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.loses(BOLT_1, 4001)
    feed.waits(DENIED_RETRY_MS - 1)
    assert not commands(feed.finds_credentials(), Connect)
    feed.waits(1)
    assert commands(feed.finds_credentials(), Connect)
    feed.loses(BOLT_1, 4001)
    assert not commands(feed.finds_credentials(), Connect)


def test_4001_on_a_renewal_leaves_the_connection_that_still_serves() -> None:
    feed = bolt()
    feed.hears(BOLT_1, bolt_frame(5, NOW_MS + 1_000))  # a gap
    feed.opens(BOLT_2)
    feed.loses(BOLT_2, 4001)
    assert feed.told(feed.hears(BOLT_1, bolt_frame(6, NOW_MS + 2_000)))
    feed.now_ms += RENEW_EVERY_MS
    assert not commands(feed.hears(BOLT_1, bolt_frame(9, NOW_MS + 3_000)), Connect)
    assert not commands(feed.loses(BOLT_1), Connect)
    assert not commands(feed.waits(600_000), Connect)


def test_a_refused_subscription_waits_a_minute() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.opens(BOLT_1)
    done = feed.hears(
        BOLT_1,
        b'{"op":"authed","rid":"auth"}',
        b'{"op":"error","rid":"subscribe","code":"bad_filter"}',
    )
    assert timers(done)[RECONNECT_BOLT_1] >= REFUSED_WAIT_MS
    assert any("bad_filter" in line for line in lines(done))


# Gaps and silence


@pytest.mark.parametrize("frame", [bolt_frame(4, NOW_MS + 1_000), bolt_frame(2, dropped=3)])
def test_after_a_loss_a_second_connection_brings_the_history(frame: bytes) -> None:
    feed = bolt()
    done = feed.hears(BOLT_1, frame)
    assert [each.name for each in commands(done, Connect)] == [BOLT_2]
    feed.opens(BOLT_2)
    assert feed.told(feed.hears(BOLT_1, bolt_frame(5, NOW_MS + 2_000)))
    missed = [point(NOW_MS - 60_000), point(NOW_MS), point(NOW_MS + 3_000)]
    told = feed.told(feed.subscribes(BOLT_2, bolt_snapshot(1, *missed)))
    assert moments(told) == [NOW_MS - 60_000, NOW_MS + 3_000]
    assert list(feed.open) == [BOLT_2]


def test_losses_do_not_renew_more_often_than_allowed() -> None:
    feed = bolt()
    connects = 0
    for number in range(30):
        feed.waits(1_000)
        (name, *_) = feed.open
        done = feed.hears(name, bolt_frame(3 + 2 * number, feed.now_ms))
        connects += len(commands(done, Connect))
        for other in tuple(feed.connecting):
            feed.loses(other)
    assert connects == 3


def test_silence_renews_and_the_old_connection_is_let_go_only_for_data() -> None:
    feed = bolt()
    feed.waits(10_000)
    assert not feed.core.is_serving
    feed.opens(BOLT_2)
    feed.subscribes(BOLT_2)
    assert set(feed.open) == {BOLT_1, BOLT_2}
    feed.subscribes(BOLT_2, bolt_snapshot(1, point(feed.now_ms - 1_000)))
    assert list(feed.open) == [BOLT_2]
    assert feed.core.is_serving


def test_a_second_connection_that_is_silent_too_is_given_up_and_tried_again() -> None:
    feed = bolt()
    for name in (BOLT_2, BOLT_3):
        feed.waits(10_000)
        feed.opens(name)
        feed.subscribes(name)
        feed.waits(10_000)
        assert BOLT_1 in feed.open
        assert name not in feed.open
    assert feed.told(feed.hears(BOLT_1, bolt_frame(2, feed.now_ms)))
    assert feed.core.is_serving


def test_a_connection_that_never_gave_data_is_lost_like_any() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.opens(BOLT_1)
    feed.subscribes(BOLT_1)
    feed.waits(10_000)
    assert BOLT_1 not in feed.open
    feed.waits(1_000)
    assert feed.connecting[BOLT_1] == 2


def test_pongs_and_old_prices_are_no_life() -> None:
    feed = bolt()
    for second in range(1, 10):
        feed.waits(1_000)
        feed.hears(BOLT_1, b'{"op":"pong","rid":"ping"}', bolt_frame(1 + second))
    feed.waits(1_000)
    assert not feed.core.is_serving
    feed.brings_up(BOLT_2, bolt_snapshot(1, point(feed.now_ms - 31_000)))
    assert not feed.core.is_serving


def test_a_time_that_stands_still_is_silence_also_in_a_fresh_history() -> None:
    feed = bolt()
    for seq in range(2, 11):
        feed.waits(1_000)
        assert not feed.told(feed.hears(BOLT_1, bolt_frame(seq, NOW_MS)))
    assert commands(feed.waits(1_000), Connect)
    assert not feed.core.is_serving
    feed.brings_up(BOLT_2, bolt_snapshot(1, point(NOW_MS - 1_000), point(NOW_MS)))
    assert not feed.core.is_serving, "the new connection knows no newer price"
    feed.hears(BOLT_2, bolt_frame(2, NOW_MS + 10_000))
    assert feed.core.is_serving


def test_a_price_that_is_dated_ahead_hides_neither_silence_nor_the_prices_after_it() -> None:
    feed = bolt()
    feed.hears(BOLT_1, bolt_frame(2, NOW_MS + 55_000))
    for second in range(1, 20):
        feed.waits(1_000)
        feed.hears(BOLT_1, bolt_frame(2 + second, NOW_MS + second * 1_000))
        assert feed.core.is_serving
    for second in range(20, 40):
        feed.hears(BOLT_1, bolt_frame(2 + second, feed.now_ms + 50_000))
        feed.waits(1_000)
    assert not feed.core.is_serving


def test_f51_the_silence_of_a_price_service_is_noticed_as_soon_when_the_clock_is_set_back() -> None:
    feed = bolt()
    feed.waits(5_000)
    feed.now_ms -= 30_000
    feed.due_ms = {key: due_ms - 30_000 for key, due_ms in feed.due_ms.items()}
    feed.hears(BOLT_1, b'{"op":"pong","rid":"ping"}')
    assert not commands(feed.waits(4_999), Connect)
    assert commands(feed.waits(1), Connect)
    feed.brings_up(BOLT_2, bolt_snapshot(1, point(feed.now_ms)))
    assert feed.core.is_serving, "the service's own time ran back as well"


def test_a_connection_that_is_not_made_in_time_is_given_up() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.waits(CONNECT_LIMIT_MS + 1_000)
    assert feed.connecting[BOLT_1] == 2


def test_a_second_connection_takes_over_when_the_first_is_closed_meanwhile() -> None:
    feed = bolt()
    feed.hears(BOLT_1, bolt_frame(5, NOW_MS + 1_000))
    feed.loses(BOLT_1, 4003)
    assert RECONNECT_BOLT_1 not in feed.due_ms
    feed.brings_up(BOLT_2, bolt_snapshot(1, point(NOW_MS + 2_000)))
    assert feed.core.is_serving


def test_what_an_old_connection_still_says_is_ignored() -> None:
    feed = bolt()
    epoch = feed.open[BOLT_1]
    feed.loses(BOLT_1)
    feed.open[BOLT_1] = epoch
    assert feed.hears(BOLT_1, bolt_frame(2, NOW_MS + 1_000)) == []
    assert feed.loses(BOLT_1, 4001) == []


def test_a_sped_up_run_leaves_the_machine_its_time() -> None:
    feed = PriceFeed("rtds", speed=60)
    feed.brings_up(RTDS_1, rtds_frame())
    feed.waits(59_000)
    assert feed.core.is_serving
    feed.waits(1_000)
    assert not feed.core.is_serving


# Whatever happens


class FeedLife(RuleBasedStateMachine):
    """Both services as bad as they like: no tick twice, few connections, always a way on."""

    def __init__(self) -> None:
        super().__init__()
        self.feed = PriceFeed("auto", random.Random(1))
        self.seq: dict[str, int] = {}
        self.credentials = "c1"
        self.denied: set[str] = set()
        self.told: set[int] = set()
        self._find()

    def _find(self) -> None:
        self.found = self.credentials
        self.feed.finds_credentials(self.found)

    @rule(ms=st.integers(1, 20_000))
    def time_passes(self, ms: int) -> None:
        if commands(self.feed.waits(ms), LookForCredentials):
            self._find()

    @rule()
    def credentials_are_renewed(self) -> None:
        self.credentials += "+"

    @rule(choice=st.integers(0, 3))
    def one_opens(self, choice: int) -> None:
        name = picked(self.feed.connecting, choice)
        if name:
            self.feed.opens(name)
            self.seq[name] = 0
            if name.startswith("polybolt"):
                self.feed.subscribes(name)

    @rule(
        choice=st.integers(0, 3),
        code=st.sampled_from([None, 1006, 4001, 4002, 4003, 4008, 429, 503]),
    )
    def one_is_lost(self, choice: int, code: int | None) -> None:
        name = picked({**self.feed.open, **self.feed.connecting}, choice)
        if name:
            self.feed.loses(name, code if name.startswith("polybolt") else None)
            if code == 4001 and name.startswith("polybolt"):
                self.denied.add(self.found)

    @rule(choice=st.integers(0, 3), jump=st.integers(1, 3), age_s=st.integers(0, 40))
    def one_tells(self, choice: int, jump: int, age_s: int) -> None:
        name = picked(self.feed.open, choice)
        if name:
            at_ms = (self.feed.now_ms // 1_000 - age_s) * 1_000
            self.seq[name] += jump
            is_rtds = name.startswith("rtds")
            raw = rtds_frame(at_ms) if is_rtds else bolt_frame(self.seq[name], at_ms)
            told = moments(self.feed.told(self.feed.hears(name, raw)))
            assert told == ([] if at_ms in self.told else [at_ms])
            self.told.add(at_ms)

    @invariant()
    def there_are_never_more_than_two_connections_of_a_service(self) -> None:
        names = [*self.feed.open, *self.feed.connecting]
        for service in ("polybolt", "rtds"):
            assert len([name for name in names if name.startswith(service)]) <= 2

    @invariant()
    def refused_credentials_are_not_tried_again(self) -> None:
        if self.found in self.denied:
            assert not [name for name in self.feed.connecting if name.startswith("polybolt")]

    @invariant()
    def there_is_always_a_way_on(self) -> None:
        due = self.feed.due_ms
        for service in ("polybolt", "rtds"):
            leads = (f"watchdog/{service}", f"reconnect/{service}")
            is_looking = service == "polybolt" and "credentials" in due
            assert is_looking or any(key.startswith(leads) for key in due)


def picked(names: dict[str, int], choice: int) -> str:
    return sorted(names)[choice % len(names)] if names else ""


TestFeedLife = FeedLife.TestCase
TestFeedLife.settings = settings(max_examples=60, stateful_step_count=40)
