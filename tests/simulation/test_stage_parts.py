"""The parts of the stage: time, post, journal, trace, plan and actor_table."""

from __future__ import annotations

from pathlib import Path
from random import Random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.core import Record, Save
from actors.execution.account import TradedAccount
from actors.messages.execution import OrderAccepted
from actors.messages.lifecycle import Envelope
from actors.runtime.journal import Fenced, Journal
from actors.runtime.journal_file import JournalError, prepare
from actors.runtime.scheduler import Scheduler
from simulation.actor_table import PERMANENT, ActorTable
from simulation.chance import dice
from simulation.journal import MemoryJournal
from simulation.plan import FaultRates, draw_plan
from simulation.post import LATE_MOST_MS, Post
from simulation.trace import LINES_KEPT, Trace
from understudy.composition import ACTORS, ORDER


def test_calls_come_at_their_time_and_else_in_the_order_of_planning() -> None:
    scheduler, made = Scheduler(1_000), []

    def make(name: str) -> None:
        made.append((scheduler.now_ms, name))

    scheduler.after(20, make, "late")
    scheduler.after(5, make, "first")
    scheduler.after(5, make, "second")
    scheduler.after(5, scheduler.after, 0, make, "planned meanwhile")
    scheduler.run_until(1_010)
    assert made == [(1_005, "first"), (1_005, "second"), (1_005, "planned meanwhile")]
    assert scheduler.now_ms == 1_010
    scheduler.run_until(1_020)
    assert made[-1] == (1_020, "late")


@attrs.define
class Letterbox:
    scheduler: Scheduler
    role: str = "somebody"
    arrived: list[tuple[int, object]] = attrs.field(factory=list)

    def receive(self, sender: object, envelope: Envelope) -> None:
        del sender
        self.arrived.append((self.scheduler.now_ms, envelope.message))


def letter(message: object) -> Envelope:
    return Envelope(sender_role="sender", generation=1, message=message, to="somebody")


def deliver(
    rates: FaultRates, *, is_control: bool = False
) -> tuple[list[tuple[int, object]], Post]:
    scheduler = Scheduler(0)
    post, box = Post(scheduler, rates, Random(1)), Letterbox(scheduler)
    for number in range(200):
        post.send(box, box, letter(number), is_control=is_control)
    scheduler.run_until(10 * LATE_MOST_MS)
    return box.arrived, post


def test_without_faults_everything_arrives_once_and_soon() -> None:
    arrived, _ = deliver(FaultRates())
    assert sorted(message for _, message in arrived) == list(range(200))
    assert all(0 < at_ms <= 3 for at_ms, _ in arrived)


def test_what_is_lost_does_not_arrive() -> None:
    arrived, post = deliver(FaultRates(loss=0.3))
    assert len(arrived) == 200 - post.counts["loss"] < 170


def test_what_is_repeated_arrives_twice() -> None:
    arrived, post = deliver(FaultRates(duplication=0.3))
    assert len(arrived) == 200 + post.counts["duplication"] > 230


def test_what_is_late_is_overtaken() -> None:
    arrived, _ = deliver(FaultRates(lateness=0.3))
    messages = [message for _, message in arrived]
    assert sorted(messages) == list(range(200))
    assert messages != sorted(messages)
    assert arrived[-1][0] > 1_000


def test_the_supervisor_is_spared_faults_between_roles_and_has_its_own() -> None:
    arrived, _ = deliver(FaultRates(loss=1.0), is_control=True)
    assert len(arrived) == 200
    arrived, _ = deliver(FaultRates(control_loss=1.0), is_control=True)
    assert arrived == []


def test_a_healed_post_is_a_good_one() -> None:
    scheduler = Scheduler(0)
    post, box = Post(scheduler, FaultRates(loss=1.0), Random(1)), Letterbox(scheduler)
    post.heal()
    post.send(box, box, letter("hello"), is_control=False)
    scheduler.run_until(10)
    assert len(box.arrived) == 1


ROLES = ("desk", "position")
KEYS = ("a", "b", "c")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.sampled_from(ROLES)),
        st.tuples(
            st.just("record"),
            st.sampled_from(ROLES),
            st.integers(1, 3),
            st.lists(
                st.tuples(st.sampled_from(KEYS), st.integers(0, 9), st.booleans()), max_size=3
            ),
        ),
    ),
    max_size=20,
)


@settings(max_examples=15)
@given(steps=steps, is_encoding=st.booleans())
def test_the_journal_in_memory_does_what_the_file_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[object, ...]], is_encoding: bool
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    prepare(folder)
    memory = MemoryJournal(is_encoding=is_encoding)
    for step in steps:
        if step[0] == "claim":
            role = str(step[1])
            file = Journal(folder, role)
            assert memory.claim(role) == file.claim()
            file.close()
        else:
            assert outcome_in_memory(memory, step) == outcome_in_file(folder, step)
    file = Journal(folder, "reader")
    assert memory.load("order") == file.load("order")
    for key in KEYS:
        assert memory.load("order", key) == file.load("order", key)
        assert memory.recall("order", key) == file.recall("order", key)
    file.close()


def record_of(step: tuple[object, ...]) -> Record:
    changes = step[3]
    assert isinstance(changes, list)
    event = OrderAccepted("order_1", None)
    return Record(
        event,
        tuple(
            Save("order", key, TradedAccount(f"{key} {number}"), is_open)
            for key, number, is_open in changes
        ),
    )


def outcome_in_memory(memory: MemoryJournal, step: tuple[object, ...]) -> str:
    try:
        memory.record(str(step[1]), int(str(step[2])), record_of(step), 0)
    except Fenced:
        return "fenced"
    return "done"


def outcome_in_file(folder: Path, step: tuple[object, ...]) -> str:
    file = Journal(folder, str(step[1]))
    file.generation = int(str(step[2]))
    try:
        file.record(record_of(step), 0)
    except Fenced:
        return "fenced"
    finally:
        file.close()
    return "done"


def test_a_torn_tail_undoes_the_newest_records_and_claims() -> None:
    journal = MemoryJournal(is_encoding=False)
    for number in (1, 2):
        generation = journal.claim("desk")
        row = Save("order", "a", TradedAccount(f"a {number}"))
        journal.record("desk", generation, Record(OrderAccepted("a", None), (row,)), 0)
    assert journal.tear(1) == 1
    assert journal.load("order") == (TradedAccount("a 1"),)
    assert journal.generation("desk") == 2
    assert journal.tear(1) == 0
    assert journal.generation("desk") == 1
    assert journal.tear(99) == 1
    assert journal.load("order") == ()
    assert journal.generation("desk") == 0


def test_a_full_disk_takes_neither_record_nor_claim() -> None:
    journal = MemoryJournal(is_encoding=False)
    generation = journal.claim("desk")
    journal.is_writable = False
    with pytest.raises(JournalError, match="no space left"):
        journal.record("desk", generation, Record(OrderAccepted("a", None)), 0)
    with pytest.raises(JournalError, match="no space left"):
        journal.claim("desk")
    assert journal.records == []


def test_a_trace_keeps_the_newest_lines_and_hashes_them_all() -> None:
    one, other = Trace(), Trace()
    for number in range(5_000):
        one.note(number, "desk", "says", "something")
        other.note(number, "desk", "says", "something else" if number == 17 else "something")
    assert one.lines(0) == other.lines(0)
    assert len(one.lines(0)) == LINES_KEPT
    assert one.lines(0)[-1].split() == ["4.999", "desk", "says", "something"]
    assert one.digest() == one.digest() != other.digest()
    assert one.digest("rows") != one.digest()


def test_a_digest_does_not_depend_on_where_the_program_is() -> None:
    here, there = Trace(), Trace()
    here.note(5, "desk", "logs", "crashed on TimerFired: Traceback\n  File /here/host.py, line 9")
    there.note(5, "desk", "logs", "crashed on TimerFired: Traceback\n  File /there/host.py, line 8")
    assert here.digest() == there.digest()


def test_every_kind_of_fault_is_drawn_sometimes_within_its_range() -> None:
    plans = [draw_plan(dice(seed, "plan")) for seed in range(400)]
    for field in attrs.fields(FaultRates):
        lowest, highest = field.metadata["range"]
        drawn = [value for plan in plans if (value := getattr(plan.rates, field.name))]
        assert drawn
        assert all(lowest <= value <= highest for value in drawn)
    assert any(not plan.rates.active() for plan in plans)
    assert any(len(plan.rates.active()) == 1 for plan in plans)


def test_no_record_is_lost_that_was_promised_durable() -> None:
    plans = [draw_plan(dice(seed, "plan")) for seed in range(400)]
    full = [plan for plan in plans if plan.settings.execution.durability == "full"]
    assert full
    assert all(plan.torn_most == 0 for plan in full)


def test_the_actor_table_is_that_of_a_real_run() -> None:
    assert list(PERMANENT.items()) == [(role, spec.core) for role, spec in ACTORS.items()]
    assert ActorTable().core_class("order/order_1") is ORDER.core


def test_draws_of_one_purpose_do_not_move_those_of_another() -> None:
    first = dice(1, "post")
    alone = [first.random() for _ in range(3)]
    dice(1, "chaos").random()
    again = dice(1, "post")
    assert [again.random() for _ in range(3)] == alone
    assert dice(2, "post").random() != alone[0]
