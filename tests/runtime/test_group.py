"""Actors that share a process: their words to each other, and what befalls one of them."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
from nouns import some_signals
from recording import FakeAddress, ProcessStage

from actors.core import Core, Effects, Record, Save, Send, handles
from actors.execution.account import TradedAccount
from actors.messages.execution import OrderDone
from actors.messages.lifecycle import (
    ActorFell,
    AddressBook,
    Envelope,
    Hello,
    PeerRestarted,
    Ping,
    Pong,
    ProcessStarted,
    Started,
)
from actors.messages.strategy import TradeSignals
from actors.roles import DESK, EXECUTOR, POSITION, REPLY, STRATEGY, SUPERVISOR, order_role
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.journal import Journal
from actors.runtime.messages import StartActor
from actors.settings import RiskSettings, Settings

ORDER = order_role("order_1")


@attrs.frozen
class Say:
    """Has an actor say things."""

    words: tuple[tuple[str, object], ...]
    raises: bool = False


@attrs.frozen
class Keep:
    """Has an actor record that it cannot bear its own record."""


class Talker(Core):
    RECOVERS = ("account",)

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type] # as the base's
        self.heard: list[object] = []

    @handles(Started)
    def start(self, message: Started, _now_ms: int) -> Effects:
        if any(isinstance(each, TradedAccount) for each in message.saved):
            raise ValueError("a poisoned record")
        return []

    @handles(PeerRestarted, OrderDone, TradeSignals)
    def note(self, message: object, _now_ms: int) -> Effects:
        self.heard.append(message)
        return []

    @handles(Say)
    def say(self, message: Say, _now_ms: int) -> Effects:
        if message.raises:
            raise RuntimeError("a bug")
        return [Send(to, word) for to, word in message.words]

    @handles(Keep)
    def keep(self, _message: Keep, _now_ms: int) -> Effects:
        return [Record(OrderDone("x"), (Save("account", self.role, TradedAccount("0x")),))]


@pytest.fixture(autouse=True)
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


@pytest.fixture
def stage(tmp_path: Path) -> ProcessStage:
    """Position, desk and strategy in one process, with the orders; the rest is elsewhere."""
    spec = ActorSpec(core=Talker)
    stage = ProcessStage(tmp_path, dict.fromkeys((POSITION, DESK, STRATEGY), spec), order=spec)
    stage.boot("observer", EXECUTOR)
    return stage


def heard(stage: ProcessStage, role: str) -> list[object]:
    core = stage.group.cores[role]
    assert isinstance(core, Talker)
    return [each for each in core.heard if not isinstance(each, PeerRestarted)]


def say(stage: ProcessStage, role: str, *words: tuple[str, object], raises: bool = False) -> None:
    stage.say("observer", Say(words, raises), to=role)


def fell(stage: ProcessStage) -> list[ActorFell]:
    return [each for each in stage.sent_to(SUPERVISOR) if isinstance(each, ActorFell)]


def test_they_start_in_order_and_each_says_hello(stage: ProcessStage) -> None:
    hellos = [
        Hello(role=role, pid=os.getpid(), generation=1) for role in (POSITION, DESK, STRATEGY)
    ]
    assert stage.sent_to(SUPERVISOR) == [ProcessStarted(POSITION, os.getpid()), *hellos]


def test_words_between_them_stay_in_the_process_in_their_order(stage: ProcessStage) -> None:
    first, second = OrderDone("1"), OrderDone("2")
    say(stage, STRATEGY, (DESK, first), (POSITION, first), (DESK, second))
    assert heard(stage, DESK) == [first, second]
    assert heard(stage, DESK)[0] is first, "nothing is copied, since nothing can be changed"
    assert heard(stage, POSITION) == [first]
    assert stage.ref.sent == [each for each in stage.ref.sent if each[0] == FakeAddress(SUPERVISOR)]


def wish(number: int) -> TradeSignals:
    return some_signals("m", signals_id=number, position_version=0)


def test_what_becomes_an_order_is_delivered_before_all_that_waits(stage: ProcessStage) -> None:
    waits = OrderDone("waits")
    say(stage, STRATEGY, (DESK, waits), (DESK, wish(1)), (DESK, wish(2)))
    assert heard(stage, DESK) == [wish(1), wish(2), waits]


def test_words_to_others_leave_once_and_replies_find_whoever_asked(stage: ProcessStage) -> None:
    say(stage, STRATEGY, (REPLY, OrderDone("a")), (DESK, Say(((REPLY, OrderDone("b")),))))
    assert stage.sent_to("observer") == [OrderDone("a")]
    assert heard(stage, STRATEGY) == [OrderDone("b")]


def test_on_the_way_of_a_tick_words_leave_at_once_and_others_when_nothing_is_left_to_do(
    stage: ProcessStage,
) -> None:
    told, ordered = OrderDone("told"), OrderDone("ordered")
    say(stage, STRATEGY, ("observer", told), (DESK, Say(((EXECUTOR, ordered),))))
    addresses = [address for address, _ in stage.ref.sent[-2:]]
    assert addresses == [FakeAddress(EXECUTOR), FakeAddress("observer")]
    assert stage.sent_to(EXECUTOR) == [ordered]
    assert stage.sent_to("observer") == [told]


def test_a_word_to_an_order_that_is_not_there_is_lost(stage: ProcessStage) -> None:
    say(stage, DESK, (ORDER, OrderDone("1")))
    stage.tell(StartActor(ORDER))
    say(stage, DESK, (ORDER, OrderDone("2")))
    assert heard(stage, ORDER) == [OrderDone("2")]


def test_one_that_raises_loses_what_waits_for_it_and_the_others_go_on(stage: ProcessStage) -> None:
    lost, kept = OrderDone("lost"), OrderDone("kept")
    say(stage, POSITION, (STRATEGY, Say((), raises=True)), (STRATEGY, lost), (DESK, kept))
    assert fell(stage) == [ActorFell(STRATEGY, 1, "RuntimeError: a bug")]
    assert heard(stage, DESK) == [kept]
    stage.tell(StartActor(STRATEGY))
    assert heard(stage, STRATEGY) == []
    say(stage, POSITION, (STRATEGY, kept))
    assert heard(stage, STRATEGY) == [kept]


def test_the_others_hear_that_one_was_made_again(stage: ProcessStage) -> None:
    say(stage, STRATEGY, raises=True)
    stage.tell(StartActor(STRATEGY))
    for role in (POSITION, DESK):
        core = stage.group.cores[role]
        assert isinstance(core, Talker)
        assert core.heard[-1] == PeerRestarted(STRATEGY)


def test_a_poisoned_record_brings_one_down_at_every_start_and_nobody_else(
    stage: ProcessStage,
) -> None:
    stage.say("observer", Keep(), to=STRATEGY)
    say(stage, STRATEGY, raises=True)
    for _ in range(3):
        stage.tell(StartActor(STRATEGY))
    assert [each.fall_count for each in fell(stage)] == [1, 2, 3, 4]
    assert fell(stage)[-1].reason == "ValueError: a poisoned record"
    say(stage, POSITION, (DESK, OrderDone("1")))
    assert heard(stage, DESK) == [OrderDone("1")]
    stage.tell(Ping(4))
    pong = stage.sent_to(SUPERVISOR)[-1]
    assert isinstance(pong, Pong)
    assert {each.role: each.is_down for each in pong.actors} == {
        POSITION: False,
        DESK: False,
        STRATEGY: True,
    }


def test_a_leftover_process_leaves_as_soon_as_one_of_its_actors_would_record(
    stage: ProcessStage, exits: list[int]
) -> None:
    Journal(stage.data_dir, DESK).claim()
    stage.say("observer", Keep(), to=STRATEGY)
    assert exits == []
    stage.say("observer", Keep(), to=DESK)
    assert exits == [71]


def test_a_late_word_of_a_fallen_actor_does_not_bring_its_address_back(
    stage: ProcessStage,
) -> None:
    stage.say("observer", OrderDone("new"), generation=3, to=DESK)
    late = Envelope(sender_role="observer", generation=2, message=OrderDone("late"), to=DESK)
    stage.process.receiveMessage(late, FakeAddress("the fallen"))
    say_to_observer = Say((("observer", OrderDone("to whom")),))
    stage.say("somebody", say_to_observer, to=DESK)
    assert stage.sent_to("observer") == [OrderDone("to whom")]
    assert stage.sent_to("the fallen") == []


def test_a_thousand_orders_live_in_one_process(stage: ProcessStage) -> None:
    roles = [order_role(f"order_{number}") for number in range(1_000)]
    for role in roles:
        stage.tell(StartActor(role))
    say(stage, DESK, *((role, OrderDone(role)) for role in roles))
    assert all(heard(stage, role) == [OrderDone(role)] for role in roles)
    stage.tell(Ping(1))
    pong = stage.sent_to(SUPERVISOR)[-1]
    assert isinstance(pong, Pong)
    assert len(pong.actors) == 1_003


def settings_in_force(stage: ProcessStage) -> dict[str, int]:
    return {role: core.settings.number for role, core in stage.group.cores.items()}


def reload(stage: ProcessStage, version: int, number: int) -> None:
    risk = RiskSettings(max_order_dollars=number)
    book = AddressBook(version=version, entries={}, settings=Settings(number=number, risk=risk))
    stage.tell(book)


def test_settings_of_the_book_replace_those_of_every_actor_and_older_ones_do_not(
    stage: ProcessStage,
) -> None:
    assert settings_in_force(stage) == {POSITION: 0, DESK: 0, STRATEGY: 0}
    reload(stage, version=3, number=2)
    assert settings_in_force(stage) == {POSITION: 2, DESK: 2, STRATEGY: 2}
    reload(stage, version=2, number=1)
    assert settings_in_force(stage) == {POSITION: 2, DESK: 2, STRATEGY: 2}
    assert stage.group.cores[DESK].settings.risk.max_order_dollars == 2


def test_actors_that_start_after_a_reload_and_those_that_fell_have_the_new_settings(
    stage: ProcessStage,
) -> None:
    reload(stage, version=3, number=2)
    say(stage, DESK, raises=True)
    stage.tell(StartActor(DESK))
    stage.tell(StartActor(ORDER))
    assert settings_in_force(stage) == {POSITION: 2, DESK: 2, STRATEGY: 2, ORDER: 2}
