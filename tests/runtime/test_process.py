from __future__ import annotations

import gc
import os
from pathlib import Path

import attrs
import pytest
from recording import FakeAddress, ProcessStage
from thespian.actors import WakeupMessage

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
from actors.messages.execution import CancelRequested, OrderDone, QueryOrder
from actors.messages.lifecycle import (
    ActorFell,
    Address,
    AddressBook,
    Envelope,
    Hello,
    JournalFailed,
    Leaving,
    PeerRestarted,
    Ping,
    Pong,
    ProcessStarted,
    Recalled,
    Started,
    TimerFired,
)
from actors.position.core import LedgerSummary
from actors.roles import REPLY
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JournalError
from actors.runtime.messages import StartActor
from actors.runtime.process import EXIT_FENCED
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
    """Understands just enough to show each thing a host does."""

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


ECHO = {"echo": ActorSpec(core=EchoCore)}


@pytest.fixture
def stage(tmp_path: Path) -> ProcessStage:
    stage = ProcessStage(tmp_path, ECHO)
    stage.boot(DESK, PEER)
    return stage


def orders_stage(data_dir: Path) -> ProcessStage:
    """A process for orders, without any."""
    stage = ProcessStage(data_dir, {}, order=ActorSpec(core=EchoCore))
    stage.boot(PEER)
    return stage


def break_journal(stage: ProcessStage) -> None:
    """From now on nothing can be written."""
    outside = stage.process._outside
    assert outside is not None
    outside._journal._connection.execute("PRAGMA query_only = ON")


@pytest.fixture(autouse=True)
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


def test_a_start_says_hello_with_a_new_generation_and_that_it_serves(stage: ProcessStage) -> None:
    assert stage.sent_to("supervisor") == [
        ProcessStarted("echo", os.getpid()),
        Hello(role="echo", pid=os.getpid(), generation=1, is_serving=True),
    ]


def test_effects_are_performed_in_order_and_the_record_is_durable(stage: ProcessStage) -> None:
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == [OrderDone("order_1")]
    assert stage.sent_to("strategy") == [OrderDone("reply")]
    (event,) = JournalReader(stage.data_dir).events(order_id="order_1")
    assert (event.role, event.generation) == ("echo", 1)


def test_a_restart_gives_the_core_what_was_saved(stage: ProcessStage, tmp_path: Path) -> None:
    stage.say("strategy", QueryOrder("order_1"))
    again = ProcessStage(tmp_path, ECHO)
    again.boot(PEER)
    assert again.sent_to(PEER) == [LedgerSummary(version=5)]
    assert again.sent_to("supervisor")[1] == Hello(role="echo", pid=os.getpid(), generation=2)


def test_a_core_that_raises_is_down_and_its_process_lives(
    stage: ProcessStage, exits: list[int]
) -> None:
    stage.say("strategy", CancelRequested("order_1", "crash"))
    assert exits == []
    assert stage.sent_to("supervisor")[-1] == ActorFell("echo", 1, "RuntimeError: a bug")
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == []
    assert "RuntimeError: a bug" in stage.log_text()
    assert "Traceback" in stage.log_text()


def test_a_core_that_has_raised_is_made_again_from_its_record(stage: ProcessStage) -> None:
    stage.say("strategy", QueryOrder("order_1"))
    stage.say("strategy", CancelRequested("order_1", "crash"))
    stage.tell(StartActor("echo"))
    assert stage.sent_to(PEER)[-1] == LedgerSummary(version=5)
    assert stage.sent_to("supervisor")[-1] == Hello(role="echo", pid=os.getpid(), generation=2)
    stage.say("strategy", QueryOrder("order_2"))
    assert stage.sent_to(PEER)[-1] == OrderDone("order_2")


def test_a_fenced_actor_leaves_and_nothing_after_the_record_is_performed(
    stage: ProcessStage, exits: list[int], tmp_path: Path
) -> None:
    Journal(tmp_path, "echo").claim()
    stage.say("strategy", QueryOrder("order_1"))
    assert exits == [EXIT_FENCED]
    assert stage.sent_to(PEER) == []


def test_when_nothing_can_be_recorded_nothing_leaves_and_the_desk_is_told(
    stage: ProcessStage,
) -> None:
    break_journal(stage)
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == []
    failed = stage.sent_to(DESK)[-1]
    assert isinstance(failed, JournalFailed)
    assert failed.role == "echo"
    assert failed in stage.sent_to("supervisor")
    fell = stage.sent_to("supervisor")[-1]
    assert isinstance(fell, ActorFell)
    assert "was not written" in fell.reason


class StayingCore(EchoCore):
    @handles(JournalFailed)
    def on_failed(self, message: JournalFailed, _now_ms: int) -> Effects:
        return [Send(PEER, OrderDone(message.role))]


def test_an_actor_that_can_do_without_records_is_told_and_stays(tmp_path: Path) -> None:
    stage = ProcessStage(
        tmp_path, {"echo": ActorSpec(core=StayingCore, stays_without_journal=True)}
    )
    stage.boot(DESK, PEER)
    break_journal(stage)
    stage.say("strategy", QueryOrder("order_1"))
    assert isinstance(stage.sent_to(DESK)[-1], JournalFailed)
    assert stage.sent_to(PEER) == [OrderDone("echo")]
    assert not [each for each in stage.sent_to("supervisor") if isinstance(each, ActorFell)]


def test_an_unknown_message_is_logged_and_the_actor_lives(
    stage: ProcessStage, exits: list[int]
) -> None:
    stage.say("strategy", OrderDone("order_1"))
    assert "echo does not understand OrderDone" in stage.log_text()
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to(PEER) == [OrderDone("order_1")]
    assert exits == []


class LitteringCore(EchoCore):
    """Makes so much garbage of a query that Python would collect it many times."""

    @handles(QueryOrder)
    def litter(self, message: QueryOrder, _now_ms: int) -> Effects:
        """Keep it all, so that it counts as new."""
        kept = [[message] for _ in range(20 * gc.get_threshold()[0])]
        return [Send(PEER, OrderDone(f"{len(kept)}"))]


def test_garbage_is_collected_between_messages_and_never_while_one_is_handled(
    tmp_path: Path,
) -> None:
    stage = ProcessStage(tmp_path, {"echo": ActorSpec(core=LitteringCore)})
    stage.boot(DESK, PEER)
    sent_at_each: list[int] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            sent_at_each.append(len(stage.sent_to(PEER)))

    gc.callbacks.append(note)
    try:
        stage.say("strategy", QueryOrder("order_1"))
        _ = [[number] for number in range(2 * gc.get_threshold()[0])]
    finally:
        gc.callbacks.remove(note)
    assert gc.isenabled()
    assert sent_at_each, "nothing was collected afterwards"
    assert set(sent_at_each) == {1}


def test_a_timer_fires_once_and_a_cancelled_one_never(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr("actors.runtime.timers.time.monotonic", lambda: moment)
    stage.say("strategy", CancelRequested("order_1", "set"))
    ((delay, payload),) = stage.ref.wakeups
    assert delay.total_seconds() == pytest.approx(1.0)
    moment += 1.0
    wakeup = WakeupMessage(delay, payload)
    stage.process.receiveMessage(wakeup, FakeAddress("self"))
    stage.process.receiveMessage(wakeup, FakeAddress("self"))
    assert stage.sent_to(PEER) == [OrderDone("timer later")]
    stage.say("strategy", CancelRequested("order_1", "set"))
    stage.say("strategy", CancelRequested("order_1", "forget"))
    moment += 5.0
    stage.process.receiveMessage(wakeup, FakeAddress("self"))
    assert stage.sent_to(PEER) == [OrderDone("timer later")]


def test_a_timer_that_is_set_again_and_again_keeps_one_wakeup(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr("actors.runtime.timers.time.monotonic", lambda: moment)
    for _ in range(50):
        stage.say("strategy", CancelRequested("order_1", "set"))
        moment += 0.01
    assert len(stage.ref.wakeups) == 1
    moment = 1_001.0
    stage.process.receiveMessage(WakeupMessage(*stage.ref.wakeups[0]), FakeAddress("self"))
    assert stage.sent_to(PEER) == []
    assert len(stage.ref.wakeups) == 2
    assert stage.ref.wakeups[1][0].total_seconds() == pytest.approx(0.49)


def test_a_role_with_a_new_actor_is_told_to_the_core_and_written_to_there(
    stage: ProcessStage,
) -> None:
    book = AddressBook(
        version=2,
        entries={
            DESK: Address(address=FakeAddress(DESK), generation=1),
            PEER: Address(address=FakeAddress("successor"), generation=2),
        },
    )
    stage.tell(book)
    assert stage.sent_to(DESK) == [OrderDone("position restarted")]
    stage.say("strategy", QueryOrder("order_1"))
    assert stage.sent_to("successor") == [OrderDone("order_1")]
    assert stage.sent_to(PEER) == []


def test_a_late_message_of_a_fallen_actor_does_not_bring_its_address_back(
    stage: ProcessStage,
) -> None:
    stage.say(PEER, QueryOrder("order_1"), generation=5)
    late = Envelope(sender_role=PEER, generation=4, message=QueryOrder("order_2"), to="echo")
    stage.process.receiveMessage(late, FakeAddress("the fallen"))
    assert stage.sent_to(PEER)[-1] == OrderDone("order_2")


def test_a_ping_is_answered_and_sets_the_clock_right(stage: ProcessStage) -> None:
    stage.tell(Ping(3, venue_offset_ms=4_000))
    pong = stage.sent_to("supervisor")[-1]
    assert isinstance(pong, Pong)
    assert (pong.number, pong.process, pong.pid) == (3, "echo", os.getpid())
    (pulse,) = pong.actors
    assert (pulse.role, pulse.generation, pulse.is_serving) == ("echo", 1, True)
    assert stage.process._outside.clock.offset_ms == 4_000


def test_a_ping_that_overtakes_the_first_message_is_passed_over(
    tmp_path: Path, exits: list[int]
) -> None:
    stage = ProcessStage(tmp_path, ECHO)
    stage.tell(Ping(1))
    assert exits == []
    stage.boot(PEER)
    assert isinstance(stage.sent_to("supervisor")[1], Hello)


def test_a_core_is_given_a_closed_row_that_it_recalls(stage: ProcessStage) -> None:
    stage.say("strategy", CloseHolding("a", LedgerSummary(version=7)))
    stage.say("strategy", FetchHolding("a"))
    stage.say("strategy", FetchHolding("never"))
    assert stage.sent_to(PEER)[-2:] == [
        Recalled("holding", "a", LedgerSummary(version=7), "the question"),
        Recalled("holding", "never", None, "the question"),
    ]


def test_an_order_that_has_finished_says_so_and_is_gone(tmp_path: Path) -> None:
    stage = orders_stage(tmp_path)
    stage.tell(StartActor("order/order_9"))
    stage.say("strategy", CancelRequested("order_9", "stop"), to="order/order_9")
    assert stage.sent_to("supervisor")[-1] == Leaving("order/order_9", "done")
    stage.say("strategy", QueryOrder("order_9"), to="order/order_9")
    assert stage.sent_to(PEER) == []
    assert stage.group.hosts == {}


def test_an_order_starts_in_its_process_with_its_own_row_and_no_other(tmp_path: Path) -> None:
    stage = orders_stage(tmp_path)
    journal = Journal(tmp_path, "x")
    journal.claim()
    row = Save("holding", "order_9", LedgerSummary())
    journal.record(Record(OrderDone("a"), (row,)), 1)
    other = Save("holding", "order_8", LedgerSummary(day=1))
    journal.record(Record(OrderDone("b"), (other,)), 1)
    stage.tell(StartActor("order/order_9"))
    assert stage.sent_to(PEER) == [LedgerSummary()]
    hello = Hello(role="order/order_9", pid=os.getpid(), generation=1)
    assert hello in stage.sent_to("supervisor")


def test_an_order_that_is_to_start_again_only_says_hello_again(tmp_path: Path) -> None:
    stage = orders_stage(tmp_path)
    stage.tell(StartActor("order/order_9"))
    stage.tell(StartActor("order/order_9"))
    hello = Hello(role="order/order_9", pid=os.getpid(), generation=1)
    assert stage.sent_to("supervisor")[-2:] == [hello, hello]


@pytest.mark.parametrize("is_urgent", [True, False])
def test_an_urgent_actor_asks_once_to_run_first_and_no_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_urgent: bool
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("actors.runtime.process.run_first", lambda: asked.append(True))
    ProcessStage(tmp_path, ECHO).boot(PEER, is_urgent=is_urgent)
    assert asked == [True] * is_urgent


def test_an_urgent_actor_that_is_refused_says_so_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise NotAllowed("SCHED_RR is refused: Operation not permitted")

    monkeypatch.setattr("actors.runtime.process.run_first", refuse)
    stage = ProcessStage(tmp_path, ECHO)
    stage.boot(PEER, is_urgent=True)
    assert "in its turn like any process: SCHED_RR is refused" in stage.log_text()
    assert isinstance(stage.sent_to("supervisor")[1], Hello)


def test_an_actor_that_cannot_begin_because_nothing_can_be_recorded_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_journal: Journal) -> int:
        raise JournalError("the disk is full")

    stage = ProcessStage(tmp_path, ECHO)
    monkeypatch.setattr(Journal, "claim", refuse)
    stage.boot(PEER)
    assert JournalFailed("echo", "the disk is full") in stage.sent_to("supervisor")
