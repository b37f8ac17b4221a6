"""A simulated actor must treat its core as the real shell does."""

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
from actors.execution.messages import OrderAccepted, OrderCancelled, OrderForgotten
from actors.messages import (
    Address,
    AddressBook,
    Assign,
    Dismissed,
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
from actors.roles import DESK, POSITION, SUPERVISOR, order_role
from actors.runtime.scheduler import Scheduler
from simulation.house import House
from simulation.invariants.breach import Breach
from simulation.journal import MemoryJournal
from simulation.plan import FaultRates
from simulation.player import Player
from simulation.post import Post
from simulation.trace import Trace

ROLE = order_role("order_1")
ROW = Save("order", "order_1", OrderCancelled("order_1", "row", 1))
SAYS = [
    Send(DESK, OrderForgotten("before")),
    Record(OrderAccepted("order_1", None), (ROW,)),
    Send(DESK, OrderForgotten("after")),
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

    def receive(self, sender: object, sender_role: str, generation: int, message: object) -> None:
        del sender, sender_role, generation
        self.letters.append(message)

    def child_is_gone(self, player: Player) -> None:
        del player
        self.exits += 1

    def heard(self, *step: object) -> None:
        """Watch nothing."""

    recorded = said = complained = commanded = heard


@attrs.define(kw_only=True)
class Scene:
    house: House
    player: Player
    supervisor: Peer
    desk: Peer

    @property
    def core(self) -> Puppet:
        core = self.player.core
        assert isinstance(core, Puppet)
        return core

    def tell(self, message: object, sender: Peer | None = None, generation: int = 1) -> None:
        sender = sender or self.desk
        self.player.receive(sender, sender.role, generation, message)
        self.house.agenda.run_until(self.house.agenda.now_ms + 20)

    def play(self, *effects: object) -> None:
        self.tell(Play(list(effects)))


@pytest.fixture
def scene() -> Scene:
    agenda = Scheduler(1_000_000)
    supervisor, desk, nobody = Peer(SUPERVISOR), Peer(DESK), Peer("nobody")
    house = House(
        seed=1,
        settings=SETTINGS,
        agenda=agenda,
        post=Post(agenda, FaultRates(), Random(1)),
        journal=MemoryJournal(is_encoding=False),
        trace=Trace(),
        watcher=nobody,
        core_class=lambda _role: Puppet,
        make_port=lambda _player: None,
    )
    player = Player(house, supervisor, ROLE, 7, 0)
    addresses = {SUPERVISOR: supervisor, DESK: desk}
    entries = {role: Address(address=peer, generation=1) for role, peer in addresses.items()}
    player.begin(AddressBook(version=1, entries=entries))
    agenda.run_until(agenda.now_ms + 20)
    return Scene(house=house, player=player, supervisor=supervisor, desk=desk)


def test_it_says_hello_and_recovers_its_own_rows(scene: Scene) -> None:
    assert scene.core.heard == [Started(())]
    assert scene.supervisor.letters == [Hello(role=ROLE, pid=7, generation=1, is_serving=True)]
    scene.play(*SAYS)
    successor = Player(scene.house, scene.supervisor, ROLE, 8, 0)
    successor.begin(AddressBook(version=1, entries={}))
    assert isinstance(successor.core, Puppet)
    assert successor.core.heard == [Started((ROW.value,))]
    assert successor.is_current
    assert not scene.player.is_current


def test_effects_are_performed_in_order(scene: Scene) -> None:
    scene.play(*SAYS)
    assert scene.desk.letters == [OrderForgotten("before"), OrderForgotten("after")]
    assert len(scene.house.journal.records) == 1


@pytest.mark.parametrize(("cut", "said", "recorded"), [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 2, 1)])
def test_it_can_fall_after_any_of_its_effects(
    scene: Scene, cut: int, said: int, recorded: int
) -> None:
    scene.house.cut = lambda _count: cut
    scene.play(*SAYS)
    assert len(scene.desk.letters) == said
    assert len(scene.house.journal.records) == recorded
    assert scene.player.is_gone
    assert scene.supervisor.exits == 1


def test_nothing_follows_a_record_that_failed(scene: Scene) -> None:
    scene.house.journal.is_writable = False
    scene.play(*SAYS)
    assert OrderForgotten("after") not in scene.desk.letters
    failures = [each for each in scene.desk.letters if isinstance(each, JournalFailed)]
    assert len(failures) == 1
    assert failures[0] in scene.supervisor.letters
    assert scene.player.is_gone


def test_an_actor_that_was_replaced_leaves_without_a_word(scene: Scene) -> None:
    scene.house.journal.claim(ROLE)
    scene.play(*SAYS)
    assert scene.desk.letters == [OrderForgotten("before")]
    assert scene.house.journal.records == []
    assert scene.player.is_gone


def test_it_waits_to_be_dismissed(scene: Scene) -> None:
    scene.play(Stop("done"))
    assert scene.supervisor.letters[-1] == Leaving(ROLE, "done")
    scene.play(*SAYS)
    assert scene.desk.letters == []
    assert not scene.player.is_gone
    scene.tell(Dismissed(), scene.supervisor)
    assert scene.player.is_gone


def test_it_does_not_wait_for_ever(scene: Scene) -> None:
    scene.play(Stop("done"))
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 1_000)
    assert scene.player.is_gone


def test_a_timer_can_be_set_anew_and_cancelled(scene: Scene) -> None:
    scene.play(SetTimer("a", 100), SetTimer("b", 100), SetTimer("c", 100))
    scene.play(SetTimer("a", 300), CancelTimer("b"))
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 150)
    assert scene.core.heard[1:] == [TimerFired("c")]
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 300)
    assert scene.core.heard[1:] == [TimerFired("c"), TimerFired("a")]


def test_what_came_while_it_hung_is_taken_then_timers_newest_first(scene: Scene) -> None:
    scene.play(SetTimer("early", 50), SetTimer("late", 60))
    scene.player.hang()
    scene.tell(PeerRestarted(POSITION))
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 100)
    assert scene.core.heard == [Started(())]
    scene.player.go_on()
    assert scene.core.heard[1:] == [
        PeerRestarted(POSITION),
        TimerFired("late"),
        TimerFired("early"),
    ]


def test_what_waits_is_lost_with_it(scene: Scene) -> None:
    scene.player.hang()
    scene.play(*SAYS)
    scene.player.fall()
    scene.player.go_on()
    assert scene.desk.letters == []


def test_a_peer_made_anew_is_noticed_by_its_first_word(scene: Scene) -> None:
    successor = Peer(DESK)
    scene.tell(Play([]), successor, generation=2)
    assert scene.core.heard[1:] == [PeerRestarted(DESK)]
    scene.tell(Play([]), scene.desk, generation=1)
    scene.play(Send(DESK, OrderForgotten("to whom")))
    assert scene.core.heard[1:] == [PeerRestarted(DESK)]
    assert scene.desk.letters == []
    assert successor.letters == [OrderForgotten("to whom")]


def test_a_ping_corrects_its_clock(scene: Scene) -> None:
    before_ms = scene.player.now_ms - scene.house.agenda.now_ms
    scene.tell(Ping(1, venue_offset_ms=5_000), scene.supervisor, generation=0)
    assert scene.player.now_ms - scene.house.agenda.now_ms == before_ms + 5_000
    assert isinstance(scene.supervisor.letters[-1], Pong)


def test_a_spare_takes_the_role_it_is_assigned(scene: Scene) -> None:
    spare = Player(scene.house, scene.supervisor, "spare/1", 9, 0)
    spare.begin(AddressBook(version=1, entries={}))
    assert spare.core is None
    spare.receive(scene.supervisor, SUPERVISOR, 0, Assign(ROLE))
    assert spare.role == ROLE
    assert spare.generation == 2
    core = spare.core
    spare.receive(scene.supervisor, SUPERVISOR, 0, Assign(ROLE))
    assert spare.core is core
    assert spare.generation == 2


def test_one_that_hangs_before_its_first_message_says_nothing_until_it_goes_on(
    scene: Scene,
) -> None:
    late = Player(scene.house, scene.supervisor, "spare/2", 10, 0)
    late.hang()
    late.begin(
        AddressBook(
            version=1, entries={SUPERVISOR: Address(address=scene.supervisor, generation=0)}
        )
    )
    late.receive(scene.supervisor, SUPERVISOR, 0, Ping(9))
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 20)
    assert Hello(role="spare/2", pid=10, generation=0) not in scene.supervisor.letters
    late.go_on()
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 20)
    assert Hello(role="spare/2", pid=10, generation=0) in scene.supervisor.letters
    assert isinstance(scene.supervisor.letters[-1], Pong)


def test_one_without_its_first_message_answers_nothing(scene: Scene) -> None:
    before = list(scene.supervisor.letters)
    deaf = Player(scene.house, scene.supervisor, "spare/3", 11, 0)
    deaf.receive(scene.supervisor, SUPERVISOR, 0, Ping(9))
    scene.house.agenda.run_until(scene.house.agenda.now_ms + 20)
    assert scene.supervisor.letters == before


def test_it_is_given_a_closed_row_that_it_recalls(scene: Scene) -> None:
    closed = Save("order", "order_9", ROW.value, is_open=False)
    scene.play(Record(OrderForgotten("order_9"), (closed,)))
    scene.play(Recall("order", "order_9", "why"), Recall("order", "never", "why"))
    assert scene.core.heard[-2:] == [
        Recalled("order", "order_9", ROW.value, "why"),
        Recalled("order", "never", None, "why"),
    ]


def test_a_core_that_raises_or_is_not_understood_ends_the_run(scene: Scene) -> None:
    with pytest.raises(Breach, match="does not understand OrderForgotten"):
        scene.tell(OrderForgotten("order_1"))
    with pytest.raises(Breach, match="raised"):
        scene.tell(Play(None))  # type: ignore[arg-type] # that is what makes it raise


def test_logs_are_lines_of_the_trace(scene: Scene) -> None:
    scene.play(Log("info", "a line for people"))
    assert any("a line for people" in line for line in scene.house.trace.lines(0))
