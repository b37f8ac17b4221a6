from __future__ import annotations

import attrs
import pytest
from core_stage import CoreStage
from seen_builders import (
    fill,
    health,
    market,
    opened,
    order,
    position,
    settled,
    signal,
    signals,
    snapshot,
)

from actors.messages.directory import MarketClosing, MarketResolved, VenueSkew, VenueUnreachable
from actors.messages.execution import OpenOrders, OrderStatus, OrderUpdated, SignalsRefused
from actors.messages.feeds import FeedDown, FeedStale, FeedUp
from actors.messages.market import SnapshotTaken
from actors.messages.observer import GetView, View
from actors.messages.strategy import Evaluated, StopLossTriggered
from actors.model import Side
from actors.observer.core import (
    SAVE_EVERY_MS,
    SIGNALS_KEPT,
    SNAPSHOT_EVERY_MS,
    WATCHED_MS,
    ObserverCore,
)
from actors.observer.tally import ENDED_KEPT, SETTLED_KEPT
from actors.roles import MARKET_FEED, MARKET_STATE, OBSERVER, REPLY, TWAP_FEED
from actors.units import shares


@pytest.fixture
def stage() -> CoreStage:
    stage = CoreStage(ObserverCore, OBSERVER, now_ms=1_000)
    stage.start()
    return stage


def view(stage: CoreStage) -> View:
    stage.give(GetView(7))
    return stage.told(REPLY, View)[-1]


def test_whoever_asks_is_answered_even_before_anything_was_heard(stage: CoreStage) -> None:
    shown = view(stage)
    assert (shown.request_id, shown.at_ms) == (7, 1_000)
    assert (shown.opened, shown.snapshot, shown.position) == (None, None, None)
    assert shown.counts.signals == {}


def test_the_newest_window_is_shown_and_an_older_one_told_late_is_not(stage: CoreStage) -> None:
    stage.give(opened(1))
    stage.give(MarketClosing("m1"))
    assert view(stage).is_closed
    stage.give(opened(2))
    stage.give(opened(1))
    stage.give(MarketClosing("m1"))
    shown = view(stage)
    assert shown.opened == opened(2)
    assert not shown.is_closed


def test_what_belonged_to_the_window_before_is_gone_with_the_next(stage: CoreStage) -> None:
    orders = OpenOrders(market_id="m1", live=(), is_stopped=True, answers_signals_id=0)
    stop_loss = StopLossTriggered(
        market_id="m1",
        side=Side.YES,
        best_bid_ticks=200,
        held_units=shares(5),
        on_stop_loss="halt",
        position_version=1,
        tick_ns=0,
    )
    for message in (opened(1), position("m1"), orders, stop_loss):
        stage.give(message)
    before = view(stage)
    assert (before.position, before.open_orders, before.stop_loss) == (
        position("m1"),
        orders,
        stop_loss,
    )
    stage.give(opened(2))
    after = view(stage)
    assert (after.position, after.open_orders, after.stop_loss) == (None, None, None)


def test_a_position_that_came_before_its_window_is_shown(stage: CoreStage) -> None:
    stage.give(position("m1", version=3, quantity_units=5))
    stage.give(opened(1))
    stage.give(position("m1", version=2))
    shown = view(stage).position
    assert shown is not None
    assert shown.version == 3


def test_nobody_looks_and_no_snapshot_is_asked_for_until_somebody_does(stage: CoreStage) -> None:
    stage.give(snapshot(4, taken_at_ms=900))
    stage.advance(3_000)
    assert stage.told(MARKET_STATE, SnapshotTaken) == []
    assert view(stage).snapshot == snapshot(4, taken_at_ms=900)
    assert stage.told(MARKET_STATE, SnapshotTaken) == [SnapshotTaken(4)]
    stage.advance(3_000 + WATCHED_MS + 1)
    stage.give(snapshot(5, taken_at_ms=4_000))
    stage.advance(3_000 + WATCHED_MS + 1 + SNAPSHOT_EVERY_MS)
    assert stage.told(MARKET_STATE, SnapshotTaken) == [SnapshotTaken(4)]


def test_a_snapshot_is_answered_after_a_while_and_the_newest_is_kept(stage: CoreStage) -> None:
    view(stage)
    stage.give(snapshot(4, taken_at_ms=900))
    stage.advance(1_000 + SNAPSHOT_EVERY_MS - 1)
    assert stage.told(MARKET_STATE, SnapshotTaken) == []
    stage.advance(1_000 + SNAPSHOT_EVERY_MS)
    assert stage.told(MARKET_STATE, SnapshotTaken) == [SnapshotTaken(4)]
    stage.give(snapshot(1, taken_at_ms=1_200))
    stage.give(snapshot(3, taken_at_ms=800))
    shown = view(stage).snapshot
    assert shown is not None
    assert shown.sequence == 1


def test_live_orders_are_shown_oldest_first_until_they_end(stage: CoreStage) -> None:
    for number in (2, 1, 3):
        stage.give(OrderUpdated(order(number)))
    assert [each.intent.created_at_ms for each in view(stage).live_orders] == [1, 2, 3]
    stage.give(OrderUpdated(order(2, OrderStatus.FILLED)))
    assert [each.intent.created_at_ms for each in view(stage).live_orders] == [1, 3]
    assert view(stage).counts.orders == {"ACCEPTED": 2, "FILLED": 1}


def test_an_order_told_late_or_twice_counts_once(stage: CoreStage) -> None:
    done = order(1, OrderStatus.FILLED, fills=(fill("t1"), fill("t2")))
    for state in (order(1), done, done, order(1, OrderStatus.PENDING)):
        stage.give(OrderUpdated(state))
    shown = view(stage)
    assert shown.live_orders == ()
    assert shown.counts.orders == {"FILLED": 1}
    assert shown.counts.fills_count == 2


def test_an_older_state_of_a_live_order_changes_nothing(stage: CoreStage) -> None:
    stage.give(OrderUpdated(order(1, OrderStatus.PARTIALLY_FILLED, (fill("t1"),), updated_at_ms=9)))
    stage.give(OrderUpdated(order(1, OrderStatus.ACCEPTED, updated_at_ms=8)))
    assert view(stage).counts.orders == {"PARTIALLY_FILLED": 1}
    assert view(stage).counts.fills_count == 1


def test_a_fill_reversed_after_the_orders_end_is_no_longer_counted(stage: CoreStage) -> None:
    done = order(1, OrderStatus.FILLED, fills=(fill("t1"), fill("t2")))
    stage.give(OrderUpdated(done))
    stage.give(OrderUpdated(attrs.evolve(done, reversed_trade_ids=frozenset({"t1"}))))
    assert view(stage).counts.fills_count == 1
    assert view(stage).counts.orders == {"FILLED": 1}


def test_signals_repeated_until_answered_count_once_by_priority(stage: CoreStage) -> None:
    pair = signals(1, signal(priority=0), signal(priority=0, price_ticks=500))
    for message in (pair, pair, signals(2, signal(priority=2))):
        stage.give(message)
    assert view(stage).counts.signals == {0: 2, 2: 1}
    assert len(view(stage).decisions) == 3


def test_a_refusal_stands_beside_the_newest_signal_it_is_about(stage: CoreStage) -> None:
    stage.give(signals(1, signal(reason="first")))
    stage.give(signals(2, signal(reason="second"), signal(reason="third")))
    refused = SignalsRefused(market_id="m1", signals=(signal(reason="second"),), reason="busy")
    stage.give(refused)
    shown = view(stage)
    assert [(each.signal.reason, each.refusal) for each in shown.decisions] == [
        ("first", ""),
        ("second", "busy"),
        ("third", ""),
    ]
    assert shown.counts.refused_count == 1


def test_a_refusal_of_a_signal_never_heard_is_shown_by_itself(stage: CoreStage) -> None:
    stage.give(SignalsRefused(market_id="m1", signals=(signal(),), reason="halted"))
    assert [each.refusal for each in view(stage).decisions] == ["halted"]


def test_only_the_newest_signals_are_kept(stage: CoreStage) -> None:
    for number in range(SIGNALS_KEPT + 5):
        stage.give(signals(number, signal(price_ticks=100 + number)))
    kept = [each.signal.price_ticks for each in view(stage).decisions]
    assert kept == [105 + number for number in range(SIGNALS_KEPT)]


def test_a_feeds_state_is_shown_with_when_it_began_and_what_is_wrong(stage: CoreStage) -> None:
    stage.give(FeedUp(MARKET_FEED))
    stage.now_ms = 2_000
    stage.give(FeedStale(MARKET_FEED, 900))
    stage.now_ms = 3_000
    stage.give(FeedDown(MARKET_FEED, "closed by the venue"))
    stage.give(FeedUp(TWAP_FEED))
    feeds = view(stage).feeds
    assert [(feed.feed, feed.is_up, feed.since_ms) for feed in feeds] == [
        (MARKET_FEED, False, 2_000),
        (TWAP_FEED, True, 3_000),
    ]
    assert feeds[0].trouble == "closed by the venue"


def test_a_feeds_counters_also_tell_whether_it_is_up(stage: CoreStage) -> None:
    stage.give(FeedDown(MARKET_FEED, "closed"))
    stage.give(health(is_up=False, frames_count=3))
    assert view(stage).feeds[0].trouble == "closed"
    stage.give(health(is_up=True, frames_count=4))
    feed = view(stage).feeds[0]
    assert (feed.is_up, feed.trouble, feed.health) == (True, "", health(frames_count=4))


def test_f26_the_venues_clock_is_shown(stage: CoreStage) -> None:
    stage.give(VenueSkew(-32_000))
    assert view(stage).skew_ms == -32_000


def test_settled_windows_are_shown_and_a_late_fill_corrects_them(stage: CoreStage) -> None:
    resolved = MarketResolved(
        market=market(), winner=Side.YES, strike_e18=None, close_e18=None, evidence=""
    )
    for message in (resolved, settled(1), settled(2, 3, 8), settled(1, 6, 9)):
        stage.give(message)
    shown = view(stage)
    assert [(each.market_id, each.pnl_nanos) for each in shown.settled] == [("m1", 6), ("m2", 3)]
    assert (shown.counts.settled_count, shown.counts.total_pnl_nanos) == (2, 9)


def test_counts_are_saved_at_most_every_few_seconds_and_only_if_they_changed(
    stage: CoreStage,
) -> None:
    for number in range(50):
        stage.give(signals(number, signal()))
    assert stage.events == []
    stage.advance(1_000 + 10 * SAVE_EVERY_MS)
    assert len(stage.events) == 1


def test_a_settled_window_is_saved_at_once(stage: CoreStage) -> None:
    stage.give(settled())
    assert len(stage.events) == 1
    stage.give(settled())
    assert len(stage.events) == 1


def test_a_restart_recovers_the_counts_and_the_live_orders(stage: CoreStage) -> None:
    stage.give(signals(1, signal()))
    stage.give(SignalsRefused(market_id="m1", signals=(signal(),), reason="busy"))
    done = order(1, OrderStatus.FILLED, fills=(fill("t1"),))
    live = order(2, OrderStatus.PARTIALLY_FILLED, fills=(fill("t2"),))
    stage.give(OrderUpdated(done))
    stage.give(OrderUpdated(live))
    stage.give(settled())
    before = view(stage)
    stage.start(live)
    after = view(stage)
    assert after.counts == before.counts
    assert after.live_orders == (live,)
    assert after.settled == before.settled
    stage.give(OrderUpdated(done))
    assert view(stage).counts == before.counts


def test_memory_stays_bounded_however_long_it_runs(stage: CoreStage) -> None:
    for number in range(ENDED_KEPT + 20):
        stage.give(OrderUpdated(order(number, OrderStatus.CANCELLED)))
    for number in range(SETTLED_KEPT + 5):
        stage.give(settled(number))
    shown = view(stage)
    assert shown.counts.orders == {"CANCELLED": ENDED_KEPT + 20}
    assert shown.counts.settled_count == SETTLED_KEPT + 5
    assert len(shown.settled) == SETTLED_KEPT
    memory = stage.saved("observer")[0]
    assert len(memory.ended) == ENDED_KEPT  # type: ignore[attr-defined] # an ObserverMemory


def test_the_newest_evaluation_is_shown_while_its_window_is(stage: CoreStage) -> None:
    def evaluated(number: int, at_ms: int) -> Evaluated:
        return Evaluated(
            market_id=f"m{number}",
            at_ms=at_ms,
            passed_over=("readiness: the YES book is not synced",),
            is_final=True,
            signals_count=0,
            model_ticks=None,
            model_basis="no reference price",
        )

    stage.give(opened(1))
    stage.give(evaluated(1, 1_000))
    stage.give(evaluated(1, 2_000))
    assert view(stage).evaluated == evaluated(1, 2_000)
    stage.give(opened(2))
    assert view(stage).evaluated is None


def test_why_the_venue_cannot_be_asked_is_shown_until_it_can(stage: CoreStage) -> None:
    stage.give(VenueUnreachable("the name venue.example cannot be looked up"))
    assert view(stage).unreachable == "the name venue.example cannot be looked up"
    stage.give(VenueSkew(3))
    assert view(stage).unreachable == ""
