from __future__ import annotations

import random

import pytest
from troupe_stage import LIMITS, Troupe, alone, pong, pulse, spawned, told

from actors.messages.execution import HaltReport, HaltTrading
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
from actors.supervision.messages import (
    ChildState,
    Kill,
    SupervisorEffect,
)

ORDER = "order/order_1"
TOGETHER = Layout(processes=(("trading", ("desk", "strategy")),), orders_in="trading")


def test_processes_start_in_the_tables_order_and_the_orders_last() -> None:
    core = SupervisorCore(alone("position", "desk"), LIMITS, random.Random(1))
    assert spawned(core.begin(0)) == ["position", "desk", "orders"]


def test_a_fallen_child_is_made_again_at_once_and_counted() -> None:
    troupe = Troupe("desk", "strategy")
    assert spawned(troupe.fall("strategy")) == ["strategy"]
    row = troupe.row("strategy")
    assert row is not None
    assert row.restarts == 1


def test_hearing_of_the_same_exit_twice_changes_nothing() -> None:
    troupe = Troupe("desk", "strategy")
    handle = troupe.handles["strategy"]
    troupe.fall("strategy")
    assert troupe.core.child_exited(handle, 0) == []
    assert troupe.core.report(0, 0).restarts == {"strategy": 1}


def test_the_second_fall_in_a_period_waits_out_a_backoff() -> None:
    troupe = Troupe("desk", "strategy")
    troupe.fall("strategy")
    assert spawned(troupe.fall("strategy")) == []
    row = troupe.row("strategy")
    assert row is not None
    assert row.state is ChildState.BACKING_OFF
    delay_ms = troupe.core.next_tick_ms(troupe.now_ms)
    assert delay_ms is not None
    assert 50 <= delay_ms <= 100
    assert spawned(troupe.tick(delay_ms - 1)) == []
    assert spawned(troupe.tick(1)) == ["strategy"]
    assert troupe.core.next_tick_ms(troupe.now_ms) is None


def fall_again(troupe: Troupe, role: str) -> list[SupervisorEffect]:
    effects = troupe.fall(role)
    for _ in range(10 if troupe.core.next_tick_ms(troupe.now_ms) is not None else 0):
        troupe.tick(1_000)
        for each in ("desk", role, ORDERS):
            troupe.say(each, pong(each))
    return effects


def test_more_falls_than_allowed_escalate_once_and_the_desk_must_end_every_order() -> None:
    troupe = Troupe("desk", "strategy")
    troupe.now_ms = 1_000
    for _ in range(5):
        fall_again(troupe, "strategy")
    assert troupe.escalation == ""
    effects = fall_again(troupe, "strategy")
    assert troupe.escalation == "strategy fell 6 times in 60 s"
    assert [tell.message for tell in told(effects, HaltTrading)] == [
        HaltTrading("strategy fell 6 times in 60 s", cancel=True)
    ]
    assert told(fall_again(troupe, "strategy"), HaltTrading) == []


def test_falls_far_apart_never_escalate() -> None:
    troupe = Troupe("desk", "strategy")
    for _ in range(20):
        fall_again(troupe, "strategy")
        troupe.tick(61_000)
        troupe.say("strategy", pong("strategy"))
    assert troupe.escalation == ""


def test_a_child_that_does_not_answer_is_killed_once_and_then_made_again() -> None:
    troupe = Troupe("desk", "strategy")
    troupe.now_ms = 3_001
    troupe.say("desk", pong("desk"))
    troupe.say(ORDERS, pong(ORDERS))
    effects = troupe.tick()
    row = troupe.row("strategy")
    assert row is not None
    assert [e for e in effects if isinstance(e, Kill)] == [Kill(row.pid)]
    assert [e for e in troupe.tick(500) if isinstance(e, Kill)] == []
    assert spawned(troupe.fall("strategy")) == ["strategy"]


def test_a_killed_child_whose_exit_is_never_reported_is_made_again_all_the_same() -> None:
    troupe = Troupe("desk", "strategy")
    for _ in range(7):
        troupe.now_ms += 500
        troupe.say("desk", pong("desk"))
        troupe.say(ORDERS, pong(ORDERS))
        troupe.tick()
    assert spawned(troupe.tick(1_500)) == []
    assert spawned(troupe.tick(100)) == ["strategy"]


def test_a_child_tells_since_when_it_serves_without_a_break() -> None:
    troupe = Troupe("desk")
    since = []
    for is_serving in (True, True, False, True):
        troupe.now_ms += 100
        troupe.say("desk", ServingChanged("desk", is_serving))
        row = troupe.row("desk")
        assert row is not None
        since.append(row.serving_since_ms)
    assert since == [100, 100, 0, 400]


def test_an_order_serves_since_it_has_said_so() -> None:
    troupe = Troupe("desk", mute=(ORDERS,))
    troupe.now_ms = 700
    troupe.say("desk", StartChild(ORDER))
    waiting = troupe.row(ORDER)
    troupe.now_ms = 800
    troupe.say(ORDER, Hello(role=ORDER, pid=9, generation=1))
    living = troupe.row(ORDER)
    assert waiting is not None
    assert living is not None
    assert (waiting.state, living.state) == (ChildState.STARTING, ChildState.SERVING)
    assert living.serving_since_ms == 800


def test_an_answered_ping_keeps_a_child_alive() -> None:
    troupe = Troupe("desk")
    for _ in range(20):
        assert not [e for e in troupe.tick(1_000) if isinstance(e, Kill)]
        for role in ("desk", ORDERS):
            troupe.say(role, pong(role))


def test_an_order_starts_in_the_orders_process_without_a_fork_and_once() -> None:
    troupe = Troupe("desk")
    effects = troupe.say("desk", StartChild(ORDER))
    (start,) = told(effects, StartActor)
    assert (start.handle, start.message) == (troupe.handles[ORDERS], StartActor(ORDER))
    assert spawned(effects) == []
    row = troupe.row(ORDER)
    assert row is not None
    assert (row.pid, row.process) == (1000 + troupe.handles[ORDERS], ORDERS)
    assert troupe.say("desk", StartChild(ORDER)) == []


def test_an_order_waits_for_a_process_that_has_not_said_a_word() -> None:
    troupe = Troupe("desk", mute=(ORDERS,))
    assert told(troupe.say("desk", StartChild(ORDER)), StartActor) == []
    effects = troupe.say(ORDERS, ProcessStarted(ORDERS, 9))
    assert [tell.message for tell in told(effects, StartActor)] == [StartActor(ORDER)]


def test_an_order_that_has_finished_is_no_more() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild(ORDER))
    assert troupe.say(ORDER, Leaving(ORDER, "done")) == []
    assert troupe.row(ORDER) is None
    assert troupe.core.report(0, 0).restarts == {}


def test_orders_that_fall_with_their_process_are_told_to_the_desk_which_asks_again() -> None:
    troupe = Troupe("desk")
    others = ["order/order_2", "order/order_3"]
    for role in (ORDER, *others):
        troupe.say("desk", StartChild(role))
    effects = troupe.fall(ORDERS)
    lost = [ChildLost(role) for role in (ORDER, *others)]
    assert [tell.message for tell in told(effects, ChildLost)] == lost
    assert spawned(effects) == [ORDERS]
    assert troupe.core.report(0, 0).restarts == {ORDERS: 1}
    assert told(troupe.say("desk", StartChild(ORDER)), StartActor)


def test_orders_that_are_asked_for_while_their_process_waits_out_a_backoff_start_with_it() -> None:
    troupe = Troupe("desk")
    troupe.fall(ORDERS)
    troupe.fall(ORDERS)
    assert troupe.say("desk", StartChild(ORDER)) == []
    effects = troupe.tick(200)
    assert spawned(effects) == [ORDERS]
    assert [tell.message for tell in told(effects, StartActor)] == [StartActor(ORDER)]


# Actors that fall while their process lives on


def fell(troupe: Troupe, role: str, count: int = 1) -> list[SupervisorEffect]:
    return troupe.say(role, ActorFell(role, count, "ValueError: a bug"))


def test_an_actor_that_falls_is_made_again_where_it_lives_and_counted() -> None:
    troupe = Troupe("desk", "strategy")
    effects = fell(troupe, "strategy")
    (start,) = told(effects, StartActor)
    assert (start.handle, start.message) == (troupe.handles["strategy"], StartActor("strategy"))
    assert spawned(effects) == []
    row = troupe.row("strategy")
    assert row is not None
    assert (row.restarts, row.generation) == (1, 2)
    assert fell(troupe, "strategy") == [], "the same fall, told twice"


def test_an_actor_that_falls_again_waits_out_a_backoff_and_its_process_does_not() -> None:
    troupe = Troupe("desk", "strategy", layout=TOGETHER)
    fell(troupe, "strategy")
    assert told(fell(troupe, "strategy", 2), StartActor) == []
    row, other = troupe.row("strategy"), troupe.row("desk")
    assert row is not None
    assert other is not None
    assert (row.state, other.state) == (ChildState.BACKING_OFF, ChildState.WAITING)
    delay_ms = troupe.core.next_tick_ms(troupe.now_ms)
    assert delay_ms is not None
    assert 50 <= delay_ms <= 100
    assert told(troupe.tick(delay_ms - 1), StartActor) == []
    assert [tell.message for tell in told(troupe.tick(1), StartActor)] == [StartActor("strategy")]


def test_an_actor_that_falls_too_often_ends_the_run() -> None:
    troupe = Troupe("desk", "strategy", layout=TOGETHER)
    for count in range(1, 7):
        assert troupe.escalation == ""
        fell(troupe, "strategy", count)
        troupe.tick(5_000)
    assert troupe.escalation == "strategy fell 6 times in 60 s"


def test_an_order_that_falls_is_told_to_the_desk_and_counted() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild(ORDER))
    effects = fell(troupe, ORDER)
    assert [tell.message for tell in told(effects, ChildLost)] == [ChildLost(ORDER)]
    assert troupe.core.report(0, 0).restarts == {"order": 1}
    assert told(troupe.say("desk", StartChild(ORDER)), StartActor)


def test_a_process_that_ends_takes_all_its_actors_and_brings_them_back() -> None:
    troupe = Troupe("desk", "strategy", layout=TOGETHER)
    assert spawned(troupe.fall("trading")) == ["trading"]
    rows = {row.role: row for row in troupe.core.report(0, 0).children}
    assert {role: row.restarts for role, row in rows.items()} == {"desk": 1, "strategy": 1}
    assert {row.process for row in rows.values()} == {"trading"}
    assert {row.generation for row in rows.values()} == {2}


def test_a_measured_venue_time_goes_out_with_every_ping() -> None:
    troupe = Troupe("desk")
    effects = troupe.say("desk", VenueTimeMeasured(2_500))
    assert {tell.message for tell in told(effects, Ping)} == {Ping(1, 2_500)}
    assert troupe.core.venue_offset_ms == 2_500


def test_a_child_that_cannot_record_ends_the_run() -> None:
    troupe = Troupe("desk", "position")
    effects = troupe.say("position", JournalFailed("position", "disk full"))
    assert troupe.escalation == "position is without its record: disk full"
    assert troupe.core.report(0, 0).has_no_journal
    assert told(effects, HaltTrading)


def test_a_shutdown_is_cleared_when_the_desk_has_no_live_order() -> None:
    troupe = Troupe("desk")
    assert told(troupe.core.shut_down("Ctrl-C", 0), HaltTrading)
    assert not troupe.core.report(0, 0).is_cleared
    troupe.say("desk", HaltReport(2))
    assert not troupe.core.report(0, 0).is_cleared
    troupe.say("desk", HaltReport(0))
    assert troupe.core.report(0, 0).is_cleared


def test_a_desk_that_falls_while_orders_are_ended_is_told_again() -> None:
    troupe = Troupe("desk")
    troupe.core.shut_down("Ctrl-C", 0)
    effects = troupe.fall("desk")
    assert [t.message for t in told(effects, HaltTrading)] == [HaltTrading("Ctrl-C", cancel=True)]


def test_a_shutdown_does_not_wait_for_ever() -> None:
    troupe = Troupe("desk")
    troupe.core.shut_down("Ctrl-C", 0)
    troupe.tick(4_999)
    assert not troupe.core.report(0, 0).is_cleared
    troupe.tick(1)
    assert troupe.core.report(0, 0).is_cleared


@pytest.mark.parametrize("message", [ActorFell("x", 1, "y"), ServingChanged("x", True)])
def test_words_of_a_child_already_replaced_change_nothing(message: object) -> None:
    troupe = Troupe("desk", "strategy")
    old = troupe.handles["strategy"]
    troupe.fall("strategy")
    assert troupe.core.child_said(old, message, 0) == []


def test_the_report_adds_up_what_past_and_present_children_handled() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", pong("desk", latencies_us={"tick_to_signal": (5, 6)}))
    troupe.fall("desk")
    few = pulse("desk", handled_count=3, generation=2)
    troupe.say("desk", pong("desk", few, latencies_us={"tick_to_signal": (7,)}))
    report = troupe.core.report(9, 0)
    assert (report.request_id, report.handled_count) == (9, 13)
    assert report.latencies_us == {"tick_to_signal": (5, 6, 7)}
    assert troupe.core.report(10, 0).latencies_us == {}


def test_children_are_shown_in_the_tables_order_whoever_was_made_again() -> None:
    troupe = Troupe("position", "executor", "desk")
    troupe.fall("position")
    rows = troupe.core.report(0, 0).children
    assert [row.role for row in rows] == ["position", "executor", "desk", "orders"]
