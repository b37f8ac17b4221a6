from __future__ import annotations

import random

import pytest
from supervised_stage import LIMITS, SupervisedActors, alone, pong, pulse, spawned, told

from actors.messages.halts import HaltReport, HaltTrading
from actors.messages.lifecycle import (
    ActorFell,
    ChildLost,
    Hello,
    JournalFailed,
    Leaving,
    Ping,
    ProcessStarted,
    ServingChanged,
    StartChild,
    VenueTimeMeasured,
)
from actors.roles import ORDERS
from actors.runtime.messages import StartActor
from actors.supervision.core import SupervisorCore
from actors.supervision.layouts import Layout
from actors.supervision.messages import ChildState, Kill, SupervisorEffect

ORDER = "order/order_1"
TOGETHER = Layout(processes=(("trading", ("desk", "strategy")),), orders_in="trading")


def test_processes_start_in_the_tables_order_and_the_orders_last() -> None:
    core = SupervisorCore(alone("position", "desk"), LIMITS, random.Random(1))
    assert spawned(core.begin(0)) == ["position", "desk", "orders"]


def test_many_processes_are_forked_by_and_by_so_that_whoever_asks_is_answered() -> None:
    """Found with twelve series on a busy machine: one long round of forks looked like a hang."""
    names = [f"strategy/{number}" for number in range(30)]
    core = SupervisorCore(alone(*names), LIMITS, random.Random(1))
    rounds, now_ms = [spawned(core.begin(0))], 0
    while (delay_ms := core.next_tick_ms(now_ms)) is not None:
        assert delay_ms > 0
        now_ms += delay_ms
        rounds.append(spawned(core.tick(now_ms)))
    assert [name for each in rounds for name in each] == [*names, "orders"]
    assert max(map(len, rounds)) < 15


def test_a_fallen_child_is_made_again_at_once_and_counted() -> None:
    supervised = SupervisedActors("desk", "strategy")
    assert spawned(supervised.fall("strategy")) == ["strategy"]
    row = supervised.row("strategy")
    assert row is not None
    assert row.restarts == 1


def test_hearing_of_the_same_exit_twice_changes_nothing() -> None:
    supervised = SupervisedActors("desk", "strategy")
    handle = supervised.handles["strategy"]
    supervised.fall("strategy")
    assert supervised.core.child_exited(handle, 0) == []
    assert supervised.core.report(0, 0).restarts == {"strategy": 1}


def test_the_second_fall_in_a_period_waits_out_a_backoff() -> None:
    supervised = SupervisedActors("desk", "strategy")
    supervised.fall("strategy")
    assert spawned(supervised.fall("strategy")) == []
    row = supervised.row("strategy")
    assert row is not None
    assert row.state is ChildState.BACKING_OFF
    delay_ms = supervised.core.next_tick_ms(supervised.now_ms)
    assert delay_ms is not None
    assert 50 <= delay_ms <= 100
    assert spawned(supervised.tick(delay_ms - 1)) == []
    assert spawned(supervised.tick(1)) == ["strategy"]
    assert supervised.core.next_tick_ms(supervised.now_ms) is None


def fall_again(supervised: SupervisedActors, role: str) -> list[SupervisorEffect]:
    effects = supervised.fall(role)
    for _ in range(10 if supervised.core.next_tick_ms(supervised.now_ms) is not None else 0):
        supervised.tick(1_000)
        for each in ("desk", role, ORDERS):
            supervised.say(each, pong(each))
    return effects


def test_more_falls_than_allowed_escalate_once_and_the_desk_must_end_every_order() -> None:
    supervised = SupervisedActors("desk", "position")
    supervised.now_ms = 1_000
    for _ in range(5):
        fall_again(supervised, "position")
    assert supervised.escalation == ""
    effects = fall_again(supervised, "position")
    assert supervised.escalation == "position crashed 6 times in 60 s"
    assert [tell.message for tell in told(effects, HaltTrading)] == [
        HaltTrading("position crashed 6 times in 60 s", cancel=True)
    ]
    assert told(fall_again(supervised, "position"), HaltTrading) == []


def test_falls_far_apart_never_escalate() -> None:
    supervised = SupervisedActors("desk", "strategy")
    for _ in range(20):
        fall_again(supervised, "strategy")
        supervised.tick(61_000)
        supervised.say("strategy", pong("strategy"))
    assert supervised.escalation == ""


def test_a_child_that_does_not_answer_is_killed_once_and_then_made_again() -> None:
    supervised = SupervisedActors("desk", "strategy")
    supervised.now_ms = 3_001
    supervised.say("desk", pong("desk"))
    supervised.say(ORDERS, pong(ORDERS))
    effects = supervised.tick()
    row = supervised.row("strategy")
    assert row is not None
    assert [e for e in effects if isinstance(e, Kill)] == [Kill(row.pid)]
    assert [e for e in supervised.tick(500) if isinstance(e, Kill)] == []
    assert spawned(supervised.fall("strategy")) == ["strategy"]


def test_a_killed_child_whose_exit_is_never_reported_is_made_again_all_the_same() -> None:
    supervised = SupervisedActors("desk", "strategy")
    for _ in range(7):
        supervised.now_ms += 500
        supervised.say("desk", pong("desk"))
        supervised.say(ORDERS, pong(ORDERS))
        supervised.tick()
    assert spawned(supervised.tick(1_500)) == []
    assert spawned(supervised.tick(100)) == ["strategy"]


def test_a_child_tells_since_when_it_serves_without_a_break() -> None:
    supervised = SupervisedActors("desk")
    since = []
    for is_serving in (True, True, False, True):
        supervised.now_ms += 100
        supervised.say("desk", ServingChanged("desk", is_serving))
        row = supervised.row("desk")
        assert row is not None
        since.append(row.serving_since_ms)
    assert since == [100, 100, 0, 400]


def test_an_order_serves_since_it_has_said_so() -> None:
    supervised = SupervisedActors("desk", mute=(ORDERS,))
    supervised.now_ms = 700
    supervised.say("desk", StartChild(ORDER))
    waiting = supervised.row(ORDER)
    supervised.now_ms = 800
    supervised.say(ORDER, Hello(role=ORDER, pid=9, generation=1))
    living = supervised.row(ORDER)
    assert waiting is not None
    assert living is not None
    assert (waiting.state, living.state) == (ChildState.STARTING, ChildState.SERVING)
    assert living.serving_since_ms == 800


def test_an_answered_ping_keeps_a_child_alive() -> None:
    supervised = SupervisedActors("desk")
    for _ in range(20):
        assert not [e for e in supervised.tick(1_000) if isinstance(e, Kill)]
        for role in ("desk", ORDERS):
            supervised.say(role, pong(role))


def test_an_order_starts_in_the_orders_process_without_a_fork_and_once() -> None:
    supervised = SupervisedActors("desk")
    effects = supervised.say("desk", StartChild(ORDER))
    (start,) = told(effects, StartActor)
    assert (start.handle, start.message) == (supervised.handles[ORDERS], StartActor(ORDER))
    assert spawned(effects) == []
    row = supervised.row(ORDER)
    assert row is not None
    assert (row.pid, row.process) == (1000 + supervised.handles[ORDERS], ORDERS)
    assert supervised.say("desk", StartChild(ORDER)) == []


def test_an_order_waits_for_a_process_that_has_not_said_a_word() -> None:
    supervised = SupervisedActors("desk", mute=(ORDERS,))
    assert told(supervised.say("desk", StartChild(ORDER)), StartActor) == []
    effects = supervised.say(ORDERS, ProcessStarted(ORDERS, 9))
    assert [tell.message for tell in told(effects, StartActor)] == [StartActor(ORDER)]


def test_an_order_that_has_finished_is_no_more() -> None:
    supervised = SupervisedActors("desk")
    supervised.say("desk", StartChild(ORDER))
    assert supervised.say(ORDER, Leaving(ORDER, "done")) == []
    assert supervised.row(ORDER) is None
    assert supervised.core.report(0, 0).restarts == {}


def test_orders_that_fall_with_their_process_are_told_to_the_desk_which_asks_again() -> None:
    supervised = SupervisedActors("desk")
    others = ["order/order_2", "order/order_3"]
    for role in (ORDER, *others):
        supervised.say("desk", StartChild(role))
    effects = supervised.fall(ORDERS)
    lost = [ChildLost(role) for role in (ORDER, *others)]
    assert [tell.message for tell in told(effects, ChildLost)] == lost
    assert spawned(effects) == [ORDERS]
    assert supervised.core.report(0, 0).restarts == {ORDERS: 1}
    assert told(supervised.say("desk", StartChild(ORDER)), StartActor)


def test_orders_that_are_asked_for_while_their_process_waits_out_a_backoff_start_with_it() -> None:
    supervised = SupervisedActors("desk")
    supervised.fall(ORDERS)
    supervised.fall(ORDERS)
    assert supervised.say("desk", StartChild(ORDER)) == []
    effects = supervised.tick(200)
    assert spawned(effects) == [ORDERS]
    assert [tell.message for tell in told(effects, StartActor)] == [StartActor(ORDER)]


# Actors that fall while their process lives on


def fell(supervised: SupervisedActors, role: str, count: int = 1) -> list[SupervisorEffect]:
    return supervised.say(role, ActorFell(role, count, "ValueError: a bug"))


def test_an_actor_that_falls_is_made_again_where_it_lives_and_counted() -> None:
    supervised = SupervisedActors("desk", "strategy")
    effects = fell(supervised, "strategy")
    (start,) = told(effects, StartActor)
    assert (start.handle, start.message) == (supervised.handles["strategy"], StartActor("strategy"))
    assert spawned(effects) == []
    row = supervised.row("strategy")
    assert row is not None
    assert (row.restarts, row.generation) == (1, 2)
    assert fell(supervised, "strategy") == [], "the same fall, told twice"


def test_an_actor_that_falls_again_waits_out_a_backoff_and_its_process_does_not() -> None:
    supervised = SupervisedActors("desk", "strategy", layout=TOGETHER)
    fell(supervised, "strategy")
    assert told(fell(supervised, "strategy", 2), StartActor) == []
    row, other = supervised.row("strategy"), supervised.row("desk")
    assert row is not None
    assert other is not None
    assert (row.state, other.state) == (ChildState.BACKING_OFF, ChildState.WAITING)
    delay_ms = supervised.core.next_tick_ms(supervised.now_ms)
    assert delay_ms is not None
    assert 50 <= delay_ms <= 100
    assert told(supervised.tick(delay_ms - 1), StartActor) == []
    assert [tell.message for tell in told(supervised.tick(1), StartActor)] == [
        StartActor("strategy")
    ]


def test_an_actor_that_falls_too_often_ends_the_run() -> None:
    supervised = SupervisedActors("desk", "strategy", layout=TOGETHER)
    for count in range(1, 7):
        assert supervised.escalation == ""
        fell(supervised, "desk", count)
        supervised.tick(5_000)
    assert supervised.escalation == "desk crashed 6 times in 60 s"


def test_an_order_that_falls_is_told_to_the_desk_and_counted() -> None:
    supervised = SupervisedActors("desk")
    supervised.say("desk", StartChild(ORDER))
    effects = fell(supervised, ORDER)
    assert [tell.message for tell in told(effects, ChildLost)] == [ChildLost(ORDER)]
    assert supervised.core.report(0, 0).restarts == {"order": 1}
    assert told(supervised.say("desk", StartChild(ORDER)), StartActor)


def test_a_process_that_ends_takes_all_its_actors_and_brings_them_back() -> None:
    supervised = SupervisedActors("desk", "strategy", layout=TOGETHER)
    assert spawned(supervised.fall("trading")) == ["trading"]
    rows = {row.role: row for row in supervised.core.report(0, 0).children}
    assert {role: row.restarts for role, row in rows.items()} == {"desk": 1, "strategy": 1}
    assert {row.process for row in rows.values()} == {"trading"}
    assert {row.generation for row in rows.values()} == {2}


def test_a_measured_venue_time_goes_out_with_every_ping() -> None:
    supervised = SupervisedActors("desk")
    effects = supervised.say("desk", VenueTimeMeasured(2_500))
    assert {tell.message for tell in told(effects, Ping)} == {Ping(1, 2_500)}
    assert supervised.core.venue_offset_ms == 2_500


def test_a_child_that_cannot_record_ends_the_run() -> None:
    supervised = SupervisedActors("desk", "position")
    effects = supervised.say("position", JournalFailed("position", "disk full"))
    assert supervised.escalation == "position has no record: disk full"
    assert supervised.core.report(0, 0).has_no_journal
    assert told(effects, HaltTrading)


def test_a_shutdown_is_cleared_when_the_desk_has_no_live_order() -> None:
    supervised = SupervisedActors("desk")
    assert told(supervised.core.shut_down("Ctrl-C", 0), HaltTrading)
    assert not supervised.core.report(0, 0).is_cleared
    supervised.say("desk", HaltReport(2))
    assert not supervised.core.report(0, 0).is_cleared
    supervised.say("desk", HaltReport(0))
    assert supervised.core.report(0, 0).is_cleared


def test_a_desk_that_falls_while_orders_are_ended_is_told_again() -> None:
    supervised = SupervisedActors("desk")
    supervised.core.shut_down("Ctrl-C", 0)
    effects = supervised.fall("desk")
    assert [t.message for t in told(effects, HaltTrading)] == [HaltTrading("Ctrl-C", cancel=True)]


def test_a_shutdown_does_not_wait_for_ever() -> None:
    supervised = SupervisedActors("desk")
    supervised.core.shut_down("Ctrl-C", 0)
    supervised.tick(4_999)
    assert not supervised.core.report(0, 0).is_cleared
    supervised.tick(1)
    assert supervised.core.report(0, 0).is_cleared


@pytest.mark.parametrize("message", [ActorFell("x", 1, "y"), ServingChanged("x", True)])
def test_words_of_a_child_already_replaced_change_nothing(message: object) -> None:
    supervised = SupervisedActors("desk", "strategy")
    old = supervised.handles["strategy"]
    supervised.fall("strategy")
    assert supervised.core.child_said(old, message, 0) == []


def test_the_report_adds_up_what_past_and_present_children_handled_and_refused() -> None:
    supervised = SupervisedActors("desk")
    refused = {"latencies_us": {"tick_to_signal": (5, 6)}, "refused_count": 4}
    supervised.say("desk", pong("desk", **refused))
    supervised.fall("desk")
    few = pulse("desk", handled_count=3, generation=2)
    supervised.say(
        "desk", pong("desk", few, latencies_us={"tick_to_signal": (7,)}, refused_count=1)
    )
    report = supervised.core.report(9, 0)
    assert (report.request_id, report.handled_count, report.refused_count) == (9, 13, 5)
    assert report.latencies_us == {"tick_to_signal": (5, 6, 7)}
    assert supervised.core.report(10, 0).latencies_us == {}


def test_children_are_shown_in_the_tables_order_whoever_was_made_again() -> None:
    supervised = SupervisedActors("position", "executor", "desk")
    supervised.fall("position")
    rows = supervised.core.report(0, 0).children
    assert [row.role for row in rows] == ["position", "executor", "desk", "orders"]
