"""The price feed at the local exchange: both services, on real sockets, while they misbehave."""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs
import pytest
from feed_stage import RealStage
from live_stage import RunningExchange
from price_feed_stage import RTDS_1, PriceFeed, moments
from price_frames import PRICE_E18, bolt_snapshot, point

from actors.feeds.polybolt import ApiCredentials, CredentialsUnavailable, FoundCredentials
from actors.feeds.port import PricePort
from actors.feeds.rtds import TWAP_TOPIC
from actors.feeds.twap_feed import TwapFeedCore
from actors.messages.feeds import POLYBOLT, RTDS, TwapTick, TwapTickWanted
from actors.roles import TWAP_FEED
from actors.settings import Settings
from understudy.composition import pointed_at_local_exchange
from understudy.credentials.price_feed import credentials_text

pytestmark = pytest.mark.processes


class PriceStage(RealStage):
    """The feed on its port, at the exchange's own time."""

    core: TwapFeedCore

    def __init__(self, exchange: RunningExchange, source: str) -> None:
        self.exchange = exchange
        self.revoke()
        local = pointed_at_local_exchange(Settings(), exchange.http_url, exchange.ws_url)
        venue = attrs.evolve(local.venue, price_source=source)
        settings = attrs.evolve(local, venue=venue, speed=exchange.clock.spec.speed)
        core = TwapFeedCore(TWAP_FEED, settings, random.Random(1))
        super().__init__(core, port=PricePort(self._find))

    @property
    def now_ms(self) -> int:
        return self.exchange.clock.now_ms()

    def revoke(self) -> None:
        """Have no credentials, as a run at its start."""
        self.credentials: ApiCredentials | None = None

    def get_credentials(self) -> None:
        """Take the exchange's test credentials."""
        told = self.exchange.get("/auth/test-api-key")
        self.credentials = ApiCredentials(told["apiKey"], told["secret"], told["passphrase"])
        assert credentials_text(self.credentials)

    def _find(self) -> FoundCredentials:
        if self.credentials is None:
            raise CredentialsUnavailable("there are none")
        return FoundCredentials(self.credentials, "the test")

    def is_using(self, source: str) -> bool:
        """Whether the feed uses this service now."""
        return self.core._served() == source

    def use(self, source: str) -> None:
        """Let time pass until the feed uses this service."""
        self.run_until(lambda: self.is_using(source), f"{source} is used")

    def seconds(self) -> set[int]:
        """Every second that was told."""
        return {tick.timestamp_ms for tick in self.messages(TwapTick)}


@pytest.fixture
def auto(exchange: RunningExchange) -> Iterator[PriceStage]:
    exchange.inject(channel="polybolt", kind="resume")
    exchange.inject(channel="rtds", kind="resume")
    stage = PriceStage(exchange, "auto")
    stage.get_credentials()
    with stage:
        yield stage
    exchange.inject(channel="polybolt", kind="resume")
    exchange.inject(channel="rtds", kind="resume")


@pytest.mark.parametrize("kind", ["off", "stall", "drain", "drop_frames", "seq_jump", "silence"])
def test_whatever_befalls_polybolt_no_second_is_lost_and_it_is_used_again(
    auto: PriceStage, kind: str
) -> None:
    auto.use(POLYBOLT)
    began = max(auto.seconds())
    auto.exchange.inject(channel="polybolt", kind=kind, count=3)
    if kind in ("off", "silence"):
        auto.use(RTDS)
    auto.run_until(lambda: max(auto.seconds()) > began + 20_000, "prices go on")
    auto.exchange.inject(channel="polybolt", kind="resume")
    auto.use(POLYBOLT)
    told = [second for second in auto.seconds() if second >= began]
    assert sorted(told) == [*range(began, max(told) + 1, 1_000)]


def test_when_rtds_goes_in_the_middle_of_a_run_polybolt_goes_on(auto: PriceStage) -> None:
    auto.use(POLYBOLT)
    began = max(auto.seconds())
    auto.exchange.inject(channel="rtds", kind="off")
    auto.run_until(lambda: max(auto.seconds()) > began + 20_000, "prices go on")
    assert auto.is_using(POLYBOLT)
    told = [second for second in auto.seconds() if second >= began]
    assert sorted(told) == [*range(began, max(told) + 1, 1_000)]


def test_refused_credentials_leave_rtds_and_others_are_taken(auto: PriceStage) -> None:
    auto.use(POLYBOLT)
    auto.exchange.inject(kind="revoked_keys")
    auto.exchange.inject(channel="polybolt", kind="drop")
    auto.use(RTDS)
    auto.run_until(lambda: auto.core.streams[POLYBOLT].is_denied, "the refusal")
    auto.get_credentials()
    auto.use(POLYBOLT)


def test_credentials_that_come_later_are_taken_up(auto: PriceStage) -> None:
    auto.revoke()
    auto.exchange.inject(channel="polybolt", kind="drop")
    auto.use(RTDS)
    auto.get_credentials()
    auto.use(POLYBOLT)


def test_f44_a_second_that_never_came_live_is_fetched_from_a_fresh_history(
    exchange: RunningExchange,
) -> None:
    exchange.inject(channel="polybolt", kind="resume")
    stage = PriceStage(exchange, "polybolt")
    stage.get_credentials()
    with stage:
        stage.use(POLYBOLT)
        began = max(stage.seconds())
        exchange.inject(channel="polybolt", kind="missing_seconds", count=3)
        stage.run_until(lambda: max(stage.seconds()) > began + 8_000, "prices after the hole")
        told = stage.seconds()
        missing = [each for each in range(began, max(told), 1_000) if each not in told]
        assert missing
        for second in missing:
            stage.tell(TwapTickWanted(second))
            stage.run_until(lambda second=second: second in stage.seconds(), "the missing second")


def test_f44_while_it_is_fetched_the_prices_go_on_and_nothing_is_told_twice() -> None:
    feed = PriceFeed("polybolt")
    feed.finds_credentials()
    feed.brings_up("polybolt-1", bolt_snapshot(1, point()))
    wanted_ms = feed.now_ms - 60_000
    feed.give(TwapTickWanted(wanted_ms))
    done = feed.brings_up("polybolt-2", bolt_snapshot(1, point(wanted_ms), point(feed.now_ms)))
    assert moments(feed.told(done)) == [wanted_ms]
    assert list(feed.open) == ["polybolt-2"]


@pytest.mark.parametrize(
    "changed",
    [
        '"timestamp":"%d"',
        '"timestamp":%d.0',
        '"window_s":"60","timestamp":%d',
    ],
)
def test_f36_numbers_as_text_and_texts_as_numbers_give_the_strike_all_the_same(
    changed: str,
) -> None:
    feed = PriceFeed("rtds")
    feed.opens(RTDS_1)
    tick = f'{{{changed % feed.now_ms},"full_accuracy_value":"{PRICE_E18}"}}'
    broken = '{"timestamp":true,"full_accuracy_value":"7"},{"timestamp":NaN},null,'
    raw = f'{{"topic":"{TWAP_TOPIC}","payload":{{"symbol":"btc/usd","data":[{broken}{tick}]}}}}'
    (told,) = feed.told(feed.hears(RTDS_1, raw.encode()))
    assert (told.price_e18, told.timestamp_ms, told.window_s) == (PRICE_E18, feed.now_ms, 60)
    assert feed.core.is_serving
