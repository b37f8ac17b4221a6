"""When market state stops trusting its books, and how it gets fresh ones."""

from __future__ import annotations

import itertools
import random

import pytest
from market_builders import BEAT, DOWN, MARKET, NOW_MS, UP, answer, batch, sent, shown

from actors.core import Log, SetTimer
from actors.market.book_health import MISSING_PATIENCE_MS
from actors.market.core import BEAT_MS, RESYNC_EVERY_MS, MarketStateCore
from actors.messages.feeds import (
    BestPricesEvent,
    BookEvent,
    FeedDown,
    FeedStale,
    FeedUp,
    GridTooFine,
    PriceChangeEvent,
    ResyncRequested,
    TickSizeEvent,
)
from actors.messages.lifecycle import PeerRestarted, Started
from actors.messages.market import MarketSnapshot, SnapshotTaken
from actors.roles import MARKET_FEED, MARKET_STATE, REFERENCE_FEED, STRATEGY
from actors.settings import Settings

# Feeds


@pytest.mark.parametrize(
    "message",
    [FeedDown(MARKET_FEED, "closed"), FeedStale(MARKET_FEED, 15_000), PeerRestarted(MARKET_FEED)],
    ids=["down", "stale", "made anew"],
)
def test_books_are_unsynced_at_once_when_the_market_feed_is_gone(
    synced: MarketStateCore, message: object
) -> None:
    snapshot = shown(synced.handle(message, NOW_MS + 10))
    assert not snapshot.yes.is_synced
    assert not snapshot.no.is_synced
    assert not synced.is_serving


@pytest.mark.parametrize(
    "message",
    [FeedDown(REFERENCE_FEED, "closed"), FeedStale(REFERENCE_FEED, 9), FeedUp(REFERENCE_FEED)],
)
def test_another_feeds_fate_leaves_the_books_alone(
    synced: MarketStateCore, message: object
) -> None:
    assert synced.handle(message, NOW_MS + 10) == []
    assert synced.is_serving


def test_no_books_are_asked_of_a_feed_that_is_down(synced: MarketStateCore) -> None:
    synced.handle(FeedDown(MARKET_FEED, "closed"), NOW_MS)
    later_ms = NOW_MS + 60_000
    assert sent(synced.handle(BEAT, later_ms), ResyncRequested, MARKET_FEED) == []
    synced.handle(FeedUp(MARKET_FEED), later_ms)
    assert sent(synced.handle(BEAT, later_ms + 100), ResyncRequested, MARKET_FEED) == []
    missing_ms = later_ms + MISSING_PATIENCE_MS
    assert len(sent(synced.handle(BEAT, missing_ms), ResyncRequested, MARKET_FEED)) == 1


# BookHealth


def test_a_start_asks_the_feed_for_books() -> None:
    core = MarketStateCore(MARKET_STATE, Settings(), random.Random(1))
    effects = core.handle(Started(), NOW_MS)
    assert len(sent(effects, ResyncRequested, MARKET_FEED)) == 1
    assert effects[-1] == SetTimer("beat", BEAT_MS)


def test_missing_books_are_asked_for_again_and_again_but_not_too_often(
    core: MarketStateCore,
) -> None:
    asked_at = [
        second
        for second in range(20)
        if sent(core.handle(BEAT, NOW_MS + second * 1_000), ResyncRequested, MARKET_FEED)
    ]
    assert asked_at[0] * 1_000 == MISSING_PATIENCE_MS
    gaps = [later - sooner for sooner, later in itertools.pairwise(asked_at)]
    assert gaps == [RESYNC_EVERY_MS // 1_000] * 3


def test_a_book_that_stays_crossed_is_unsynced_and_fresh_ones_are_asked_for(
    synced: MarketStateCore,
) -> None:
    crossed = PriceChangeEvent("up", NOW_MS + 1, ((510, 1),), ())
    first = synced.handle(batch(2, crossed), NOW_MS + 1)
    assert shown(first).yes.is_crossed
    answer(synced, first, NOW_MS + 2)
    assert sent(synced.handle(BEAT, NOW_MS + 1_000), ResyncRequested, MARKET_FEED) == []
    effects = synced.handle(BEAT, NOW_MS + 1_001)
    (request,) = sent(effects, ResyncRequested, MARKET_FEED)
    assert "the YES book is in doubt: it has been crossed for 1000 ms" in request.reason
    snapshot = shown(effects)
    assert not snapshot.yes.is_synced
    assert snapshot.no.is_synced


def test_a_doubted_book_is_unsynced_even_while_asking_is_too_soon(
    synced: MarketStateCore,
) -> None:
    synced.handle(batch(2, PriceChangeEvent("up", NOW_MS + 1, ((510, 1),), ())), NOW_MS + 1)
    synced.handle(BEAT, NOW_MS + 1_001)
    again = BookEvent("up", NOW_MS + 1_100, ((510, 1),), ((500, 1),))
    synced.handle(batch(3, again), NOW_MS + 1_100)
    effects = synced.handle(BEAT, NOW_MS + 2_200)
    assert sent(effects, ResyncRequested, MARKET_FEED) == []
    assert not shown(effects).yes.is_synced


def test_a_book_that_the_venues_best_prices_contradict_is_unsynced(
    synced: MarketStateCore,
) -> None:
    for number, later_ms in ((2, 10), (3, 500), (4, 1_010)):
        said = BestPricesEvent("up", NOW_MS + later_ms, 470, 500)
        effects = synced.handle(batch(number, said), NOW_MS + later_ms)
    (request,) = sent(effects, ResyncRequested, MARKET_FEED)
    assert "the YES book is in doubt: its best prices are (480, 500)" in request.reason
    assert not shown(effects).yes.is_synced


def test_a_new_tick_size_is_shown_and_voids_the_book_until_a_whole_one(
    synced: MarketStateCore,
) -> None:
    effects = synced.handle(batch(2, TickSizeEvent("up", NOW_MS + 1, 1)), NOW_MS + 1)
    snapshot = shown(effects)
    assert snapshot.market.tick_size_ticks == 1
    assert not snapshot.yes.is_synced
    assert snapshot.no.is_synced
    answer(synced, effects, NOW_MS + 1)
    fine = BookEvent("up", NOW_MS + 2, ((965, 1_000_000),), ((966, 1_000_000),))
    rebuilt = shown(synced.handle(batch(3, fine), NOW_MS + 2))
    assert rebuilt.yes.is_synced
    assert rebuilt.market.tick_size_ticks == 1


@pytest.mark.parametrize(
    "event",
    [
        BookEvent("up", NOW_MS + 1, ((35, 1_000_000),), ((36, 1_000_000),)),
        PriceChangeEvent("up", NOW_MS + 1, (), ((997, 1_000_000),)),
    ],
    ids=["in a book", "in a change"],
)
def test_a_price_off_the_grid_shows_that_a_finer_one_holds_whose_announcement_was_missed(
    synced: MarketStateCore, event: BookEvent | PriceChangeEvent
) -> None:
    snapshot = shown(synced.handle(batch(2, event), NOW_MS + 1))
    assert snapshot.market.tick_size_ticks == 1
    assert snapshot.yes.is_synced


def test_a_window_whose_grid_is_too_fine_is_given_up_for_good(synced: MarketStateCore) -> None:
    assert synced.handle(GridTooFine("another"), NOW_MS) == []
    effects = synced.handle(GridTooFine(MARKET.market_id), NOW_MS)
    snapshot = shown(effects)
    assert not snapshot.yes.is_synced
    assert not snapshot.no.is_synced
    assert [e.level for e in effects if isinstance(e, Log)] == ["warning"]
    assert synced.handle(GridTooFine(MARKET.market_id), NOW_MS) == []
    answer(synced, effects, NOW_MS)
    effects = synced.handle(batch(2, UP, DOWN, is_fresh_start=True), NOW_MS + 60_000)
    assert not shown(effects).yes.is_synced
    assert sent(synced.handle(BEAT, NOW_MS + 70_000), ResyncRequested, MARKET_FEED) == []


# Serving


def test_it_serves_only_while_its_books_are_young(synced: MarketStateCore) -> None:
    limit_ms = Settings().strategy.max_book_age_ms
    synced.handle(BEAT, NOW_MS + limit_ms)
    assert synced.is_serving
    synced.handle(BEAT, NOW_MS + limit_ms + 1)
    assert not synced.is_serving


# A clock that is set back

SET_BACK_MS = 30_000


def test_f51_a_book_stays_crossed_no_longer_although_the_clock_was_set_back(
    synced: MarketStateCore,
) -> None:
    crossed = PriceChangeEvent("up", NOW_MS, ((510, 1),), ())
    answer(synced, synced.handle(batch(2, crossed), NOW_MS), NOW_MS)
    since_ms = NOW_MS - SET_BACK_MS
    assert sent(synced.handle(BEAT, since_ms), ResyncRequested, MARKET_FEED) == []
    (request,) = sent(synced.handle(BEAT, since_ms + 1_000), ResyncRequested, MARKET_FEED)
    assert "crossed for 1000 ms" in request.reason


def test_f51_fresh_books_are_asked_for_again_as_soon_although_the_clock_was_set_back(
    core: MarketStateCore,
) -> None:
    def asked(now_ms: int) -> bool:
        return bool(sent(core.handle(BEAT, now_ms), ResyncRequested, MARKET_FEED))

    asked_at_ms = NOW_MS + MISSING_PATIENCE_MS
    assert [asked(NOW_MS), asked(asked_at_ms)] == [False, True]
    asked_at_ms -= SET_BACK_MS
    assert [asked(asked_at_ms), asked(asked_at_ms + RESYNC_EVERY_MS - 1)] == [False, False]
    assert asked(asked_at_ms + RESYNC_EVERY_MS)


def test_f51_an_unanswered_snapshot_is_sent_again_as_soon_although_the_clock_was_set_back(
    synced: MarketStateCore,
) -> None:
    synced.handle(batch(2, PriceChangeEvent("up", NOW_MS, ((490, 1),), ())), NOW_MS)
    sent_at_ms = NOW_MS - SET_BACK_MS
    assert sent(synced.handle(BEAT, sent_at_ms), MarketSnapshot, STRATEGY) == []
    assert sent(synced.handle(BEAT, sent_at_ms + 1_000), MarketSnapshot, STRATEGY) != []


def test_f51_books_are_as_young_as_the_clock_that_was_set_back_says(
    synced: MarketStateCore,
) -> None:
    now_ms = NOW_MS + Settings().strategy.max_book_age_ms + 1
    synced.handle(BEAT, now_ms)
    assert not synced.is_serving
    synced.handle(SnapshotTaken(0), now_ms - 1)
    assert synced.is_serving
