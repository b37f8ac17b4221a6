"""What the desk does until the real executor has said that everything is taken back."""

from __future__ import annotations

from typing import Any

import pytest
from desk_stage import Desk
from order_builders import T0, book, position, sent, signal, signals, snapshot

from actors.core import Effects
from actors.messages.execution import OrderUpdated
from actors.messages.halts import (
    KILL_SWITCH,
    OPERATOR,
    CancelEverything,
    EverythingCancelled,
    FlattenHoldings,
    GetHalts,
    HaltReport,
    HaltStatus,
    HaltTrading,
    ResumeTrading,
)
from actors.messages.lifecycle import JournalFailed, PeerRestarted, TimerFired
from actors.messages.market import SnapshotWanted
from actors.model import Side
from actors.roles import EXECUTOR, MARKET_STATE, OBSERVER, REPLY, SUPERVISOR

ROUND = TimerFired("round")
THE_END = HaltTrading("Ctrl-C", cancel=True)
THE_FILE = HaltTrading("odd prices", cancel=True, who=KILL_SWITCH)
BY_HAND = HaltTrading("odd prices", cancel=True, who=OPERATOR, request_id=3)
FLATTEN = FlattenHoldings(who=OPERATOR, reason="enough", request_id=7)
RESUME = ResumeTrading(who=OPERATOR, reason="all is well")
DONE = EverythingCancelled(T0)


def live_desk(*, is_wide: bool = True) -> Desk:
    return Desk(mode="live", cancel_all_on_halt=is_wide).ready()


def asked(effects: Effects) -> list[int]:
    return [each.asked_at_ms for each in sent(effects, CancelEverything, EXECUTOR)]


def reports(effects: Effects) -> list[int]:
    return [each.live_count for each in sent(effects, HaltReport, SUPERVISOR)]


@pytest.mark.parametrize(
    "message",
    [THE_END, THE_FILE, BY_HAND, FLATTEN, JournalFailed("order/1", "disk full")],
    ids=["the end", "the file", "a person", "flatten", "a full disk"],
)
def test_the_executor_is_asked_each_round_until_it_answers(message: Any) -> None:
    desk = live_desk()
    assert asked(desk.feed(message)) == [T0]
    assert asked(desk.feed(ROUND, T0 + 1_000)) == [T0]
    assert asked(desk.feed(PeerRestarted(EXECUTOR), T0 + 1_500)) == [T0]
    desk.feed(DONE)
    assert asked(desk.feed(ROUND, T0 + 2_000)) == []
    assert asked(desk.feed(PeerRestarted(EXECUTOR), T0 + 2_500)) == []


@pytest.mark.parametrize(
    ("mode", "message"),
    [("simulated", THE_END), ("live", HaltTrading("lunch", cancel=False, who=OPERATOR))],
    ids=["simulated", "a halt that does not cancel"],
)
def test_otherwise_the_executor_is_asked_nothing(mode: str, message: Any) -> None:
    desk = Desk(mode=mode, cancel_all_on_halt=True).ready()
    assert asked([*desk.feed(message), *desk.feed(ROUND)]) == []


def test_an_answer_to_an_earlier_halt_is_none_to_this_one() -> None:
    desk = live_desk()
    desk.feed(THE_FILE)
    desk.feed(THE_END, T0 + 1)
    desk.feed(DONE)
    assert asked(desk.feed(ROUND)) == [T0 + 1]


# What counts as a new halt


@pytest.mark.parametrize("message", [THE_END, THE_FILE], ids=["the end", "the file"])
def test_a_halt_that_is_only_said_again_asks_for_nothing_new(message: Any) -> None:
    desk = live_desk()
    desk.feed(message)
    assert asked(desk.feed(message, T0 + 500)) == [T0]
    desk.feed(DONE)
    assert asked(desk.feed(message, T0 + 1_000)) == []


@pytest.mark.parametrize("message", [BY_HAND, FLATTEN], ids=["halt", "flatten"])
def test_a_person_who_asks_again_means_it(message: Any) -> None:
    desk = live_desk()
    desk.feed(message)
    desk.feed(DONE)
    assert asked(desk.feed(message, T0 + 1_000)) == [T0 + 1_000]


def test_after_a_halt_that_left_orders_alone_one_that_cancels_is_new() -> None:
    desk = live_desk()
    desk.feed(HaltTrading("Ctrl-C", cancel=False))
    assert asked(desk.feed(THE_END)) == [T0]


def test_once_resumed_nothing_more_is_taken_back() -> None:
    desk = live_desk()
    desk.feed(THE_FILE)
    desk.feed(RESUME)
    assert asked(desk.feed(ROUND)) == []


def test_resume_does_not_keep_the_end_from_taking_everything_back() -> None:
    desk = live_desk()
    desk.feed(THE_FILE)
    desk.feed(THE_END)
    desk.feed(RESUME)
    assert asked(desk.feed(ROUND)) == [T0]


# After a restart


def test_a_new_desk_asks_again_for_what_a_recorded_halt_takes_back() -> None:
    desk = live_desk()
    desk.feed(THE_FILE)
    desk.restart(T0 + 9_000)
    assert asked(desk.feed(ROUND, T0 + 10_000)) == [T0]
    desk.feed(DONE)
    assert asked(desk.feed(ROUND, T0 + 11_000)) == []


@pytest.mark.parametrize(
    ("mode", "cancel"), [("simulated", True), ("live", False)], ids=["simulated", "no cancel"]
)
def test_a_new_desk_asks_for_nothing_else(mode: str, cancel: bool) -> None:
    desk = Desk(mode=mode, cancel_all_on_halt=True).ready()
    desk.feed(HaltTrading("odd prices", cancel=cancel, who=KILL_SWITCH))
    effects = desk.restart()
    assert asked([*effects, *desk.feed(ROUND)]) == []


# The end of the run


def test_the_end_waits_for_the_account() -> None:
    desk = live_desk()
    (intent,) = desk.accept()
    assert reports(desk.feed(THE_END)) == [2]
    assert reports(desk.end(intent)) == [1]
    assert reports(desk.feed(ROUND)) == [1]
    assert reports(desk.feed(DONE)) == [0]
    assert reports(desk.feed(ROUND)) == [0]


def test_the_end_does_not_wait_for_an_executor_that_has_nothing_more_to_do() -> None:
    desk = live_desk(is_wide=False)
    assert reports(desk.feed(THE_END)) == [0]
    assert asked(desk.feed(ROUND)) == [T0]


# Flattening


def sold(effects: Effects) -> bool:
    return bool(sent(effects, OrderUpdated, OBSERVER))


def test_nothing_is_sold_that_a_cancel_still_to_come_would_take_back() -> None:
    desk = live_desk()
    desk.feed(position(2, yes=10))
    bids = snapshot(yes=book(bids={300: 50}, asks={320: 50}))
    assert sent(desk.feed(FLATTEN), SnapshotWanted, MARKET_STATE) == []
    assert not sold(desk.feed(bids))
    (status,) = sent(desk.feed(GetHalts(5)), HaltStatus, REPLY)
    assert (status.excess_note, status.is_excess_final) == (
        "the executor has not cancelled everything yet",
        False,
    )
    assert sent(desk.feed(DONE), SnapshotWanted, MARKET_STATE)
    assert sold(desk.feed(bids))


def test_a_late_copy_of_the_answer_changes_nothing() -> None:
    desk = live_desk()
    desk.feed(THE_FILE)
    desk.feed(DONE)
    desk.feed(RESUME)
    assert desk.feed(DONE) == []
    assert desk.accept(signal(Side.NO), at_ms=T0 + 1)
    assert sold(desk.feed(signals(at_ms=T0 + 2), T0 + 2))
