"""F34, F35, F37, F38 and F46 once more, caused by the local exchange, through real sockets."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import pytest
from book_watch import until_books_are_right
from fault_stage import FaultStage, LivelyExchange
from feed_stage import RealStage

from actors.feeds.reference_feed import ReferenceFeedCore
from actors.messages.feeds import FeedDown, FeedStale, MarketBatch, ReferencePrice
from actors.roles import MARKET_FEED, REFERENCE_FEED
from actors.settings import Settings
from understudy.composition import pointed_at_local_exchange

pytestmark = pytest.mark.processes


@pytest.fixture
def watching(lively: LivelyExchange) -> Iterator[FaultStage]:
    with FaultStage(lively) as running:
        running.watch_market()
        yield running


@contextlib.contextmanager
def reference_feed(lively: LivelyExchange, speed: int) -> Iterator[RealStage]:
    """A reference feed that hears prices; the faster its time, the sooner a price is old."""
    settings = pointed_at_local_exchange(Settings(), lively.http_url, lively.ws_url)
    core = ReferenceFeedCore(REFERENCE_FEED, settings, random.Random(1))
    with RealStage(core, speed) as running:
        running.run_until(lambda: prices_told(running), "a price")
        yield running
    lively.inject(channel="coinbase", kind="resume")


def prices_told(stage: RealStage) -> int:
    return len(stage.messages(ReferencePrice))


def is_told_more(stage: RealStage) -> None:
    count = prices_told(stage)
    stage.run_until(lambda: prices_told(stage) >= count + 3, "prices go on")


def test_f34_at_an_exchange_whose_sequence_begins_anew_prices_go_on(
    lively: LivelyExchange,
) -> None:
    with reference_feed(lively, speed=1) as reference:
        lively.inject(channel="coinbase", kind="sequence_anew")
        reference.run_until(lambda: reference.core.sequence_gap_count, "it is noticed")
        is_told_more(reference)
        assert reference.core.connection.reconnect_count == 0


def test_f35_at_an_exchange_whose_tickers_stop_the_feed_connects_anew(
    lively: LivelyExchange,
) -> None:
    with reference_feed(lively, speed=10) as reference:
        lively.inject(channel="coinbase", kind="tickers_stop")
        reference.run_until(lambda: reference.messages(FeedStale), "it is noticed")
        assert reference.messages(FeedStale)[0].age_ms >= 10_000
        lively.inject(channel="coinbase", kind="resume")
        is_told_more(reference)


def test_f37_at_an_exchange_an_unreadable_change_brings_fresh_books(watching: FaultStage) -> None:
    watching.sent.clear()
    watching.exchange.inject(channel="market", kind="unreadable_change", count=1)
    watching.run_until(lambda: watching.told(FeedDown), "the connection is given up")
    assert "unreadable" in watching.told(FeedDown)[0].reason
    watching.run_until(
        lambda: any(each.is_fresh_start for each in watching.told(MarketBatch)), "a fresh start"
    )
    until_books_are_right(watching)


def test_f38_at_an_exchange_a_malformed_trade_between_two_books_is_only_counted(
    watching: FaultStage,
) -> None:
    watching.sent.clear()
    feed = watching.cores[MARKET_FEED]
    watching.exchange.inject(channel="market", kind="malformed_sibling", count=2)
    watching.exchange.inject(channel="market", kind="drop")
    watching.run_until(
        lambda: any(each.is_fresh_start for each in watching.told(MarketBatch)), "a fresh start"
    )
    watching.run_until(lambda: feed.counts.malformed_count, "it is counted")
    reconnect_count = feed.connection.reconnect_count
    until_books_are_right(watching)
    assert feed.connection.reconnect_count == reconnect_count


@pytest.mark.parametrize("kind", ["quarter_cent_grid", "hundredth_cent_grid"])
def test_f46_at_an_exchange_whose_grid_becomes_too_fine_the_window_is_traded_no_more(
    watching: FaultStage, kind: str
) -> None:
    feed = watching.cores[MARKET_FEED]
    reconnect_count, malformed_count = feed.connection.reconnect_count, feed.counts.malformed_count
    watching.exchange.inject(kind=kind, for_ms=0)
    watching.run_until(lambda: not watching.market_state.is_serving, "no book any more")
    watching.run_for(5_000)
    assert not watching.market_state.is_serving
    said = [log.text for log in watching.logs if "is no longer traded" in log.text]
    assert len(said) == 1
    assert (feed.connection.reconnect_count, feed.counts.malformed_count) == (
        reconnect_count,
        malformed_count,
    )
