"""What befalls a simulated process, and what its actors then do."""

from __future__ import annotations

from random import Random

import attrs
import pytest
from trial_plans import SETTINGS

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
from actors.messages.execution import OrderAccepted, OrderCancelled, OrderClosed
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
from actors.roles import DESK, POSITION, PROCESS, SUPERVISOR, order_role
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.runtime.messages import Boot, StartActor
from actors.runtime.scheduler import Scheduler
from simulation.context import SimulationContext
from simulation.invariants.breach import Breach
from simulation.journal import MemoryJournal
from simulation.plan import FaultRates
from simulation.post import Post
from simulation.process import SimulatedProcess
from simulation.trace import Trace

ROLE = order_role("order_1")
ROW = Save("order", "order_1", OrderCancelled("order_1", "row", 1))
SAYS = [
    Send(DESK, OrderClosed("before")),
    Record(OrderAccepted("order_1", None), (ROW,)),
    Send(DESK, OrderClosed("after")),
]


@attrs.frozen
class Play:
    """Makes the core return these effects."""

    effects: list[object]


class Puppet(Core):
    RECOVERS = ("order",)

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type] # as the base's
        self.heard: list[object] = []

    @handles(Started, TimerFired, PeerRestarted, Recalled)
    def note(self, message: object, _now_ms: int) -> Effects:
        self.heard.append(message)
        return []

    @handles(Play)
    def play(self, message: Play, _now_ms: int) -> Effects:
        return list(message.effects)  # type: ignore[arg-type] # a test hands over what it wants


@attrs.define(eq=False)
class Peer:
    role: str
    letters: list[object] = attrs.field(factory=list)
    exits: int = 0

    def receive(self, sender: object, envelope: Envelope) -> None:
        del sender
        self.letters.append(envelope.message)

    def child_is_gone(self, process: SimulatedProcess) -> None:
        del process
        self.exits += 1

    def heard(self, *step: object) -> None:
        """Watch nothing."""

    recorded = said = complained = commanded = heard


@attrs.define(kw_only=True)
class Scene:
    context: SimulationContext
    actor: SimulatedProcess
    supervisor: Peer
    desk: Peer
    cut: int | None = None
    """After how many effects of a message the process falls."""
    is_made_to_raise: bool = False

    @property
    def core(self) -> Puppet:
        host = self.actor.host_of(ROLE)
        assert host is not None
        assert isinstance(host.core, Puppet)
        return host.core

    def tell(
        self, message: object, sender: Peer | None = None, generation: int = 1, to: str = ROLE
    ) -> None:
        sender = sender or self.desk
        envelope = Envelope(sender_role=sender.role, generation=generation, message=message, to=to)
        self.actor.receive(sender, envelope)
        self.context.scheduler.run_until(self.context.scheduler.now_ms + 20)

    def play(self, *effects: object) -> None:
        self.tell(Play(list(effects)))


@pytest.fixture
def scene() -> Scene:
    scheduler = Scheduler(1_000_000)
    supervisor, desk, nobody = Peer(SUPERVISOR), Peer(DESK), Peer("nobody")
    context = SimulationContext(
        seed=1,
        settings=SETTINGS,
        scheduler=scheduler,
        post=Post(scheduler, FaultRates(), Random(1)),
        journal=MemoryJournal(is_encoding=False),
        trace=Trace(),
        watcher=nobody,
        core_class=lambda _role: Puppet,
        make_port=lambda _actor: None,
        cut=lambda _count: scene.cut,
        raises=lambda: scene.is_made_to_raise,
    )
    process = SimulatedProcess(context, supervisor, "orders", 7)
    scene = Scene(context=context, actor=process, supervisor=supervisor, desk=desk)
    process.begin(boot_with(supervisor=supervisor, desk=desk))
    scene.tell(StartActor(ROLE), supervisor, generation=0, to=PROCESS)
    return scene


def boot_with(offset_ms: int = 0, roles: tuple[str, ...] = (), **peers: object) -> Boot:
    spec = ActorSpec(core=Puppet)
    return Boot(
        process="orders",
        roles=roles,
        actors=dict.fromkeys(roles, spec),
        order=spec,
        settings=SETTINGS,
        clock=ClockSpec(origin_monotonic_ns=0, origin_ms=0),
        data_dir="",
        log_to_stderr=False,
        seed=1,
        book=AddressBook(
            version=1,
            entries={role: Address(address=peer, generation=1) for role, peer in peers.items()},
        ),
        venue_offset_ms=offset_ms,
    )


def is_down(scene: Scene) -> bool:
    host = scene.actor.host_of(ROLE)
    return host is not None and not host.is_running


def test_it_says_hello_and_recovers_its_own_rows(scene: Scene) -> None:
    assert scene.core.heard == [Started(())]
    assert scene.supervisor.letters == [
        ProcessStarted("orders", 7),
        Hello(role=ROLE, pid=7, generation=1, is_serving=True),
    ]
    scene.play(*SAYS)
    (before,) = scene.actor.actors
    successor = SimulatedProcess(scene.context, scene.supervisor, "orders", 8)
    successor.begin(boot_with(supervisor=scene.supervisor))
    start = Envelope(sender_role=SUPERVISOR, generation=0, message=StartActor(ROLE), to=PROCESS)
    successor.receive(scene.supervisor, start)
    (after,) = successor.actors
    assert isinstance(after.core, Puppet)
    assert after.core.heard == [Started((ROW.value,))]
    assert after.is_current
    assert not before.is_current


def test_effects_are_performed_in_order(scene: Scene) -> None:
    scene.play(*SAYS)
    assert scene.desk.letters == [OrderClosed("before"), OrderClosed("after")]
    assert len(scene.context.journal.records) == 1


@pytest.mark.parametrize(("cut", "said", "recorded"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 2, 1)])
def test_it_can_fall_after_any_of_its_effects(
    scene: Scene, cut: int, said: int, recorded: int
) -> None:
    scene.cut = cut
    scene.play(*SAYS)
    assert len(scene.desk.letters) == said
    assert len(scene.context.journal.records) == recorded
    assert scene.actor.is_gone
    assert scene.supervisor.exits == 1


def test_nothing_follows_a_record_that_failed(scene: Scene) -> None:
    scene.context.journal.is_writable = False
    scene.play(*SAYS)
    assert OrderClosed("after") not in scene.desk.letters
    failures = [each for each in scene.desk.letters if isinstance(each, JournalFailed)]
    assert len(failures) == 1
    assert failures[0] in scene.supervisor.letters
    assert is_down(scene)
    assert not scene.actor.is_gone


def test_an_actor_that_was_replaced_leaves_without_a_word(scene: Scene) -> None:
    scene.context.journal.claim(ROLE)
    scene.play(*SAYS)
    assert scene.desk.letters == [OrderClosed("before")]
    assert scene.context.journal.records == []
    assert scene.actor.is_gone


def test_one_that_has_finished_says_so_and_is_gone_without_its_process(scene: Scene) -> None:
    scene.play(Stop("done"))
    assert scene.supervisor.letters[-1] == Leaving(ROLE, "done")
    scene.play(*SAYS)
    assert scene.desk.letters == []
    assert list(scene.actor.actors) == []
    assert not scene.actor.is_gone


def test_one_that_is_made_to_raise_is_made_again_when_it_is_told_to(scene: Scene) -> None:
    scene.play(*SAYS)
    scene.is_made_to_raise = True
    scene.play(*SAYS)
    scene.is_made_to_raise = False
    fell = scene.supervisor.letters[-1]
    assert isinstance(fell, ActorFell)
    assert "made to raise" in fell.reason
    assert len(scene.context.journal.records) == 1
    scene.tell(StartActor(ROLE), scene.supervisor, generation=0, to=PROCESS)
    assert scene.core.heard == [Started((ROW.value,))]
    assert scene.supervisor.letters[-1] == Hello(role=ROLE, pid=7, generation=2)


def test_a_timer_can_be_set_anew_and_cancelled(scene: Scene) -> None:
    scene.play(SetTimer("a", 100), SetTimer("b", 100), SetTimer("c", 100))
    scene.play(SetTimer("a", 300), CancelTimer("b"))
    scene.context.scheduler.run_until(scene.context.scheduler.now_ms + 150)
    assert scene.core.heard[1:] == [TimerFired("c")]
    scene.context.scheduler.run_until(scene.context.scheduler.now_ms + 300)
    assert scene.core.heard[1:] == [TimerFired("c"), TimerFired("a")]


def test_what_came_while_it_hung_is_taken_then_timers_as_they_were_due(scene: Scene) -> None:
    scene.play(SetTimer("early", 50), SetTimer("late", 60))
    scene.actor.hang()
    scene.tell(PeerRestarted(POSITION))
    scene.context.scheduler.run_until(scene.context.scheduler.now_ms + 100)
    assert scene.core.heard == [Started(())]
    scene.actor.go_on()
    assert scene.core.heard[1:] == [
        PeerRestarted(POSITION),
        TimerFired("early"),
        TimerFired("late"),
    ]


def test_what_waits_is_lost_with_it(scene: Scene) -> None:
    scene.actor.hang()
    scene.play(*SAYS)
    scene.actor.fall()
    scene.actor.go_on()
    assert scene.desk.letters == []


def test_a_peer_made_anew_is_noticed_by_its_first_word(scene: Scene) -> None:
    successor = Peer(DESK)
    scene.tell(Play([]), successor, generation=2)
    assert scene.core.heard[1:] == [PeerRestarted(DESK)]
    scene.tell(Play([]), scene.desk, generation=1)
    scene.play(Send(DESK, OrderClosed("to whom")))
    assert scene.core.heard[1:] == [PeerRestarted(DESK)]
    assert scene.desk.letters == []
    assert successor.letters == [OrderClosed("to whom")]


def test_a_ping_corrects_its_clock(scene: Scene) -> None:
    before_ms = scene.actor.now_ms() - scene.context.scheduler.now_ms
    scene.tell(Ping(1, venue_offset_ms=5_000), scene.supervisor, generation=0, to=PROCESS)
    assert scene.actor.now_ms() - scene.context.scheduler.now_ms == before_ms + 5_000
    assert isinstance(scene.supervisor.letters[-1], Pong)


PING = Envelope(sender_role=SUPERVISOR, generation=0, message=Ping(9), to=PROCESS)


def test_one_that_hangs_before_its_first_message_says_nothing_until_it_goes_on(
    scene: Scene,
) -> None:
    late = SimulatedProcess(scene.context, scene.supervisor, "late", 10)
    late.hang()
    late.begin(boot_with(supervisor=scene.supervisor))
    late.receive(scene.supervisor, PING)
    scene.context.scheduler.run_until(scene.context.scheduler.now_ms + 20)
    started = ProcessStarted("orders", 10)
    assert started not in scene.supervisor.letters
    late.go_on()
    scene.context.scheduler.run_until(scene.context.scheduler.now_ms + 20)
    assert started in scene.supervisor.letters
    assert any(isinstance(each, Pong) and each.pid == 10 for each in scene.supervisor.letters)


def test_one_without_its_first_message_answers_nothing(scene: Scene) -> None:
    before = list(scene.supervisor.letters)
    deaf = SimulatedProcess(scene.context, scene.supervisor, "deaf", 11)
    deaf.receive(scene.supervisor, PING)
    scene.context.scheduler.run_until(scene.context.scheduler.now_ms + 20)
    assert scene.supervisor.letters == before


def test_it_is_given_a_closed_row_that_it_recalls(scene: Scene) -> None:
    closed = Save("order", "order_9", ROW.value, is_open=False)
    scene.play(Record(OrderClosed("order_9"), (closed,)))
    scene.play(Recall("order", "order_9", "why"), Recall("order", "never", "why"))
    assert scene.core.heard[-2:] == [
        Recalled("order", "order_9", ROW.value, "why"),
        Recalled("order", "never", None, "why"),
    ]


def test_a_core_that_raises_or_is_not_understood_ends_the_run(scene: Scene) -> None:
    with pytest.raises(Breach, match="does not understand OrderClosed"):
        scene.tell(OrderClosed("order_1"))
    with pytest.raises(Breach, match="raised"):
        scene.tell(Play(None))  # type: ignore[arg-type] # that is what makes it raise


def test_logs_are_lines_of_the_trace(scene: Scene) -> None:
    scene.play(Log("info", "a line for people"))
    assert any("a line for people" in line for line in scene.context.trace.lines(0))
