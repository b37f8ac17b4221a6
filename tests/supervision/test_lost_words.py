"""Every message on the way to or from the supervisor may be lost once, and nothing stays broken."""

from __future__ import annotations

import pytest
from troupe_stage import SPARES, Troupe, kills, pong, spawned, told

from actors.execution.messages import HaltReport, HaltTrading
from actors.messages import (
    Assign,
    Dismissed,
    Hello,
    Leaving,
    Ping,
    Pong,
    ServingChanged,
    StartChild,
)
from actors.supervision.messages import ChildState, SupervisorEffect, TellBook

ORDER = "order/order_1"
SERVES = ServingChanged("strategy", is_serving=True)
START_MS = 8_000
"""How long a child may be silent before its first word."""


def ping_number(troupe: Troupe) -> int:
    (first, *_) = told(troupe.tick(500), Ping)
    assert isinstance(first.message, Ping)
    return first.message.number


def answer(troupe: Troupe, role: str, says: str = "", **changes: object) -> list[SupervisorEffect]:
    """A tick, and a child's answer to its Ping."""
    fields = {"number": ping_number(troupe), "book_version": 99, **changes}
    return troupe.say(role, pong(says or role, **fields))


def books(effects: list[SupervisorEffect]) -> list[int]:
    return [effect.handle for effect in effects if isinstance(effect, TellBook)]


# AddressBook


def test_a_child_whose_pong_shows_an_old_book_is_told_the_book_again_until_it_has_it() -> None:
    troupe = Troupe("desk", "strategy")
    assert books(answer(troupe, "strategy", book_version=1)) == [troupe.handles["strategy"]]
    assert books(answer(troupe, "strategy", book_version=1)) == [troupe.handles["strategy"]]
    assert books(answer(troupe, "strategy", book_version=troupe.core.book_version)) == []


def test_a_pong_that_left_before_the_book_came_proves_nothing() -> None:
    troupe = Troupe("desk", "strategy")
    number = ping_number(troupe)
    troupe.fall("desk")
    assert books(troupe.say("strategy", pong("strategy", number=number, book_version=1))) == []


def test_a_book_that_does_not_concern_a_child_is_not_missed() -> None:
    troupe = Troupe("position", "executor", "desk", "strategy")
    version = troupe.core.book_version
    answer(troupe, "strategy", book_version=version)
    troupe.say("desk", StartChild(ORDER))
    troupe.say(ORDER, Hello(role=ORDER, pid=7, generation=1))
    assert troupe.core.book_version > version
    assert books(answer(troupe, "strategy", book_version=version)) == []


# Hello


def test_a_pong_stands_in_for_a_hello_that_was_lost() -> None:
    troupe = Troupe("desk", "strategy", mute=("strategy",))
    assert "strategy" not in [role for role, _, _ in troupe.core.listed()]
    effects = answer(troupe, "strategy", pid=77, generation=4)
    assert troupe.handles["desk"] in books(effects)
    assert ("strategy", troupe.handles["strategy"], 4) in troupe.core.listed()
    row = troupe.row("strategy")
    assert row is not None
    assert (row.state, row.pid, row.generation) == (ChildState.SERVING, 77, 4)


def test_a_late_hello_after_the_pong_that_stood_in_for_it_is_no_news() -> None:
    troupe = Troupe("desk", "strategy", mute=("strategy",))
    answer(troupe, "strategy", pid=77, generation=4)
    assert troupe.say("strategy", Hello(role="strategy", pid=77, generation=4)) == []


def test_a_child_that_only_says_that_it_serves_is_not_listed_yet() -> None:
    troupe = Troupe("desk", "strategy", mute=("strategy",))
    troupe.say("strategy", ServingChanged("strategy", is_serving=True))
    row = troupe.row("strategy")
    assert row is not None
    assert row.state is ChildState.STARTING


def test_an_order_whose_hello_was_lost_is_listed_by_its_pong() -> None:
    troupe = Troupe("position", "desk")
    troupe.say("desk", StartChild(ORDER))
    answer(troupe, ORDER, pid=7, generation=2)
    told_handles = set(books(troupe.tick(50)))
    assert {troupe.handles[role] for role in ("position", "desk", ORDER)} == told_handles
    assert (ORDER, troupe.handles[ORDER], 2) in troupe.core.listed()


def beat(troupe: Troupe, *answering: str, until_ms: int) -> list[int]:
    """Let time pass with children that answer; returns the processes killed."""
    killed: list[int] = []
    while troupe.now_ms < until_ms:
        killed += kills(troupe.tick(500))
        for role in answering:
            troupe.say(role, pong(role, book_version=99))
    return killed


def test_a_child_that_hangs_before_its_first_word_is_killed_and_made_again() -> None:
    troupe = Troupe("desk", "strategy", mute=("strategy",))
    pid = 1000 + troupe.handles["strategy"]
    assert beat(troupe, "desk", *SPARES, until_ms=START_MS) == []
    assert beat(troupe, "desk", *SPARES, until_ms=START_MS + 500) == [pid]
    troupe.mute.clear()
    assert spawned(troupe.fall("strategy")) == ["strategy"]
    assert "strategy" in [role for role, _, _ in troupe.core.listed()]


def test_a_child_that_never_had_a_process_is_made_again_without_a_kill() -> None:
    troupe = Troupe("desk", "strategy", mute=("strategy",))
    troupe.core.child_forked(troupe.handles["strategy"], 0)
    troupe.mute.clear()
    assert beat(troupe, "desk", *SPARES, until_ms=START_MS + 3_000) == []
    row = troupe.row("strategy")
    assert row is not None
    assert (row.restarts, row.state) == (1, ChildState.WAITING)


def test_a_spare_that_hangs_before_its_first_word_is_replaced() -> None:
    troupe = Troupe("desk", mute=("spare/2",))
    pid = 1000 + troupe.handles["spare/2"]
    answering = ("desk", "spare/1", "spare/3")
    assert beat(troupe, *answering, until_ms=START_MS + 500) == [pid]
    assert spawned(troupe.fall("spare/2")) == ["spare/4"]


# Assign


def test_an_order_that_answers_as_a_spare_is_assigned_again() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild(ORDER))
    (again,) = told(answer(troupe, ORDER, says="spare/1"), Assign)
    assert (again.handle, again.message) == (troupe.handles[ORDER], Assign(ORDER))
    row = troupe.row(ORDER)
    assert row is not None
    assert row.state is ChildState.WAITING, "an actor without its order does not serve"
    assert told(answer(troupe, ORDER, says="spare/1"), Assign) == [again]
    assert told(answer(troupe, ORDER, generation=1), Assign) == []


def test_a_spares_pong_from_before_its_assign_proves_nothing() -> None:
    troupe = Troupe("desk")
    number = ping_number(troupe)
    troupe.say("desk", StartChild(ORDER))
    assert troupe.say(ORDER, pong("spare/1", number=number, book_version=99)) == []


def test_a_spares_hello_that_comes_after_its_assign_does_not_make_it_the_order() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild(ORDER))
    assert troupe.say(ORDER, Hello(role="spare/1", pid=5, generation=0)) == []
    row = troupe.row(ORDER)
    assert row is not None
    assert row.state is ChildState.WAITING


# The end


def halts(effects: list[SupervisorEffect]) -> list[object]:
    return [tell.message for tell in told(effects, HaltTrading)]


def test_a_halt_is_told_until_the_desk_has_answered() -> None:
    troupe = Troupe("desk")
    halt = HaltTrading("Ctrl-C", cancel=True)
    troupe.core.shut_down("Ctrl-C", 0)
    assert halts(troupe.tick(500)) == [halt]
    assert halts(troupe.tick(500)) == [halt]
    troupe.say("desk", HaltReport(2))
    assert halts(troupe.tick(500)) == []
    assert halts(troupe.fall("desk")) == [halt]
    assert halts(troupe.tick(500)) == [halt]


def test_a_desk_that_halts_by_itself_ends_the_run_although_no_word_of_its_reason_came() -> None:
    troupe = Troupe("desk")
    troupe.say("desk", HaltReport(0))
    report = troupe.core.report(0, 0)
    assert report.has_no_journal
    assert report.escalation == "the desk has halted: something could not be recorded"


def test_nobody_is_told_to_halt_while_nothing_ends() -> None:
    assert halts(Troupe("desk").tick(500)) == []


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_order_leaves_whether_or_not_its_farewell_arrives(is_lost: bool) -> None:
    troupe = Troupe("desk")
    troupe.say("desk", StartChild(ORDER))
    if not is_lost:
        assert told(troupe.say(ORDER, Leaving(ORDER, "done")), Dismissed)
    troupe.fall(ORDER)
    assert troupe.row(ORDER) is None
    assert troupe.escalation == ""


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
    troupe = Troupe("desk", "strategy")
    troupe.fall("strategy")
    troupe.fall("strategy")
    assert troupe.core.child_said(-1, message, troupe.now_ms) == []
    row = troupe.row("strategy")
    assert row is not None
    assert row.state is ChildState.BACKING_OFF
    assert troupe.core.child_exited(-1, troupe.now_ms) == []
