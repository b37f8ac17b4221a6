import attrs
import pytest
from feed_builders import (
    NOW_MS,
    FixedDice,
    bring_up,
    commands,
    frame,
    received,
    reconnect,
    sent,
    timers,
)

from actors.core import Effects, Log
from actors.feeds.connection import HEALTH_TIMER, WATCHDOG_TIMER, Disconnect, Disconnected, SendText
from actors.feeds.reference_feed import ReferenceFeedCore
from actors.feeds.reference_product import PRICE_LIMIT_MS, PRICE_TIMER, QUIET_LIMIT_MS
from actors.messages.feeds import FeedDown, FeedHealth, FeedStale, FeedUp, ReferencePrice
from actors.messages.lifecycle import PeerRestarted, TimerFired
from actors.roles import DIRECTORY, MARKET_STATE, OBSERVER, REFERENCE_FEED
from actors.settings import Settings
from actors.units import E18


@pytest.fixture
def core() -> ReferenceFeedCore:
    core = ReferenceFeedCore(REFERENCE_FEED, Settings(), FixedDice())
    bring_up(core)
    return core


def ticker(
    sequence: int,
    dollars: int,
    trade_id: int = 0,
    product: str = "BTC-USD",
    at: str = "2026-04-16T09:30:00.5Z",
) -> bytes:
    return frame(
        type="ticker",
        sequence=sequence,
        trade_id=trade_id or sequence,
        product_id=product,
        price=str(dollars),
        time=at,
    )


def heartbeat(last_trade_id: int, product: str = "BTC-USD") -> bytes:
    return frame(type="heartbeat", sequence=1, last_trade_id=last_trade_id, product_id=product)


def told_dollars(effects: Effects) -> list[int]:
    return [price.price_e18 // E18 for price in sent(effects, ReferencePrice, MARKET_STATE)]


def gaps(core: ReferenceFeedCore) -> int:
    (health,) = sent(core.handle(TimerFired(HEALTH_TIMER), NOW_MS), FeedHealth, OBSERVER)
    return health.sequence_gap_count


def test_it_connects_at_its_start_and_subscribes_without_text_pings() -> None:
    core = ReferenceFeedCore(REFERENCE_FEED, Settings(), FixedDice())
    effects = bring_up(core)
    assert core.connection.epoch == 1
    (subscription,) = commands(effects, SendText)
    assert '"BTC-USD"' in subscription.text
    assert "ping" not in timers(effects)
    assert sent(effects, FeedUp, MARKET_STATE) == [FeedUp(REFERENCE_FEED)]


def test_a_price_is_told_with_the_time_of_its_trade(core: ReferenceFeedCore) -> None:
    effects = core.handle(received(core, ticker(1, 68_900)), NOW_MS)
    assert sent(effects, ReferencePrice, MARKET_STATE) == [
        ReferencePrice(price_e18=68_900 * E18, timestamp_ms=NOW_MS + 500)
    ]
    assert core.is_serving


def test_of_prices_that_come_together_the_newest_is_told(core: ReferenceFeedCore) -> None:
    frames = received(core, ticker(1, 100), ticker(2, 101), ticker(3, 102))
    assert told_dollars(core.handle(frames, NOW_MS)) == [102]


def test_prices_that_come_too_quickly_wait_and_the_newest_wins(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(1, 100)), NOW_MS)
    effects = core.handle(received(core, ticker(2, 101)), NOW_MS + 20)
    assert told_dollars(effects) == []
    assert timers(effects) == {PRICE_TIMER: 30}
    core.handle(received(core, ticker(3, 102)), NOW_MS + 40)
    assert told_dollars(core.handle(TimerFired(PRICE_TIMER), NOW_MS + 50)) == [102]
    assert core.handle(TimerFired(PRICE_TIMER), NOW_MS + 100) == []
    assert told_dollars(core.handle(received(core, ticker(4, 103)), NOW_MS + 100)) == [103]


def test_a_clock_set_back_holds_no_price_back(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(1, 100)), NOW_MS)
    assert told_dollars(core.handle(received(core, ticker(2, 101)), NOW_MS - 60_000)) == [101]


def test_a_ticker_older_than_the_last_is_counted_and_not_told(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(5, 100)), NOW_MS)
    effects = core.handle(received(core, ticker(5, 100), ticker(4, 99)), NOW_MS + 60)
    assert told_dollars(effects) == []
    assert gaps(core) == 2


def test_a_sequence_that_jumps_is_no_gap(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(5, 100), ticker(900, 101)), NOW_MS)
    assert gaps(core) == 0


def test_a_sequence_that_falls_while_trades_go_on_begins_anew(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(26_941_144, 100, trade_id=70)), NOW_MS)
    effects = core.handle(received(core, ticker(624_086, 101, trade_id=71)), NOW_MS + 60)
    assert told_dollars(effects) == [101]
    assert [e.text for e in effects if isinstance(e, Log)] == [
        "Coinbase's sequence restarted: 624086 after 26941144"
    ]
    effects = core.handle(received(core, ticker(624_087, 102, trade_id=72)), NOW_MS + 120)
    assert told_dollars(effects) == [102]
    assert gaps(core) == 1


@pytest.mark.parametrize(
    "late",
    [
        ticker(4, 99, trade_id=70),
        ticker(4, 99, trade_id=69),
        ticker(4, 99, trade_id=71, at="2026-04-16T09:29:59Z"),
        ticker(5, 99, trade_id=70),
    ],
)
def test_a_sequence_that_falls_with_an_old_trade_is_only_late(
    core: ReferenceFeedCore, late: bytes
) -> None:
    core.handle(received(core, ticker(5, 100, trade_id=70)), NOW_MS)
    assert told_dollars(core.handle(received(core, late), NOW_MS + 60)) == []
    assert told_dollars(core.handle(received(core, ticker(6, 101)), NOW_MS + 120)) == [101]


def test_a_price_dated_far_ahead_counts_as_of_now(core: ReferenceFeedCore) -> None:
    effects = core.handle(received(core, ticker(1, 100, at="2029-01-01T00:00:00Z")), NOW_MS)
    assert sent(effects, ReferencePrice) == [
        ReferencePrice(price_e18=100 * E18, timestamp_ms=NOW_MS)
    ]


def test_a_heartbeat_that_knows_a_trade_never_seen_is_a_gap_once(core: ReferenceFeedCore) -> None:
    core.handle(received(core, heartbeat(70)), NOW_MS)
    core.handle(received(core, ticker(5, 100, trade_id=71), heartbeat(71)), NOW_MS)
    assert gaps(core) == 0
    core.handle(received(core, heartbeat(73), heartbeat(73)), NOW_MS)
    assert gaps(core) == 1


def test_between_two_connections_nothing_counts_as_a_gap(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(50, 100)), NOW_MS)
    core.handle(Disconnected(1, "closed"), NOW_MS)
    reconnect(core)
    core.handle(received(core, heartbeat(900), ticker(2, 101)), NOW_MS + 60)
    assert gaps(core) == 0


@pytest.mark.parametrize(
    ("last_trade_id", "limit_ms"), [(70, QUIET_LIMIT_MS), (71, PRICE_LIMIT_MS)]
)
def test_heartbeats_without_a_price_do_not_keep_the_connection(
    core: ReferenceFeedCore, last_trade_id: int, limit_ms: int
) -> None:
    core.handle(received(core, ticker(1, 100, trade_id=70)), NOW_MS)
    assert core.is_serving
    for age_ms in range(1_000, limit_ms, 1_000):
        assert core.handle(received(core, heartbeat(last_trade_id)), NOW_MS + age_ms) == []
    effects = core.handle(received(core, heartbeat(last_trade_id)), NOW_MS + limit_ms)
    assert sent(effects, FeedStale, MARKET_STATE) == [FeedStale(REFERENCE_FEED, limit_ms)]
    assert commands(effects, Disconnect)
    assert [e.text for e in effects if isinstance(e, Log)] == [
        f"no price for {limit_ms} ms on an open connection; reconnecting"
    ]
    assert not core.is_serving


def test_a_connection_that_never_brings_a_price_is_given_up(core: ReferenceFeedCore) -> None:
    core.handle(received(core, heartbeat(0)), NOW_MS)
    assert not core.is_serving
    assert core.handle(received(core, heartbeat(0)), NOW_MS + PRICE_LIMIT_MS - 1) == []
    effects = core.handle(received(core, heartbeat(0)), NOW_MS + PRICE_LIMIT_MS)
    assert commands(effects, Disconnect)
    reconnect(core, NOW_MS + 20_000)
    assert core.handle(received(core, heartbeat(0)), NOW_MS + 20_000) == []


def test_a_clock_set_back_makes_no_price_old(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(1, 100, trade_id=70)), NOW_MS)
    assert core.handle(received(core, heartbeat(71)), NOW_MS - 30_000) == []
    assert core.handle(received(core, heartbeat(71)), NOW_MS - 20_001) == []
    assert commands(core.handle(received(core, heartbeat(71)), NOW_MS - 20_000), Disconnect)


def test_health_tells_when_the_last_price_came(core: ReferenceFeedCore) -> None:
    def health() -> tuple[bool, int | None]:
        (told,) = sent(core.handle(TimerFired(HEALTH_TIMER), NOW_MS), FeedHealth, OBSERVER)
        return told.is_up, told.data_at_ms

    core.handle(received(core, heartbeat(1)), NOW_MS)
    assert health() == (False, None)
    core.handle(received(core, ticker(1, 100)), NOW_MS + 1_000)
    core.handle(received(core, heartbeat(1)), NOW_MS + 2_000)
    assert health() == (True, NOW_MS + 1_000)


def test_a_silent_connection_is_given_up(core: ReferenceFeedCore) -> None:
    core.handle(received(core, ticker(1, 100)), NOW_MS + 4_000)
    effects = core.handle(TimerFired(WATCHDOG_TIMER), NOW_MS + 5_000)
    assert commands(effects, Disconnect) == []
    effects = core.handle(TimerFired(WATCHDOG_TIMER), NOW_MS + 14_000)
    assert commands(effects, Disconnect)


def test_other_products_are_nobodys_business(core: ReferenceFeedCore) -> None:
    frames = received(core, ticker(1, 3_000, product="ETH-USD"), heartbeat(9, product="ETH-USD"))
    assert core.handle(frames, NOW_MS) == []
    assert not core.is_serving


def test_a_refusal_ends_the_connection_with_coinbases_words(core: ReferenceFeedCore) -> None:
    refusal = frame(type="error", message="Failed to subscribe", reason="no such product")
    effects = core.handle(received(core, refusal), NOW_MS)
    assert commands(effects, Disconnect)
    (down,) = sent(effects, FeedDown, MARKET_STATE)
    assert "no such product" in down.reason


def test_a_new_market_state_is_told_the_newest_price(core: ReferenceFeedCore) -> None:
    assert told_dollars(core.handle(PeerRestarted(MARKET_STATE), NOW_MS)) == []
    core.handle(received(core, ticker(1, 100)), NOW_MS)
    core.handle(received(core, ticker(2, 101)), NOW_MS + 1)
    effects = core.handle(PeerRestarted(MARKET_STATE), NOW_MS + 2)
    assert told_dollars(effects) == [101]
    assert sent(effects, FeedUp, MARKET_STATE)
    assert core.handle(PeerRestarted(DIRECTORY), NOW_MS + 3) == []


def test_the_configured_asset_is_asked_for() -> None:
    settings = Settings(series=attrs.evolve(Settings().series, asset="eth"))
    core = ReferenceFeedCore(REFERENCE_FEED, settings, FixedDice())
    (subscription,) = commands(bring_up(core), SendText)
    assert '"ETH-USD"' in subscription.text
