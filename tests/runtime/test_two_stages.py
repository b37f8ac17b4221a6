"""A process and the virtual-time scheduler give the same effects for the same messages.

The messages are what each actor really heard in simulated runs; which of them, how often and in
what order is left to chance.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recording import FakeAddress, ProcessStage

from actors.core import Core, Record, Save
from actors.messages.execution import OrderDone, OrderState
from actors.messages.lifecycle import Address, AddressBook, Envelope, Started, TimerFired
from actors.messages.observer import GetView
from actors.roles import EXECUTOR, OBSERVER, ORDERS, PROCESS, SUPERVISOR, order_id_of
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.codec import encode
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.messages import Boot, StartActor
from actors.runtime.scheduler import Scheduler
from actors.settings import Settings
from simulation.chance import dice
from simulation.context import SimulationContext
from simulation.journal import MemoryJournal
from simulation.plan import LIVE, SIMULATED, FaultRates, draw_live_plan, draw_plan
from simulation.post import Post
from simulation.process import SimulatedProcess
from simulation.trace import Trace
from simulation.trial import Trial
from understudy.composition import ACTORS, ORDER, REAL_EXECUTOR

SEED = 7
CORES: dict[str, ActorSpec] = {**ACTORS, "real executor": REAL_EXECUTOR, "order": ORDER}
PEERS = (*ACTORS, ORDERS, "foreground")


class Ears:
    """Keeps what each core hears, besides its start."""

    def __init__(self, trial: Trial) -> None:
        self.heard: dict[str, list[object]] = {}
        hear = trial.referee.heard

        def heard(actor: Any, message: object) -> None:
            if not isinstance(message, Started):
                self.heard.setdefault(actor.role, []).append(message)
            hear(actor, message)

        trial.referee.heard = heard  # type: ignore[method-assign] # to listen as well


@attrs.frozen(kw_only=True)
class Scene:
    """One actor, and what a run said to it."""

    role: str
    spec: ActorSpec
    settings: Settings
    now_ms: int
    pool: list[object]
    row: Record | None
    """What the desk has recorded of it, if it is an order."""


@functools.cache
def run_of(mode: str) -> tuple[Trial, dict[str, list[object]]]:
    draw = draw_live_plan if mode == LIVE else draw_plan
    trial = Trial(3, minutes=4, plan=draw(dice(3, "plan")))  # with one series
    ears = Ears(trial)
    trial.run()
    return trial, ears.heard


def scene_of(name: str) -> Scene:
    trial, heard = run_of(LIVE if name == "real executor" else SIMULATED)
    role, row = name, None
    if name == "real executor":
        role = EXECUTOR
    elif name == "order":
        orders = [role for role in heard if order_id_of(role) is not None]
        role = max(orders, key=lambda each: len(heard[each]))
        order_id = str(order_id_of(role))
        state = OrderState(intent=trial.referee.facts.orders[order_id].state.intent)
        row = Record(OrderDone(order_id), (Save("order", order_id, state),))
    # Nobody looks in a simulation, and an observer that nobody looks at asks for nothing.
    looks: list[object] = [GetView(1)] if role == OBSERVER else []
    return Scene(
        role=role,
        spec=CORES[name],
        settings=trial.plan.settings,
        now_ms=trial.scheduler.now_ms,
        pool=[*looks, *heard[role]],
        row=row,
    )


@attrs.frozen
class Outcome:
    """What came of some messages."""

    sent: list[tuple[str, object]]
    recorded: list[str]
    commanded: list[object]


class ListPort:
    """Notes what a core commands."""

    def __init__(self, commanded: list[object]) -> None:
        self._commanded = commanded

    def perform(self, command: object) -> None:
        self._commanded.append(command)

    def close(self) -> None:
        """Nothing is open."""

    def fileno(self) -> int:
        return 0


def envelope(role: str, message: object, sender: str = SUPERVISOR) -> Envelope:
    return Envelope(sender_role=sender, generation=1, message=message, to=role)


def in_a_process(folder: Path, scene: Scene, messages: Sequence[object]) -> Outcome:
    role, commanded = scene.role, list[object]()
    spec = attrs.evolve(scene.spec, make_port=lambda *_given: ListPort(commanded))
    permanent = {} if scene.row is not None else {role: spec}
    stage = ProcessStage(folder, permanent, scene.settings, order=spec)
    if scene.row is not None:
        journal = Journal(folder, "desk")
        journal.claim()
        journal.record(scene.row, scene.now_ms)
        journal.close()
    stage.boot(*PEERS)
    if scene.row is not None:
        stage.tell(StartActor(role))
    for message in messages:
        if isinstance(message, TimerFired):
            stage.group.hand(role, message)
        else:
            stage.say("foreground", message, to=role)
    reader = JournalReader(folder)
    recorded = [f"{event.kind} {event.body}" for event in reader.events()]
    reader.close()
    return Outcome(
        sent=[
            (sent.to, sent.message)
            for address, sent in stage.ref.sent
            if isinstance(sent, Envelope) and address != FakeAddress(SUPERVISOR)
        ],
        recorded=recorded,
        commanded=commanded,
    )


class Everyone:
    """Stands for all peers and parents of a simulated process."""

    role = "everyone"

    def receive(self, *_: object) -> None:
        """Hear nothing."""

    child_is_gone = heard = recorded = said = complained = commanded = receive


class ListPost(Post):
    """Keeps what is sent, instead of letting it travel."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler, FaultRates(), Random(1))
        self.sent: list[Envelope] = []

    def send(self, sender: object, to: object, envelope: Envelope, *, is_control: bool) -> None:
        del sender, to
        if not is_control:
            self.sent.append(envelope)


def on_virtual_time(scene: Scene, messages: Sequence[object]) -> Outcome:
    role, spec, commanded = scene.role, scene.spec, list[object]()
    scheduler, everyone = Scheduler(scene.now_ms), Everyone()
    context = SimulationContext(
        seed=SEED,
        settings=scene.settings,
        scheduler=scheduler,
        post=ListPost(scheduler),
        journal=MemoryJournal(is_encoding=True),
        trace=Trace(),
        watcher=everyone,
        core_class=lambda _role: spec.core,
        make_port=lambda _actor: ListPort(commanded),
        stays_without_journal=lambda _role: spec.stays_without_journal,
    )
    if scene.row is not None:
        context.journal.record("desk", context.journal.claim("desk"), scene.row, scene.now_ms)
    process = SimulatedProcess(context, everyone, role, 9)
    peers = {peer: Address(address=everyone, generation=1) for peer in (SUPERVISOR, *PEERS)}
    process.begin(
        Boot(
            process=role,
            roles=() if scene.row is not None else (role,),
            actors={role: spec},
            order=spec,
            settings=scene.settings,
            clock=ClockSpec(origin_monotonic_ns=0, origin_ms=0),
            data_dir="",
            log_to_stderr=False,
            seed=SEED,
            book=AddressBook(version=1, entries=peers),
        )
    )
    if scene.row is not None:
        process.receive(everyone, envelope(PROCESS, StartActor(role)))
    for message in messages:
        if isinstance(message, TimerFired):
            assert process._group is not None
            process._group.hand(role, message)
        else:
            process.receive(everyone, envelope(role, message, "foreground"))
    assert isinstance(context.post, ListPost)
    return Outcome(
        sent=[(each.to, each.message) for each in context.post.sent],
        recorded=[
            f"{type(kept.record.event).__name__} {_body(kept.record.event)}"
            for kept in context.journal.records
        ],
        commanded=commanded,
    )


def _body(event: object) -> object:
    return json.loads(encode(event))


@pytest.mark.parametrize("name", CORES)
def test_the_same_messages_have_the_same_effects_in_both(
    name: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_of(name)
    assert len(scene.pool) > 3
    monkeypatch.setattr(Clock, "now_ms", lambda _clock: scene.now_ms)
    has_done_anything = False
    kinds = [type(message) for message in scene.pool]
    one_of_each = [kinds.index(kind) for kind in dict.fromkeys(kinds)]

    @settings(max_examples=12)
    @given(st.lists(st.sampled_from(range(len(scene.pool))), max_size=25))
    @example(list(range(min(25, len(scene.pool)))))
    @example(one_of_each)
    def compare(indices: list[int]) -> None:
        nonlocal has_done_anything
        messages = [scene.pool[index] for index in indices]
        expected = in_a_process(tmp_path_factory.mktemp("process"), scene, messages)
        found = on_virtual_time(scene, messages)
        assert found.sent == expected.sent
        assert found.recorded == expected.recorded
        assert found.commanded == expected.commanded
        has_done_anything |= bool(found.sent or found.commanded)

    compare()
    assert has_done_anything


def test_every_core_there_is_takes_part() -> None:
    taking_part = {spec.core for spec in CORES.values()}
    assert all(issubclass(each, Core) for each in taking_part)
    assert taking_part >= {spec.core for spec in (*ACTORS.values(), ORDER, REAL_EXECUTOR)}
