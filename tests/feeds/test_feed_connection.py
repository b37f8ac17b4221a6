import random

import pytest
from feed_builders import NOW_MS, FixedDice, commands, timers
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.core import CancelTimer, Dice, Effects
from actors.feeds.connection import (
    BACKOFF_FIRST_MS,
    BACKOFF_MAX_MS,
    CONNECT_LIMIT_MS,
    PING_TIMER,
    RECONNECT_TIMER,
    STEADY_AFTER_MS,
    WATCHDOG_TIMER,
    Connect,
    Disconnect,
    FeedConnection,
    Phase,
    Rhythm,
    SendText,
)

RHYTHM = Rhythm(stale_after_ms=15_000, ping_every_ms=10_000)


def connection(dice: Dice | None = None, rhythm: Rhythm = RHYTHM) -> FeedConnection:
    return FeedConnection("ws://venue", rhythm, dice or FixedDice())


def test_it_connects_once_when_it_is_wanted() -> None:
    wire = connection()
    effects = wire.start()
    assert commands(effects, Connect) == [Connect(1, "ws://venue")]
    assert timers(effects) == {WATCHDOG_TIMER: CONNECT_LIMIT_MS}
    assert wire.start() == []


def test_once_up_it_says_its_texts_and_begins_to_ping_and_to_watch() -> None:
    wire = connection()
    wire.start()
    effects = wire.connected(("hello", "there"), NOW_MS)
    assert commands(effects, SendText) == [SendText("hello"), SendText("there")]
    assert timers(effects) == {WATCHDOG_TIMER: 15_000, PING_TIMER: 10_000}
    assert wire.is_up
    assert not wire.is_serving
    wire.data_seen(NOW_MS + 5)
    assert wire.is_serving


def test_it_pings_again_and_again_while_up_and_only_then() -> None:
    wire = connection()
    wire.start()
    assert wire.ping() == []
    wire.connected((), NOW_MS)
    effects = wire.ping()
    assert commands(effects, SendText) == [SendText("PING")]
    assert timers(effects) == {PING_TIMER: 10_000}
    wire.lost(NOW_MS)
    assert wire.ping() == []


def test_a_venue_without_text_ping_gets_none() -> None:
    wire = connection(rhythm=Rhythm(stale_after_ms=5_000))
    wire.start()
    assert PING_TIMER not in timers(wire.connected((), NOW_MS))


def test_silence_counts_from_the_last_data_or_from_the_opening() -> None:
    wire = connection()
    wire.start()
    wire.connected((), NOW_MS)
    assert not wire.is_stale(NOW_MS + 14_999)
    assert wire.is_stale(NOW_MS + 15_000)
    wire.data_seen(NOW_MS + 10_000)
    assert not wire.is_stale(NOW_MS + 24_999)
    assert timers(wire.watch_again(NOW_MS + 15_000)) == {WATCHDOG_TIMER: 10_000}
    assert wire.is_stale(NOW_MS + 25_000)


def test_a_clock_set_back_makes_nothing_stale() -> None:
    wire = connection()
    wire.start()
    wire.connected((), NOW_MS)
    assert wire.silence_ms(NOW_MS - 60_000) == 0
    assert timers(wire.watch_again(NOW_MS - 60_000)) == {WATCHDOG_TIMER: 15_000}


def test_a_loss_lets_go_and_the_next_attempt_has_a_new_epoch() -> None:
    wire = connection()
    wire.start()
    wire.connected((), NOW_MS)
    effects = wire.lost(NOW_MS)
    assert commands(effects, Disconnect) == [Disconnect()]
    assert not wire.is_current(1)
    assert commands(wire.reconnect(), Connect) == [Connect(2, "ws://venue")]
    assert wire.is_current(2)
    assert not wire.is_current(1)
    assert wire.reconnect() == []


@pytest.mark.parametrize(("fall", "expected_first"), [(0.0, 0), (0.5, 125), (0.999, 249)])
def test_the_backoff_doubles_up_to_its_limit_with_full_jitter(
    fall: float, expected_first: int
) -> None:
    wire = connection(FixedDice(fall))
    wire.start()
    delays = []
    for _ in range(12):
        delays.append(timers(wire.lost(NOW_MS))[RECONNECT_TIMER])
        wire.reconnect()
    assert delays[0] == expected_first
    limits = [min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2**n) for n in range(12)]
    assert delays == [int(fall * limit) for limit in limits]


@pytest.mark.parametrize(
    ("lived_ms", "has_data", "next_delay_ms"),
    [
        (STEADY_AFTER_MS, True, 125),
        (STEADY_AFTER_MS - 1, True, 500),
        (STEADY_AFTER_MS, False, 500),
    ],
)
def test_only_a_connection_that_lived_and_gave_data_clears_the_backoff(
    lived_ms: int, has_data: bool, next_delay_ms: int
) -> None:
    wire = connection(FixedDice(0.5))
    wire.start()
    for _ in range(2):
        wire.lost(NOW_MS)
        wire.reconnect()
    wire.connected((), NOW_MS)
    if has_data:
        wire.data_seen(NOW_MS + 1)
    assert timers(wire.lost(NOW_MS + lived_ms))[RECONNECT_TIMER] == next_delay_ms


class ConnectionLife(RuleBasedStateMachine):
    """Whatever happens in whatever order: one socket at most, and always a way on."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.wire = connection(random.Random(seed))
        self.now_ms = NOW_MS
        self.sockets: list[int] = []
        self.timers: set[str] = set()
        self._perform(self.wire.start())

    def _perform(self, effects: Effects) -> None:
        for command in commands(effects, Connect):
            self.sockets.append(command.epoch)
        if commands(effects, Disconnect):
            self.sockets.clear()
        self.timers -= {effect.key for effect in effects if isinstance(effect, CancelTimer)}
        for key, delay_ms in timers(effects).items():
            assert 0 <= delay_ms <= BACKOFF_MAX_MS
            self.timers.add(key)

    @rule(passed_ms=st.integers(0, 60_000))
    def time_passes(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @precondition(lambda self: self.wire.phase is Phase.CONNECTING)
    @rule()
    def it_opens(self) -> None:
        self._perform(self.wire.connected(("subscribe",), self.now_ms))

    @precondition(lambda self: self.wire.phase in (Phase.CONNECTING, Phase.UP))
    @rule()
    def it_falls(self) -> None:
        self._perform(self.wire.lost(self.now_ms))

    @precondition(lambda self: self.wire.is_up)
    @rule()
    def data_comes(self) -> None:
        self.wire.data_seen(self.now_ms)

    @rule()
    def the_backoff_ends(self) -> None:
        self._perform(self.wire.reconnect())

    @rule()
    def a_ping_is_due(self) -> None:
        self._perform(self.wire.ping())

    @rule()
    def someone_wants_it_again(self) -> None:
        self._perform(self.wire.start())

    @invariant()
    def there_is_one_socket_and_it_is_the_current_one(self) -> None:
        if self.wire.phase in (Phase.CONNECTING, Phase.UP):
            assert self.sockets == [self.wire.epoch]
            assert self.wire.is_current(self.wire.epoch)
        else:
            assert self.sockets == []
            assert not self.wire.is_current(self.wire.epoch)

    @invariant()
    def a_timer_always_leads_on(self) -> None:
        expected = RECONNECT_TIMER if self.wire.phase is Phase.WAITING else WATCHDOG_TIMER
        assert expected in self.timers

    @invariant()
    def it_serves_only_while_up(self) -> None:
        assert self.wire.is_up or not self.wire.is_serving


TestConnectionLife = ConnectionLife.TestCase
TestConnectionLife.settings = settings(max_examples=60, stateful_step_count=30)
