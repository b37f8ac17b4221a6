from __future__ import annotations

import random

import attrs
import pytest
from market_builders import (
    BEAT,
    DOWN,
    MARKET,
    NOW_MS,
    STRIKE,
    SUBSCRIBERS,
    UP,
    answer,
    batch,
    sent,
    shown,
)
from msgspec.structs import replace

from actors.core import Log, Send, SetTimer
from actors.market.core import BEAT_MS, EARLY_EVENTS_MAX, MarketStateCore
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.feeds import (
    BatchTaken,
    BestPricesEvent,
    FeedDown,
    LastTradeEvent,
    PriceChangeEvent,
    ReferencePrice,
    TickSizeEvent,
)
from actors.messages.lifecycle import PeerRestarted, Started
from actors.messages.market import MarketSnapshot, SnapshotTaken, SnapshotWanted
from actors.model import Side
from actors.roles import DESK, EXECUTOR, MARKET_FEED, MARKET_STATE, OBSERVER, STRATEGY
from actors.settings import Settings
from actors.units import E18


def test_a_batch_becomes_one_snapshot_for_each_subscriber_and_is_answered(
    core: MarketStateCore,
) -> None:
    effects = core.handle(batch(7, UP, DOWN, tick_ns=123, is_fresh_start=True), NOW_MS + 40)
    snapshots = [shown(effects, role) for role in SUBSCRIBERS]
    assert sent(effects, BatchTaken, MARKET_FEED) == [BatchTaken(7)]
    assert len({snapshot.sequence for snapshot in snapshots}) == 3
    for snapshot in snapshots:
        assert snapshot.market == MARKET
        assert snapshot.strike == STRIKE
        assert snapshot.taken_at_ms == NOW_MS + 40
        assert snapshot.tick_ns == 123
        assert (snapshot.yes.bids, snapshot.yes.asks) == (UP.bids, UP.asks)
        assert (snapshot.no.bids, snapshot.no.asks) == (DOWN.bids, DOWN.asks)
        assert snapshot.yes.is_synced
        assert snapshot.no.is_synced
        assert snapshot.yes.updated_at_ms == NOW_MS


def test_a_batch_that_comes_again_is_answered_and_not_applied(synced: MarketStateCore) -> None:
    newer = PriceChangeEvent("up", NOW_MS + 1, ((480, 99),), ())
    answer(synced, synced.handle(batch(2, newer), NOW_MS + 1), NOW_MS + 1)
    again = synced.handle(batch(1, UP, DOWN, is_fresh_start=True), NOW_MS + 2)
    assert again == [Send(MARKET_FEED, BatchTaken(1))]
    effects = synced.handle(batch(3, PriceChangeEvent("up", NOW_MS + 3, ((460, 1),), ())), NOW_MS)
    assert shown(effects).yes.bids == ((480, 99), (470, 5), (460, 1))


def test_of_many_batches_the_newest_are_still_known(synced: MarketStateCore) -> None:
    batches = [
        batch(number, PriceChangeEvent("up", NOW_MS + number, ((480, number),), ()))
        for number in range(2, 200)
    ]
    for each in batches:
        answer(synced, synced.handle(each, NOW_MS + each.batch_id), NOW_MS + each.batch_id)
    assert synced.handle(batches[-1], NOW_MS + 200) == [Send(MARKET_FEED, BatchTaken(199))]


def test_a_fresh_start_voids_the_books_of_the_connection_before(synced: MarketStateCore) -> None:
    snapshot = shown(synced.handle(batch(2, UP, is_fresh_start=True), NOW_MS))
    assert snapshot.yes.is_synced
    assert not snapshot.no.is_synced
    assert snapshot.no.bids == ()


def test_events_of_foreign_tokens_are_counted_and_show_nothing(synced: MarketStateCore) -> None:
    foreign = [
        replace(UP, token="other"),
        PriceChangeEvent("other", NOW_MS, ((480, 1),), ()),
        BestPricesEvent("other", NOW_MS, 1, 2),
        TickSizeEvent("other", NOW_MS, 1),
    ]
    assert synced.handle(batch(2, *foreign), NOW_MS) == [Send(MARKET_FEED, BatchTaken(2))]
    assert synced.foreign_count == 4


def test_public_trades_change_no_snapshot(synced: MarketStateCore) -> None:
    trade = LastTradeEvent("up", NOW_MS, 480, 1_000_000, taker_buys=True)
    assert synced.handle(batch(2, trade), NOW_MS) == [Send(MARKET_FEED, BatchTaken(2))]


def test_the_strategy_is_shown_each_public_trade_once_and_nobody_else_is(
    synced: MarketStateCore,
) -> None:
    trade = LastTradeEvent("down", NOW_MS, 520, 1_000_000, taker_buys=False)
    foreign = LastTradeEvent("other", NOW_MS, 520, 1_000_000, taker_buys=False)
    change = PriceChangeEvent("up", NOW_MS + 1, ((481, 1),), ())
    effects = synced.handle(batch(2, trade, foreign, change), NOW_MS + 1)
    (told,) = shown(effects).trades
    assert (told.side, told.price_ticks, told.size_units) == (Side.NO, 520, 1_000_000)
    assert (told.taker_buys, told.timestamp_ms) == (False, NOW_MS)
    assert shown(effects, EXECUTOR).trades == ()
    answer(synced, effects, NOW_MS + 1)
    later = PriceChangeEvent("up", NOW_MS + 2, ((482, 1),), ())
    assert shown(synced.handle(batch(3, later), NOW_MS + 2)).trades == ()


def test_changes_before_a_whole_book_leave_it_unsynced(core: MarketStateCore) -> None:
    effects = core.handle(batch(1, PriceChangeEvent("up", NOW_MS, ((480, 1),), ())), NOW_MS)
    assert effects == [Send(MARKET_FEED, BatchTaken(1))]
    assert not core.is_serving


# One snapshot under way


def test_what_happens_meanwhile_is_in_the_next_snapshot(synced: MarketStateCore) -> None:
    first = synced.handle(
        batch(2, PriceChangeEvent("up", NOW_MS + 1, ((481, 1),), ()), tick_ns=10), NOW_MS + 1
    )
    for number in range(3, 6):
        event = PriceChangeEvent("up", NOW_MS + number, ((480 + number, 1),), ())
        effects = synced.handle(batch(number, event, tick_ns=number * 10), NOW_MS + number)
        assert effects == [Send(MARKET_FEED, BatchTaken(number))]
    sequence = shown(first, EXECUTOR).sequence
    following = synced.handle(SnapshotTaken(sequence), NOW_MS + 9)
    assert [effect.to for effect in following if isinstance(effect, Send)] == [EXECUTOR]
    snapshot = shown(following, EXECUTOR)
    assert snapshot.yes.best_bid_ticks == 485
    assert snapshot.tick_ns == 30, "the oldest frame not yet in a snapshot"
    assert snapshot.sequence > sequence


def test_a_lost_answer_has_the_newest_snapshot_sent_again(synced: MarketStateCore) -> None:
    change = PriceChangeEvent("up", NOW_MS + 1, ((490, 1),), ())
    shown(synced.handle(batch(2, change), NOW_MS + 1))
    assert sent(synced.handle(BEAT, NOW_MS + 1_000), MarketSnapshot, STRATEGY) == []
    effects = synced.handle(BEAT, NOW_MS + 1_001)
    assert shown(effects).yes.best_bid_ticks == 490
    assert effects[-1] == SetTimer("beat", BEAT_MS)


@pytest.mark.parametrize("role", SUBSCRIBERS)
def test_a_subscriber_made_anew_is_shown_the_market(synced: MarketStateCore, role: str) -> None:
    synced.handle(batch(2, PriceChangeEvent("up", NOW_MS, ((490, 1),), ())), NOW_MS)
    effects = synced.handle(PeerRestarted(role), NOW_MS + 5)
    assert [effect.to for effect in effects if isinstance(effect, Send)] == [role]
    assert shown(effects, role).yes.best_bid_ticks == 490
    assert synced.handle(PeerRestarted(DESK), NOW_MS + 6) == []


# What else is in a snapshot


def test_a_new_reference_price_alone_is_shown(synced: MarketStateCore) -> None:
    price = ReferencePrice(price_e18=100_010 * E18, timestamp_ms=NOW_MS + 30)
    snapshot = shown(synced.handle(price, NOW_MS + 31))
    assert (snapshot.reference_e18, snapshot.reference_at_ms) == (100_010 * E18, NOW_MS + 30)
    assert snapshot.tick_ns == 0


def test_an_older_reference_price_is_no_news(synced: MarketStateCore) -> None:
    price = ReferencePrice(price_e18=100_010 * E18, timestamp_ms=NOW_MS + 30)
    answer(synced, synced.handle(price, NOW_MS + 31), NOW_MS + 31)
    older = ReferencePrice(price_e18=1, timestamp_ms=NOW_MS + 29)
    assert synced.handle(older, NOW_MS + 32) == []
    as_old = ReferencePrice(price_e18=2, timestamp_ms=NOW_MS + 30)
    assert shown(synced.handle(as_old, NOW_MS + 33)).reference_e18 == 2


def test_a_strike_proven_later_is_shown_and_not_forgotten(core: MarketStateCore) -> None:
    following = attrs.evolve(MARKET, market_id="0xnext", opens_at_ms=NOW_MS + 1)
    first = core.handle(MarketOpened(market=following, strike=None), NOW_MS)
    assert shown(first).strike is None
    answer(core, first, NOW_MS)
    proven = core.handle(MarketOpened(market=following, strike=STRIKE), NOW_MS)
    assert shown(proven).strike == STRIKE
    answer(core, proven, NOW_MS)
    assert core.handle(MarketOpened(market=following, strike=None), NOW_MS) == []
    assert core.handle(MarketOpened(market=following, strike=STRIKE), NOW_MS) == []


# Windows


def test_a_new_window_begins_with_unsynced_books(synced: MarketStateCore) -> None:
    following = attrs.evolve(
        MARKET,
        market_id="0xnext",
        yes_token="up2",
        no_token="down2",
        opens_at_ms=MARKET.closes_at_ms,
        closes_at_ms=MARKET.closes_at_ms + 900_000,
    )
    snapshot = shown(synced.handle(MarketOpened(market=following, strike=None), NOW_MS))
    assert snapshot.market == following
    assert not snapshot.yes.is_synced
    assert not synced.is_serving
    late = MarketOpened(market=MARKET, strike=STRIKE)
    assert synced.handle(late, NOW_MS) == []
    assert synced.handle(MarketClosing(MARKET.market_id), NOW_MS) == []


def test_a_closed_window_is_shown_no_more_and_its_counts_are_logged(
    synced: MarketStateCore,
) -> None:
    closed_at_ms = MARKET.closes_at_ms
    (log,) = synced.handle(MarketClosing(MARKET.market_id), closed_at_ms)
    assert isinstance(log, Log)
    assert synced.handle(batch(2, UP), closed_at_ms) == [Send(MARKET_FEED, BatchTaken(2))]
    price = ReferencePrice(price_e18=1, timestamp_ms=closed_at_ms)
    assert synced.handle(price, closed_at_ms) == []
    assert synced.handle(MarketOpened(market=MARKET, strike=STRIKE), closed_at_ms) == []
    assert not synced.is_serving


def test_whoever_looks_once_is_shown_the_market_and_subscribers_lose_nothing(
    synced: MarketStateCore,
) -> None:
    (told,) = synced.handle(SnapshotWanted(DESK), NOW_MS + 3)
    assert isinstance(told, Send)
    assert told.to == DESK
    assert isinstance(told.message, MarketSnapshot)
    assert (told.message.taken_at_ms, told.message.tick_ns) == (NOW_MS + 3, 0)
    assert told.message.yes.bids == UP.bids
    newer = PriceChangeEvent("up", NOW_MS + 5, ((480, 99),), ())
    after = synced.handle(batch(2, newer, tick_ns=9), NOW_MS + 5)
    assert [shown(after, role).tick_ns for role in SUBSCRIBERS] == [9, 9, 9]


def test_between_windows_there_is_nothing_to_look_at(synced: MarketStateCore) -> None:
    synced.handle(MarketClosing(MARKET.market_id), NOW_MS)
    assert synced.handle(SnapshotWanted(DESK), NOW_MS) == []


# Books that are quicker than the window


@pytest.fixture
def ignorant() -> MarketStateCore:
    """A core that has just started, and knows no window."""
    core = MarketStateCore(MARKET_STATE, Settings(), random.Random(1))
    core.handle(Started(()), NOW_MS)
    return core


OPENED = MarketOpened(market=MARKET, strike=STRIKE)


def test_books_that_came_before_their_window_was_known_are_shown_with_it(
    ignorant: MarketStateCore,
) -> None:
    change = PriceChangeEvent("up", NOW_MS + 1, ((490, 7),), ())
    ignorant.handle(batch(1, UP, DOWN, is_fresh_start=True), NOW_MS)
    ignorant.handle(batch(2, change), NOW_MS + 1)
    snapshot = shown(ignorant.handle(OPENED, NOW_MS + 2))
    assert ignorant.is_serving
    assert snapshot.yes.bids == ((490, 7), *UP.bids)
    assert ignorant.foreign_count == 0


@pytest.mark.parametrize(
    "lost",
    [FeedDown(MARKET_FEED, "closed"), PeerRestarted(MARKET_FEED)],
    ids=["the feed is down", "the feed is new"],
)
def test_books_of_a_connection_that_is_gone_are_not_shown(
    ignorant: MarketStateCore, lost: object
) -> None:
    ignorant.handle(batch(1, UP, DOWN, is_fresh_start=True), NOW_MS)
    ignorant.handle(lost, NOW_MS + 1)
    assert not shown(ignorant.handle(OPENED, NOW_MS + 2)).yes.is_synced


def test_only_the_newest_fresh_start_counts(ignorant: MarketStateCore) -> None:
    ignorant.handle(batch(1, UP, is_fresh_start=True), NOW_MS)
    ignorant.handle(batch(2, DOWN, is_fresh_start=True), NOW_MS + 1)
    snapshot = shown(ignorant.handle(OPENED, NOW_MS + 2))
    assert (snapshot.yes.is_synced, snapshot.no.is_synced) == (False, True)


@pytest.mark.parametrize(("too_many", "is_kept"), [(0, True), (1, False)])
def test_what_comes_for_too_long_before_a_window_is_let_go(
    ignorant: MarketStateCore, too_many: int, is_kept: bool
) -> None:
    changes = [
        PriceChangeEvent("up", NOW_MS + number, ((480, number),), ())
        for number in range(EARLY_EVENTS_MAX - 2 + too_many)
    ]
    ignorant.handle(batch(1, UP, DOWN, *changes, is_fresh_start=True), NOW_MS)
    assert shown(ignorant.handle(OPENED, NOW_MS + 2)).yes.is_synced is is_kept


@pytest.mark.parametrize(("role", "wait_ms"), [(STRATEGY, 1_000), (OBSERVER, 5_000)])
def test_who_does_not_answer_is_sent_the_newest_after_its_own_while(
    synced: MarketStateCore, role: str, wait_ms: int
) -> None:
    price = ReferencePrice(price_e18=1, timestamp_ms=NOW_MS + 1)
    assert sent(synced.handle(price, NOW_MS + 1), MarketSnapshot, role)
    assert not sent(synced.handle(BEAT, NOW_MS + wait_ms), MarketSnapshot, role)
    assert sent(synced.handle(BEAT, NOW_MS + wait_ms + 1), MarketSnapshot, role)
