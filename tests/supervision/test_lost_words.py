"""Every message on the way to or from the supervisor may be lost once, and nothing stays broken."""

from __future__ import annotations

import pytest
from supervised_stage import SupervisedActors, kills, pong, pulse, spawned, told

from actors.messages.halts import HaltReport, HaltTrading
from actors.messages.lifecycle import (
    ActorFell,
    ActorPulse,
    Hello,
    Leaving,
    Ping,
    Pong,
    ServingChanged,
    StartChild,
)
from actors.roles import ORDERS
from actors.runtime.messages import StartActor
from actors.supervision.messages import ChildState, SupervisorEffect, TellBook

ORDER = "order/order_1"
SERVES = ServingChanged("strategy", is_serving=True)
START_MS = 8_000
"""How long a child may be silent before its first word."""


def ping_number(supervised: SupervisedActors) -> int:
    (first, *_) = told(supervised.tick(500), Ping)
    assert isinstance(first.message, Ping)
    return first.message.number


def answer(
    supervised: SupervisedActors, process: str, *pulses: ActorPulse, **changes: object
) -> list[SupervisorEffect]:
    """A tick, and a process's answer to its Ping."""
    fields = {"number": ping_number(supervised), "book_version": 99, **changes}
    return supervised.say(process, pong(process, *pulses, **fields))


def books(effects: list[SupervisorEffect]) -> list[int]:
    return [effect.handle for effect in effects if isinstance(effect, TellBook)]


# AddressBook


def test_a_child_whose_pong_shows_an_old_book_is_told_the_book_again_until_it_has_it() -> None:
    supervised = SupervisedActors("desk", "strategy")
    assert books(answer(supervised, "strategy", book_version=1)) == [supervised.handles["strategy"]]
    assert books(answer(supervised, "strategy", book_version=1)) == [supervised.handles["strategy"]]
    assert books(answer(supervised, "strategy", book_version=supervised.core.book_version)) == []


def test_other_settings_are_told_with_the_book_until_a_pong_shows_that_they_have_come() -> None:
    supervised = SupervisedActors("desk", "strategy")
    known = supervised.core.book_version
    everybody = {supervised.handles[name] for name in ("desk", "strategy")}
    assert everybody <= set(books(supervised.core.settings_changed(supervised.layout, 0)))
    late = books(answer(supervised, "strategy", book_version=known))
    assert late == [supervised.handles["strategy"]]


def test_a_pong_that_left_before_the_book_came_proves_nothing() -> None:
    supervised = SupervisedActors("desk", "strategy")
    number = ping_number(supervised)
    supervised.fall("desk")
    assert books(supervised.say("strategy", pong("strategy", number=number, book_version=1))) == []


# Hello


def test_a_pong_stands_in_for_a_hello_that_was_lost() -> None:
    supervised = SupervisedActors("desk", "strategy", mute=("strategy",))
    assert "strategy" not in [role for role, _, _ in supervised.core.listed()]
    effects = answer(supervised, "strategy", pulse("strategy", generation=4), pid=77)
    assert supervised.handles["desk"] in books(effects)
    assert ("strategy", supervised.handles["strategy"], 4) in supervised.core.listed()
    row = supervised.row("strategy")
    assert row is not None
    assert (row.state, row.pid, row.generation) == (ChildState.SERVING, 77, 4)


def test_a_late_hello_after_the_pong_that_stood_in_for_it_is_no_news() -> None:
    supervised = SupervisedActors("desk", "strategy", mute=("strategy",))
    answer(supervised, "strategy", pulse("strategy", generation=4), pid=77)
    assert supervised.say("strategy", Hello(role="strategy", pid=77, generation=4)) == []


def test_a_child_that_only_says_that_it_serves_is_not_listed_yet() -> None:
    supervised = SupervisedActors("desk", "strategy", mute=("strategy",))
    supervised.say("strategy", ServingChanged("strategy", is_serving=True))
    row = supervised.row("strategy")
    assert row is not None
    assert row.state is ChildState.STARTING


def test_an_order_whose_hello_was_lost_serves_by_its_pong() -> None:
    supervised = SupervisedActors("desk", mute=(ORDERS,))
    supervised.say("desk", StartChild(ORDER))
    answer(supervised, ORDERS, pulse(ORDER, generation=2))
    row = supervised.row(ORDER)
    assert row is not None
    assert (row.state, row.generation) == (ChildState.SERVING, 2)


def beat(supervised: SupervisedActors, *answering: str, until_ms: int) -> list[int]:
    """Let time pass with children that answer; returns the processes killed."""
    killed: list[int] = []
    while supervised.now_ms < until_ms:
        killed += kills(supervised.tick(500))
        for role in answering:
            supervised.say(role, pong(role, book_version=99))
    return killed


def test_a_child_that_hangs_before_its_first_word_is_killed_and_made_again() -> None:
    supervised = SupervisedActors("desk", "strategy", mute=("strategy",))
    pid = 1000 + supervised.handles["strategy"]
    assert beat(supervised, "desk", ORDERS, until_ms=START_MS) == []
    assert beat(supervised, "desk", ORDERS, until_ms=START_MS + 500) == [pid]
    supervised.mute.clear()
    assert spawned(supervised.fall("strategy")) == ["strategy"]
    assert "strategy" in [role for role, _, _ in supervised.core.listed()]


def test_a_child_that_never_had_a_process_is_made_again_without_a_kill() -> None:
    supervised = SupervisedActors("desk", "strategy", mute=("strategy",))
    supervised.core.child_forked(supervised.handles["strategy"], 0)
    supervised.mute.clear()
    assert beat(supervised, "desk", ORDERS, until_ms=START_MS + 3_000) == []
    row = supervised.row("strategy")
    assert row is not None
    assert (row.restarts, row.state) == (1, ChildState.WAITING)


def test_an_orders_process_that_hangs_before_its_first_word_is_made_again() -> None:
    supervised = SupervisedActors("desk", mute=(ORDERS,))
    pid = 1000 + supervised.handles[ORDERS]
    assert beat(supervised, "desk", until_ms=START_MS + 500) == [pid]
    assert spawned(supervised.fall(ORDERS)) == [ORDERS]


# ProcessStarted, StartActor, ActorFell


def test_a_pong_stands_in_for_a_process_s_first_word() -> None:
    supervised = SupervisedActors("desk", mute=(ORDERS,))
    supervised.say("desk", StartChild(ORDER))
    supervised.mute.clear()
    effects = answer(supervised, ORDERS)
    assert (
        ORDERS,
        supervised.handles[ORDERS],
        supervised.handles[ORDERS],
    ) in supervised.core.listed()
    assert [tell.message for tell in told(effects, StartActor)] == [StartActor(ORDER)]


def test_an_order_that_its_process_never_heard_of_is_to_start_again() -> None:
    supervised = SupervisedActors("desk")
    supervised.mute.add(ORDERS)
    supervised.say("desk", StartChild(ORDER))
    (again,) = told(answer(supervised, ORDERS), StartActor)
    assert again.message == StartActor(ORDER)
    assert told(answer(supervised, ORDERS), StartActor) == [again]
    assert told(answer(supervised, ORDERS, pulse(ORDER)), StartActor) == []


def test_a_pong_from_before_an_order_was_to_start_proves_nothing() -> None:
    supervised = SupervisedActors("desk")
    number = ping_number(supervised)
    supervised.mute.add(ORDERS)
    supervised.say("desk", StartChild(ORDER))
    assert supervised.say(ORDERS, pong(ORDERS, number=number, book_version=99)) == []


def test_a_fall_that_was_told_in_vain_shows_in_the_pong() -> None:
    supervised = SupervisedActors("desk", "strategy")
    down = pulse("strategy", is_down=True, is_serving=False, fall_count=1)
    (start,) = told(answer(supervised, "strategy", down), StartActor)
    assert start.message == StartActor("strategy")
    assert supervised.core.report(0, 0).restarts == {"strategy": 1}


def test_an_actor_that_was_told_in_vain_to_start_again_is_told_once_more() -> None:
    supervised = SupervisedActors("desk", "strategy")
    supervised.mute.add("strategy")
    supervised.say("strategy", ActorFell("strategy", 1, "a bug"))
    down = pulse("strategy", is_down=True, is_serving=False, fall_count=1)
    (start,) = told(answer(supervised, "strategy", down), StartActor)
    assert start.message == StartActor("strategy")
    assert supervised.core.report(0, 0).restarts == {"strategy": 1}


# The end


def halts(effects: list[SupervisorEffect]) -> list[object]:
    return [tell.message for tell in told(effects, HaltTrading)]


def test_a_halt_is_told_until_the_desk_has_answered() -> None:
    supervised = SupervisedActors("desk")
    halt = HaltTrading("Ctrl-C", cancel=True)
    supervised.core.shut_down("Ctrl-C", 0)
    assert halts(supervised.tick(500)) == [halt]
    assert halts(supervised.tick(500)) == [halt]
    supervised.say("desk", HaltReport(2))
    assert halts(supervised.tick(500)) == []
    assert halts(supervised.fall("desk")) == [halt]
    assert halts(supervised.tick(500)) == [halt]


def test_a_desk_that_halts_by_itself_ends_the_run_although_no_word_of_its_reason_came() -> None:
    supervised = SupervisedActors("desk")
    supervised.say("desk", HaltReport(0))
    report = supervised.core.report(0, 0)
    assert report.has_no_journal
    assert report.escalation == "the desk has halted: something could not be recorded"


def test_nobody_is_told_to_halt_while_nothing_ends() -> None:
    assert halts(SupervisedActors("desk").tick(500)) == []


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_order_leaves_whether_or_not_its_farewell_arrives(is_lost: bool) -> None:
    supervised = SupervisedActors("desk")
    supervised.say("desk", StartChild(ORDER))
    if not is_lost:
        supervised.say(ORDER, Leaving(ORDER, "done"))
    answer(supervised, ORDERS)
    assert supervised.row(ORDER) is None
    assert supervised.core.report(0, 0).restarts == {}


# Strangers


@pytest.mark.parametrize(
    "message",
    [
        Hello(role="strategy", pid=3, generation=1),
        pong("strategy"),
        ServingChanged("strategy", True),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_word_of_nobody_known_is_not_taken_for_the_childs_that_waits_out_a_backoff(
    message: Hello | Pong | ServingChanged,
) -> None:
    supervised = SupervisedActors("desk", "strategy")
    supervised.fall("strategy")
    supervised.fall("strategy")
    assert supervised.core.child_said(-1, message, supervised.now_ms) == []
    row = supervised.row("strategy")
    assert row is not None
    assert row.state is ChildState.BACKING_OFF
    assert supervised.core.child_exited(-1, supervised.now_ms) == []
