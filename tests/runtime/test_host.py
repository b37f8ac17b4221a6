"""A host performs what its core asks for, in order, and nothing after what failed."""

from __future__ import annotations

import random

import attrs
import pytest

from actors.core import (
    CancelTimer,
    Command,
    Core,
    Effect,
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
from actors.messages.lifecycle import (
    Hello,
    JournalFailed,
    Leaving,
    PeerRestarted,
    Recalled,
    ServingChanged,
    Started,
    TimerFired,
    VenueTimeMeasured,
)
from actors.roles import DESK, EXECUTOR, POSITION, SUPERVISOR
from actors.runtime.host import Host, HostState
from actors.runtime.host_context import HostContext, HostWatch, HostWatches
from actors.runtime.journal import Fenced
from actors.runtime.journal_file import JournalError, RowsLost
from actors.settings import Settings

ROLE = "strategy"
ROW = Save("row", "a", 1)


@attrs.frozen
class Do:
    """Has the core return these effects."""

    effects: tuple[Effect, ...]
    serves: bool = True


class Puppet(Core):
    RECOVERS = ("row",)

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type] # as the base's
        self.heard: list[object] = []
        self.serves = True

    @property
    def is_serving(self) -> bool:
        return self.serves

    @handles(Started, Recalled, TimerFired, PeerRestarted, JournalFailed)
    def note(self, message: object, _now_ms: int) -> Effects:
        self.heard.append(message)
        if isinstance(message, Started) and "poison" in message.saved:
            raise ValueError("a row that it cannot bear")
        return []

    @handles(Do)
    def do(self, message: Do, _now_ms: int) -> Effects:
        self.serves = message.serves
        if not message.effects:
            raise ValueError("nothing to do")
        return list(message.effects)


class World(HostWatch):
    """All that surrounds one host; keeps what is done to it, in order."""

    offset_ms = 0

    def __init__(self, *, stays: bool = False, is_live: bool = False) -> None:
        self.done: list[object] = []
        self.sent: list[tuple[str, object]] = []
        self.rows: dict[str, object] = {}
        self.generation = 0
        self.newest_claim = 0
        self.is_writable = True
        self.is_readable = True
        self.is_closed = False
        self.stays, self.is_live = stays, is_live
        self.host = self.new_host()

    def new_host(self, watch: HostWatch | None = None) -> Host:
        return Host(
            ROLE,
            HostContext(
                make_core=lambda generation: Puppet(ROLE, Settings(), random.Random(generation)),
                post=self,
                journal=self,
                timers=self,
                clock=self,
                log=lambda level, text: self.done.append((level, text.splitlines()[0])),
                pid=5,
                is_live=self.is_live,
                stays_without_journal=self.stays,
                make_port=lambda: self,
                watch=watch or self,
            ),
        )

    @property
    def core(self) -> Puppet:
        assert isinstance(self.host.core, Puppet)
        return self.host.core

    def do(self, *effects: Effect, serves: bool = True) -> None:
        self.done.clear()
        self.sent.clear()
        self.host.hand(Do(effects, serves))

    # Post, clock, port

    def send(self, sender: Host, to: str, message: object) -> None:
        assert sender is self.host
        self.sent.append((to, message))
        self.done.append("send")

    def now_ms(self) -> int:
        return 1_000

    def perform(self, command: object) -> None:
        if command == "break":
            raise OSError("the port is broken")
        self.done.append(("command", command))

    def close(self) -> None:
        self.is_closed = True

    # Journal

    def claim(self) -> int:
        if not self.is_writable:
            raise JournalError("the disk is full")
        self.newest_claim += 1
        self.generation = self.newest_claim
        return self.generation

    def record(self, record: Record, at_ms: int) -> None:
        assert at_ms == 1_000
        if self.generation != self.newest_claim:
            raise Fenced("replaced")
        if not self.is_writable:
            raise JournalError("the disk is full")
        self.rows |= {save.key: save.value for save in record.saves}
        self.done.append("record")

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        assert (kind, key) == ("row", None)
        if not self.is_readable:
            raise RowsLost("a row is damaged", tuple(self.rows.values())[1:])
        return tuple(self.rows.values())

    def recall(self, kind: str, key: str) -> object | None:
        assert kind == "row"
        if not self.is_readable:
            raise JournalError("the row is damaged")
        return self.rows.get(key)

    # Timers

    def set(self, key: str, delay_ms: int) -> None:
        self.done.append(("set", key, delay_ms))

    def cancel(self, key: str) -> None:
        self.done.append(("cancel", key))

    def clear(self) -> None:
        self.done.append("clear")


@pytest.fixture
def world() -> World:
    world = World()
    world.host.start()
    return world


def test_it_claims_recovers_and_says_hello_last(world: World) -> None:
    assert world.core.heard == [Started(())]
    assert world.sent == [(SUPERVISOR, Hello(role=ROLE, pid=5, generation=1, is_serving=True))]


def test_every_effect_is_performed_in_its_order(world: World) -> None:
    world.do(
        Send(DESK, "before"),
        Record("event", (ROW,)),
        SetTimer("beat", 20),
        CancelTimer("beat"),
        Command("connect"),
        Recall("row", "a", "why"),
        Log("info", "a line"),
        Send(DESK, "after"),
    )
    assert world.done == [
        "send",
        "record",
        ("set", "beat", 20),
        ("cancel", "beat"),
        ("command", "connect"),
        ("info", "a line"),
        "send",
    ]
    assert world.core.heard[1:] == [Recalled("row", "a", 1, "why")]
    assert world.sent == [(DESK, "before"), (DESK, "after")]


def test_one_that_stops_says_so_and_hears_nothing_more(world: World) -> None:
    world.do(Stop("done"), Send(DESK, "too late"))
    assert world.sent == [(SUPERVISOR, Leaving(ROLE, "done"))]
    assert world.host.state is HostState.FINISHED
    assert world.is_closed
    world.do(Send(DESK, "too late"))
    assert world.sent == []


def test_a_measured_time_leaves_as_an_absolute_one(world: World) -> None:
    world.offset_ms = 300
    world.do(Send(SUPERVISOR, VenueTimeMeasured(20)))
    assert world.sent == [(SUPERVISOR, VenueTimeMeasured(320))]


def test_the_supervisor_hears_when_it_serves_no_longer(world: World) -> None:
    world.do(Send(DESK, "first"), serves=False)
    assert world.sent == [(DESK, "first"), (SUPERVISOR, ServingChanged(ROLE, False))]
    world.do(Send(DESK, "second"), serves=False)
    assert world.sent == [(DESK, "second")]


# Falls


def test_a_core_that_raises_is_thrown_away_and_made_again_from_its_record(world: World) -> None:
    world.do(Record("event", (ROW,)))
    world.do()
    assert world.host.state is HostState.DOWN
    assert world.host.fell_because == "ValueError: nothing to do"
    assert world.sent == []
    assert world.is_closed
    world.do(Send(DESK, "nobody is there"))
    assert world.sent == []
    world.host.start()
    assert world.core.heard == [Started((1,))]
    assert world.host.generation == 2


def test_nothing_follows_an_effect_that_could_not_be_performed(world: World) -> None:
    world.do(Send(DESK, "before"), Command("break"), Send(DESK, "after"))
    assert world.sent == [(DESK, "before")]
    assert world.host.fell_because == "OSError: the port is broken"


def test_nothing_follows_a_record_that_failed_and_those_concerned_are_told(world: World) -> None:
    world.is_writable = False
    world.do(Send(DESK, "before"), Record("event"), Send(DESK, "after"))
    failed = JournalFailed(ROLE, "the disk is full")
    assert world.sent == [(DESK, "before"), (DESK, failed), (SUPERVISOR, failed)]
    assert world.host.state is HostState.DOWN


def test_with_real_money_the_executor_is_told_too_and_one_that_stays_goes_on() -> None:
    world = World(stays=True, is_live=True)
    world.host.start()
    world.is_writable = False
    world.do(Record("event"), Send(DESK, "after"))
    failed = JournalFailed(ROLE, "the disk is full")
    assert world.sent == [(DESK, failed), (SUPERVISOR, failed), (EXECUTOR, failed)]
    assert world.core.heard[-1] == failed
    assert world.host.is_running


def test_a_row_that_cannot_be_read_again_is_told_like_one_that_cannot_be_written(
    world: World,
) -> None:
    world.is_readable = False
    world.do(Recall("row", "a", "why"), Send(DESK, "after"))
    failed = JournalFailed(ROLE, "the row is damaged")
    assert world.sent == [(DESK, failed), (SUPERVISOR, failed)]
    assert world.host.state is HostState.DOWN


def test_one_whose_rows_are_lost_does_not_start_and_those_concerned_are_told() -> None:
    world = World(is_live=True)
    world.is_readable = False
    world.host.start()
    failed = JournalFailed(ROLE, "a row is damaged", are_rows_lost=True)
    assert world.sent == [(DESK, failed), (SUPERVISOR, failed), (EXECUTOR, failed)]
    assert world.host.state is HostState.DOWN


def test_one_that_stays_starts_with_the_rows_that_are_left_and_hears_that_some_are_lost() -> None:
    world = World(stays=True, is_live=True)
    world.rows |= {"a": 1, "b": 2}
    world.is_readable = world.is_writable = False
    world.host.start()
    failed = JournalFailed(ROLE, "a row is damaged", are_rows_lost=True)
    assert world.core.heard == [Started((2,)), failed]
    assert (EXECUTOR, failed) in world.sent
    assert world.host.is_running


def test_one_that_was_replaced_does_nothing_more(world: World) -> None:
    world.newest_claim += 1
    world.do(Send(DESK, "before"), Record("event"), Send(DESK, "after"))
    assert world.sent == [(DESK, "before")]
    assert world.host.state is HostState.FENCED


def test_a_start_that_fails_is_a_fall(world: World) -> None:
    world.is_writable = False
    host = world.host = world.new_host()
    host.start()
    assert (host.state, host.fall_count) == (HostState.DOWN, 1)
    world.is_writable = True
    world.rows["a"] = "poison"
    host.start()
    assert (host.state, host.fall_count) == (HostState.DOWN, 2)
    assert host.fell_because == "ValueError: a row that it cannot bear"
    world.rows.clear()
    host.start()
    assert host.is_running


def test_a_message_without_a_handler_is_logged_and_the_core_lives(world: World) -> None:
    world.host.hand("what?")
    assert world.done[-1] == ("error", f"{ROLE} does not understand str")
    assert world.host.is_running


def test_a_peer_made_anew_is_told_unless_it_is_itself(world: World) -> None:
    world.host.hand_restarted(POSITION)
    world.host.hand_restarted(ROLE)
    assert world.core.heard[1:] == [PeerRestarted(POSITION)]


# Whoever watches


class Cutter(HostWatch):
    """Ends a host before one of its effects, or after it; notes what it sees."""

    def __init__(self, before: int | None = None, after: int | None = None) -> None:
        self.before, self.after = before, after
        self.seen: list[str] = []

    def made(self, host: Host) -> None:
        self.seen.append(f"made {host.generation}")

    def hears(self, host: Host, message: object, now_ms: int) -> None:
        del host
        self.seen.append(f"hears {type(message).__name__} at {now_ms}")

    def performs(self, host: Host, effect: Effect) -> None:
        del effect
        if self.before is not None:
            if self.before == 0:
                host.end()
            self.before -= 1

    def performed(self, host: Host, effect: Effect) -> None:
        self.seen.append(f"performed {type(effect).__name__}")
        if self.after is not None:
            if self.after == 0:
                host.end()
            self.after -= 1

    def raised(self, host: Host, message: object, error: Exception) -> None:
        del host, message
        self.seen.append(f"raised {error}")


@pytest.mark.parametrize(
    ("cutter", "said", "recorded"),
    [
        (Cutter(before=0), 0, 0),
        (Cutter(before=1), 1, 0),
        (Cutter(before=2), 1, 1),
        (Cutter(after=0), 1, 0),
        (Cutter(after=1), 1, 1),
        (Cutter(after=2), 2, 1),
        (Cutter(), 2, 1),
    ],
    ids=["before all", "after 1", "after 2", "in 1", "in 2", "in 3", "never"],
)
def test_it_can_be_ended_between_any_two_effects(cutter: Cutter, said: int, recorded: int) -> None:
    world = World()
    world.host = world.new_host(cutter)
    world.host.start()
    world.do(Send(DESK, "before"), Record("event"), Send(DESK, "after"))
    assert len(world.sent) == said
    assert world.done.count("record") == recorded


def test_several_may_watch_and_see_every_step() -> None:
    world, first, second = World(), Cutter(), Cutter()
    world.host = world.new_host(HostWatches(first, second))
    world.host.start()
    world.do(Record("event"))
    world.do()
    assert first.seen == second.seen
    assert first.seen == [
        "made 1",
        "hears Started at 1000",
        "hears Do at 1000",
        "performed Record",
        "hears Do at 1000",
        "raised nothing to do",
    ]
