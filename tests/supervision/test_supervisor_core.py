from __future__ import annotations

import random

import pytest
from troupe_stage import LIMITS, SPARES, Troupe, pong, spawned, told

from actors.execution.messages import HaltReport, HaltTrading
from actors.messages import (
    Assign,
    ChildLost,
    Dismissed,
    Hello,
    JournalFailed,
    Leaving,
    Ping,
    ServingChanged,
    StartChild,
    VenueTimeMeasured,
)
from actors.supervision.core import SPARE_COUNT, SupervisorCore
from actors.supervision.messages import (
    ChildState,
    Kill,
    SupervisorEffect,
    TellBook,
)


def test_children_start_in_the_tables_order_and_spare_orders_wait() -> None:
    core = SupervisorCore(("position", "desk"), LIMITS, random.Random(1))
    assert spawned(core.begin(0)) == ["position", "desk", "spare/1", "spare/2", "spare/3"]


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
        for each in ("desk", role):
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
    for spare in SPARES:
        troupe.say(spare, pong(spare))
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
        for spare in SPARES:
            troupe.say(spare, pong(spare))
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


def test_an_order_serves_since_it_has_its_role_and_not_since_it_waited_for_one() -> None:
    troupe = Troupe("desk")
    troupe.now_ms = 700
    troupe.say("desk", StartChild("order/order_1"))
    waiting = troupe.row("order/order_1")
    troupe.say("order/order_1", Hello(role="order/order_1", pid=9, generation=1))
    living = troupe.row("order/order_1")
    assert waiting is not None
    assert living is not None
    assert (waiting.state, living.state) == (ChildState.WAITING, ChildState.SERVING)
    assert living.serving_since_ms == 700


def test_an_answered_ping_keeps_a_child_alive() -> None:
    troupe = Troupe("desk")
    for _ in range(20):
        assert not [e for e in troupe.tick(1_000) if isinstance(e, Kill)]
        for role in ("desk", *SPARES):
            troupe.say(role, pong(role))


def test_a_waiting_order_actor_takes_the_order_and_another_takes_its_place() -> None:
    troupe = Troupe("desk")
    effects = troupe.say("desk", StartChild("order/order_1"))
    (assigned,) = told(effects, Assign)
    assert assigned.message == Assign("order/order_1")
    assert spawned(effects) == []
    assert troupe.core.next_tick_ms(0) == 50
    assert len(spawned(troupe.tick(50))) == 1
    assert troupe.core.next_tick_ms(50) is None
    assert troupe.row("order/order_1") is not None
    assert troupe.say("desk", StartChild("order/order_1")) == []


def test_without_a_waiting_actor_one_is_made_for_the_order() -> None:
    core = SupervisorCore(("desk",), LIMITS, random.Random(1))
    core.begin(0)
    core.child_said(1, Hello(role="desk", pid=11, generation=1), 0)
    effects = core.child_said(1, StartChild("order/order_1"), 0)
    assert spawned(effects) == ["order/order_1"]


def test_an_order_that_has_finished_leaves_without_a_word_to_the_desk() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild("order/order_1"))
    effects = troupe.say("order/order_1", Leaving("order/order_1", "done"))
    assert [tell.message for tell in told(effects, Dismissed)] == [Dismissed()]
    assert troupe.fall("order/order_1") == []
    assert troupe.core.report(0, 0).restarts == {}


def test_an_order_that_falls_is_told_to_the_desk_and_counted() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild("order/order_1"))
    effects = troupe.fall("order/order_1")
    assert [tell.message for tell in told(effects, ChildLost)] == [ChildLost("order/order_1")]
    assert spawned(effects) == []
    assert troupe.core.report(0, 0).restarts == {"order": 1}


def test_a_spare_that_falls_is_replaced_and_nobody_is_told() -> None:
    troupe = Troupe("desk")
    effects = troupe.fall("spare/1")
    assert spawned(effects) == ["spare/4"]
    assert told(effects, ChildLost) == []
    assert troupe.core.report(0, 0).restarts == {}


def test_a_new_address_is_told_to_everyone_but_an_orders_only_to_whom_it_talks() -> None:
    troupe = Troupe("position", "executor", "desk", "strategy")
    effects = troupe.fall("strategy")
    books = {e.handle for e in effects if isinstance(e, TellBook)}
    assert {troupe.handles[r] for r in ("position", "executor", "desk", "strategy")} <= books
    troupe.say("desk", StartChild("order/order_1"))
    effects = troupe.say("order/order_1", Hello(role="order/order_1", pid=5, generation=1))
    assert effects == []  # they learn it from the order's own words; the book is for lost ones
    books = {e.handle for e in troupe.tick(50) if isinstance(e, TellBook)}
    told_roles = {role for role, handle in troupe.handles.items() if handle in books}
    assert "strategy" not in told_roles
    assert {"desk", "executor", "position", "order/order_1"} <= told_roles


def test_a_measured_venue_time_goes_out_with_every_ping() -> None:
    troupe = Troupe("desk")
    effects = troupe.say("desk", VenueTimeMeasured(2_500))
    assert {tell.message for tell in told(effects, Ping)} == {Ping(1, 2_500)}
    assert troupe.core.venue_offset_ms == 2_500


def test_a_child_that_cannot_record_ends_the_run() -> None:
    troupe = Troupe("desk", "position")
    effects = troupe.say("position", JournalFailed("position", "disk full"))
    assert troupe.escalation == "position could not record: disk full"
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


@pytest.mark.parametrize("message", [Leaving("x", "y"), ServingChanged("x", True)])
def test_words_of_a_child_already_replaced_change_nothing(message: object) -> None:
    troupe = Troupe("desk", "strategy")
    old = troupe.handles["strategy"]
    troupe.fall("strategy")
    assert troupe.core.child_said(old, message, 0) == []


def test_the_report_adds_up_what_past_and_present_children_handled() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", pong("desk", handled_count=10, latencies_us={"tick_to_signal": (5, 6)}))
    troupe.fall("desk")
    troupe.say("desk", pong("desk", handled_count=3, latencies_us={"tick_to_signal": (7,)}))
    report = troupe.core.report(9, 0)
    assert (report.request_id, report.handled_count) == (9, 13)
    assert report.latencies_us == {"tick_to_signal": (5, 6, 7)}
    assert troupe.core.report(10, 0).latencies_us == {}


def test_as_many_spares_always_wait() -> None:
    troupe = Troupe("desk")
    for number in range(5):
        troupe.say("desk", StartChild(f"order/order_{number}"))
    forks = [len(spawned(troupe.tick(50))) for _ in range(SPARE_COUNT + 1)]
    assert forks == [1] * SPARE_COUNT + [0]
    rows = troupe.core.report(0, 0).children
    assert sum(row.role.startswith("spare/") for row in rows) == SPARE_COUNT


def test_children_are_shown_in_the_tables_order_whoever_was_made_again() -> None:
    troupe = Troupe("position", "executor", "desk")
    troupe.fall("position")
    rows = troupe.core.report(0, 0).children
    assert [row.role for row in rows][:3] == ["position", "executor", "desk"]
