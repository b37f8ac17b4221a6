from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest
from recording import FakeAddress, ShellStage
from thespian.actors import ActorExitRequest, WakeupMessage

from actors.core import (
    CancelTimer,
    Core,
    Effects,
    Log,
    Recall,
    Record,
    Save,
    Send,
    SetTimer,
    Stop,
    handles,
)
from actors.execution.messages import CancelRequested, OrderDone, QueryOrder
from actors.messages import (
    Address,
    AddressBook,
    Assign,
    Dismissed,
    Envelope,
    Hello,
    JournalFailed,
    Leaving,
    PeerRestarted,
    Ping,
    Pong,
    Recalled,
    Started,
    TimerFired,
)
from actors.position.core import LedgerSummary
from actors.roles import REPLY
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.process import EXIT_CRASHED, EXIT_FENCED, Shell
from actors.runtime.urgency import NotAllowed

DESK, PEER = "desk", "position"


@attrs.frozen
class CloseHolding:
    """Makes the core save a row and close it."""

    key: str
    holding: LedgerSummary


@attrs.frozen
class FetchHolding:
    """Makes the core ask for a closed row."""

    key: str


class EchoCore(Core):
    """Understands just enough to show each thing a shell does."""

    RECOVERS = ("holding",)

    @handles(Started)
    def on_started(self, message: Started, _now_ms: int) -> Effects:
        self.restarted: list[str] = []
        return [Log("info", f"recovered {len(message.saved)}"), *map(self._echo, message.saved)]

    def _echo(self, value: object) -> Send:
        return Send(PEER, value)

    @handles(QueryOrder)
    def on_query(self, message: QueryOrder, _now_ms: int) -> Effects:
        holding = LedgerSummary(version=5)
        return [
            Record(message, (Save("holding", "only", holding),)),
            Send(PEER, OrderDone(message.order_id)),
            Send(REPLY, OrderDone("reply")),
        ]

    @handles(CancelRequested)
    def on_cancel(self, message: CancelRequested, _now_ms: int) -> Effects:
        if message.reason == "crash":
            raise RuntimeError("a bug")
        if message.reason == "stop":
            return [Stop("done")]
        if message.reason == "forget":
            return [CancelTimer("later")]
        return [SetTimer("later", 1_000)]

    @handles(TimerFired)
    def on_timer(self, message: TimerFired, _now_ms: int) -> Effects:
        return [Send(PEER, OrderDone(f"timer {message.key}"))]

    @handles(CloseHolding)
    def on_close(self, message: CloseHolding, _now_ms: int) -> Effects:
        row = Save("holding", message.key, message.holding, is_open=False)
        return [Record(OrderDone("order_1"), (row,))]

    @handles(FetchHolding)
    def on_fetch(self, message: FetchHolding, _now_ms: int) -> Effects:
        return [Recall("holding", message.key, "the question")]

    @handles(Recalled)
    def on_recalled(self, message: Recalled, _now_ms: int) -> Effects:
        return [self._echo(message)]

    @handles(PeerRestarted)
    def on_restarted(self, message: PeerRestarted, _now_ms: int) -> Effects:
        return [Send(DESK, OrderDone(f"{message.role} restarted"))]


class EchoShell(Shell):
    core_class = EchoCore


@pytest.fixture
def stage(tmp_path: Path) -> ShellStage:
    stage = ShellStage(EchoShell(), "echo", tmp_path)
    stage.boot(DESK, PEER)
    return stage


@pytest.fixture(autouse=True)
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


def test_a_start_says_hello_with_a_new_generation_and_that_it_serves(stage: ShellStage) -> None:
    assert stage.sent_to("supervisor") == [
        Hello(role="echo", pid=os.getpid(), generation=1, is_serving=True)
    ]


def test_effects_are_performed_in_order_and_the_record_is_durable(stage: ShellStage) -> None:
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == [OrderDone("order_1")]
    assert stage.sent_to("strategy") == [OrderDone("reply")]
    (event,) = JournalReader(stage.data_dir).events(order_id="order_1")
    assert (event.role, event.generation) == ("echo", 1)


def test_a_restart_gives_the_core_what_was_saved(stage: ShellStage, tmp_path: Path) -> None:
    stage.say("strategy", QueryOrder("order_1"))
    again = ShellStage(EchoShell(), "echo", tmp_path)
    again.boot(PEER)
    assert again.sent_to(PEER) == [LedgerSummary(version=5)]
    assert again.sent_to("supervisor")[0] == Hello(role="echo", pid=os.getpid(), generation=2)


def test_a_core_that_raises_ends_the_process_and_nothing_is_performed(
    stage: ShellStage, exits: list[int]
) -> None:
    stage.say("strategy", CancelRequested("order_1", "crash"))
    assert exits == [EXIT_CRASHED]
    assert stage.sent_to(PEER) == []
    assert "RuntimeError: a bug" in stage.log_text()


def test_a_fenced_actor_leaves_and_nothing_after_the_record_is_performed(
    stage: ShellStage, exits: list[int], tmp_path: Path
) -> None:
    Journal(tmp_path, "echo").claim()
    stage.say("strategy", QueryOrder("order_1"))
    assert exits == [EXIT_FENCED]
    assert stage.sent_to(PEER) == []


def test_when_nothing_can_be_recorded_nothing_leaves_and_the_desk_is_told(
    stage: ShellStage,
) -> None:
    stage.shell._journal._connection.execute("PRAGMA query_only = ON")
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == []
    failed = stage.sent_to(DESK)[-1]
    assert isinstance(failed, JournalFailed)
    assert failed.role == "echo"
    assert failed in stage.sent_to("supervisor")
    assert stage.has_asked_to_exit()


class StayingCore(EchoCore):
    @handles(JournalFailed)
    def on_failed(self, message: JournalFailed, _now_ms: int) -> Effects:
        return [Send(PEER, OrderDone(message.role))]


class StayingShell(Shell):
    core_class = StayingCore
    stays_without_journal = True


def test_an_actor_that_can_do_without_records_is_told_and_stays(tmp_path: Path) -> None:
    stage = ShellStage(StayingShell(), "echo", tmp_path)
    stage.boot(DESK, PEER)
    stage.shell._journal._connection.execute("PRAGMA query_only = ON")
    stage.say("strategy", QueryOrder("order_1"))
    assert isinstance(stage.sent_to(DESK)[-1], JournalFailed)
    assert stage.sent_to(PEER) == [OrderDone("echo")]
    assert not stage.has_asked_to_exit()


def test_an_unknown_message_is_logged_and_the_actor_lives(
    stage: ShellStage, exits: list[int]
) -> None:
    stage.say("strategy", OrderDone("order_1"))
    assert "echo does not understand OrderDone" in stage.log_text()
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == [OrderDone("order_1")]
    assert exits == []


def test_a_timer_fires_once_and_a_cancelled_one_never(
    stage: ShellStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr("actors.runtime.pulse.time.monotonic", lambda: moment)
    stage.say("strategy", CancelRequested("order_1", "set"))
    ((delay, payload),) = stage.ref.wakeups
    assert delay.total_seconds() == pytest.approx(1.0)
    moment += 1.0
    wakeup = WakeupMessage(delay, payload)
    stage.shell.receiveMessage(wakeup, FakeAddress("self"))
    stage.shell.receiveMessage(wakeup, FakeAddress("self"))
    assert stage.sent_to(PEER) == [OrderDone("timer later")]
    stage.say("strategy", CancelRequested("order_1", "set"))
    stage.say("strategy", CancelRequested("order_1", "forget"))
    moment += 5.0
    stage.shell.receiveMessage(wakeup, FakeAddress("self"))
    assert stage.sent_to(PEER) == [OrderDone("timer later")]


def test_a_timer_that_is_set_again_and_again_keeps_one_wakeup(
    stage: ShellStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr("actors.runtime.pulse.time.monotonic", lambda: moment)
    for _ in range(50):
        stage.say("strategy", CancelRequested("order_1", "set"))
        moment += 0.01
    assert len(stage.ref.wakeups) == 1
    moment = 1_001.0
    stage.shell.receiveMessage(WakeupMessage(*stage.ref.wakeups[0]), FakeAddress("self"))
    assert stage.sent_to(PEER) == []
    assert len(stage.ref.wakeups) == 2
    assert stage.ref.wakeups[1][0].total_seconds() == pytest.approx(0.49)


def test_a_role_with_a_new_actor_is_told_to_the_core_and_written_to_there(
    stage: ShellStage,
) -> None:
    book = AddressBook(
        version=2,
        entries={
            DESK: Address(address=FakeAddress(DESK), generation=1),
            PEER: Address(address=FakeAddress("successor"), generation=2),
        },
    )
    stage.say("supervisor", book)
    assert stage.sent_to(DESK) == [OrderDone("position restarted")]
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to("successor") == [OrderDone("order_1")]
    assert stage.sent_to(PEER) == []


def test_a_late_message_of_a_fallen_actor_does_not_bring_its_address_back(
    stage: ShellStage,
) -> None:
    stage.say(PEER, QueryOrder("order_1"), generation=5)
    late = Envelope(sender_role=PEER, generation=4, message=QueryOrder("order_2"))
    stage.shell.receiveMessage(late, FakeAddress("the fallen"))
    assert stage.sent_to(PEER)[-1] == OrderDone("order_2")


def test_a_ping_is_answered_and_sets_the_clock_right(stage: ShellStage) -> None:
    stage.say("supervisor", Ping(3, venue_offset_ms=4_000))
    pong = stage.sent_to("supervisor")[-1]
    assert isinstance(pong, Pong)
    assert (pong.number, pong.is_serving) == (3, True)
    assert (pong.role, pong.pid, pong.generation) == ("echo", os.getpid(), 1)
    assert stage.shell._clock.offset_ms == 4_000


def test_a_ping_that_overtakes_the_first_message_is_passed_over(
    tmp_path: Path, exits: list[int]
) -> None:
    stage = ShellStage(EchoShell(), "echo", tmp_path)
    stage.say("supervisor", Ping(1))
    assert exits == []
    stage.boot(PEER)
    assert isinstance(stage.sent_to("supervisor")[0], Hello)


def test_a_core_is_given_a_closed_row_that_it_recalls(stage: ShellStage) -> None:
    stage.say("strategy", CloseHolding("a", LedgerSummary(version=7)))
    stage.say("strategy", FetchHolding("a"))
    stage.say("strategy", FetchHolding("never"))
    assert stage.sent_to(PEER)[-2:] == [
        Recalled("holding", "a", LedgerSummary(version=7), "the question"),
        Recalled("holding", "never", None, "the question"),
    ]


def test_an_actor_that_has_finished_says_so_and_hears_nothing_more(stage: ShellStage) -> None:
    stage.say("strategy", CancelRequested("order_1", "stop"))
    assert stage.sent_to("supervisor")[-1] == Leaving("echo", "done")
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == []
    assert not stage.has_asked_to_exit()
    stage.say("supervisor", Dismissed())
    assert stage.has_asked_to_exit()
    assert stage.shell.receiveMessage(ActorExitRequest(), FakeAddress("self")) is None


def test_an_actor_that_has_finished_does_not_wait_for_ever_to_be_dismissed(
    stage: ShellStage,
) -> None:
    stage.say("strategy", CancelRequested("order_1", "stop"))
    delay, payload = stage.ref.wakeups[-1]
    stage.shell.receiveMessage(WakeupMessage(delay, payload), FakeAddress("self"))
    assert stage.has_asked_to_exit()


def test_a_waiting_order_actor_takes_a_role_when_it_is_assigned_one(tmp_path: Path) -> None:
    stage = ShellStage(EchoShell(), "spare/1", tmp_path)
    stage.boot(PEER)
    assert stage.sent_to("supervisor") == [Hello(role="spare/1", pid=os.getpid(), generation=0)]
    journal = Journal(tmp_path, "x")
    journal.claim()
    journal.record(Record(OrderDone("a"), (Save("holding", "order_9", LedgerSummary()),)), 1)
    journal.record(Record(OrderDone("b"), (Save("holding", "order_8", LedgerSummary(day=1)),)), 1)
    stage.say("supervisor", Assign("order/order_9"))
    assert stage.sent_to(PEER) == [LedgerSummary()]
    assert Hello(role="order/order_9", pid=os.getpid(), generation=1) in stage.sent_to("supervisor")


def test_an_order_actor_that_is_assigned_its_role_again_goes_on_as_it_is(tmp_path: Path) -> None:
    stage = ShellStage(EchoShell(), "spare/1", tmp_path)
    stage.boot(PEER)
    stage.say("supervisor", Assign("order/order_9"))
    before = stage.sent_to("supervisor")
    stage.say("supervisor", Assign("order/order_9"))
    assert stage.sent_to("supervisor") == before


@pytest.mark.parametrize("is_urgent", [True, False])
def test_an_urgent_actor_asks_once_to_run_first_and_no_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_urgent: bool
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("actors.runtime.process.run_first", lambda: asked.append(True))
    ShellStage(EchoShell(), "echo", tmp_path).boot(PEER, is_urgent=is_urgent)
    assert asked == [True] * is_urgent


def test_an_urgent_actor_that_is_refused_says_so_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise NotAllowed("SCHED_RR is refused: Operation not permitted")

    monkeypatch.setattr("actors.runtime.process.run_first", refuse)
    stage = ShellStage(EchoShell(), "echo", tmp_path)
    stage.boot(PEER, is_urgent=True)
    assert "in its turn like any process: SCHED_RR is refused" in stage.log_text()
    assert isinstance(stage.sent_to("supervisor")[0], Hello)
