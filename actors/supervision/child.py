"""What the supervisor knows of processes and the actors in them, and what they do not know yet."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from actors.messages.lifecycle import ActorPulse, Pong
from actors.roles import DESK, ORDERS, order_id_of
from actors.supervision.layouts import Layout
from actors.supervision.messages import ChildReport, ChildState, Fall

NO_HANDLE = 0
"""Of a process that is not there; no message is ever from it."""
_EXIT_NOTICE_MS = 2_000
_STARTING_EXTRA_MS = 5_000
"""A start reads the journal, and may take so much longer than an answer."""


@attrs.define
class ActorLine:
    """One actor, from the moment it is asked for until its end is known."""

    role: str
    started_at_ms: int
    state: ChildState = ChildState.STARTING
    generation: int = 0
    revive_at_ms: int = 0
    serving_since_ms: int = 0
    first_served_at_ms: int = 0
    """Since it was started last; 0 before."""
    told_at_ping: int = 0
    """Number of the last Ping before its process was last told to start it."""
    pulse: ActorPulse | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether it is an order: it ends, and its owner asks for it again if it falls."""
        return order_id_of(self.role) is not None

    @property
    def is_up(self) -> bool:
        """Whether it has said its name and can be written to."""
        state = self.state
        return state is ChildState.SERVING or state is ChildState.WAITING

    def meet(self, generation: int, is_serving: bool, now_ms: int) -> bool:
        """Take its generation from its first word; False if that is no news."""
        if self.is_up and generation <= self.generation:
            return False
        self.generation = generation
        self.serve(is_serving, now_ms)
        return True

    def serve(self, is_serving: bool, now_ms: int) -> None:
        """Serve from now on or no longer; said again, it changes nothing."""
        if not is_serving:
            self.state, self.serving_since_ms = ChildState.WAITING, 0
        elif self.state is not ChildState.SERVING:
            self.state, self.serving_since_ms = ChildState.SERVING, now_ms
            self.first_served_at_ms = self.first_served_at_ms or now_ms

    def start_again(self, now_ms: int) -> None:
        """Begin anew; ``meet`` ends it."""
        self.state, self.started_at_ms, self.serving_since_ms = ChildState.STARTING, now_ms, 0
        self.first_served_at_ms = 0


@attrs.define
class Child:
    """One process, from the moment it is asked for until its exit is known."""

    name: str
    handle: int
    started_at_ms: int
    actors: dict[str, ActorLine] = attrs.field(factory=dict)
    is_up: bool = False
    """Whether it has said a word and can be written to."""
    up_at_ms: int = 0
    """When it said its first word."""
    pid: int = 0
    was_killed: bool = False
    answered_at_ms: int = 0
    revive_at_ms: int = 0
    """When it is made again; only of a process that is not there."""
    is_given_up: bool = False
    """It fell too often and is not made again; only of a process that is not there."""
    book_version: int = 0
    """Of the address book that it was told last."""
    told_at_ping: int = 0
    """Number of the last Ping before it was last told the address book."""
    last_pong: Pong | None = None
    known_falls: dict[str, int] = attrs.field(factory=dict)
    """How often each actor has fallen in this process, as far as that was told."""

    @property
    def first_served_at_ms(self) -> int:
        """When the last of its permanent actors served first; 0 if one has not yet."""
        times = [line.first_served_at_ms for line in self.permanent]
        return max(times, default=self.up_at_ms) if all(times) else 0

    def fall(self, now_ms: int) -> Fall:
        """Tell people of its exit."""
        return Fall(
            name=self.name,
            pid=self.pid,
            roles=tuple(line.role for line in self.permanent if line.role != self.name),
            was_hung=self.was_killed,
            at_ms=now_ms,
        )

    @property
    def exit_cause(self) -> str:
        """Why it ended, in words."""
        return "was hung and was killed" if self.was_killed else "fell"

    @property
    def is_there(self) -> bool:
        """Whether there is a process that must answer; one that starts must, too."""
        return self.handle != NO_HANDLE

    def is_surely_gone(self, limit_ms: int, now_ms: int) -> bool:
        """Whether it was killed so long ago that it is dead, although nobody has reported it."""
        return self.was_killed and self.silent_beyond_ms(limit_ms, now_ms) > _EXIT_NOTICE_MS

    @property
    def permanent(self) -> list[ActorLine]:
        """The actors that are always there."""
        return [line for line in self.actors.values() if not line.is_temporary]

    def take_roles(self, roles: Sequence[str], now_ms: int) -> tuple[list[str], list[ActorLine]]:
        """Have other permanent actors from now on; returns roles that are gone, and new lines."""
        gone = [line.role for line in self.permanent if line.role not in roles]
        for role in gone:
            del self.actors[role]
        new = [ActorLine(role, now_ms) for role in roles if role not in self.actors]
        self.actors |= {line.role: line for line in new}
        return gone, new

    @property
    def orders(self) -> list[ActorLine]:
        """The orders that live in it, or are to."""
        return [line for line in self.actors.values() if line.is_temporary]

    @property
    def refused_count(self) -> int:
        """What its socket has refused."""
        return self.last_pong.refused_count if self.last_pong else 0

    @property
    def handled_count(self) -> int:
        """Messages that its actors have handled, as it told last."""
        return sum(pulse.handled_count for pulse in self.last_pong.actors) if self.last_pong else 0

    def has_missed_book(self, pong: Pong) -> bool:
        """Whether it answers a Ping from after its newest address book with an older one."""
        return pong.book_version < self.book_version and pong.number > self.told_at_ping

    def not_started(self, pong: Pong) -> list[ActorLine]:
        """Actors that never came to it; forgets orders that have left without being heard."""
        there = {pulse.role for pulse in pong.actors}
        missing = [
            line
            for line in self.actors.values()
            if line.role not in there and pong.number > line.told_at_ping
        ]
        for line in missing:
            if line.is_up and line.is_temporary:
                del self.actors[line.role]
        return [line for line in missing if not line.is_up]

    def silent_beyond_ms(self, limit_ms: int, now_ms: int) -> int:
        """For how much longer it has been silent than it may; negative while it may."""
        if not self.is_up:
            limit_ms += _STARTING_EXTRA_MS
        return now_ms - self.answered_at_ms - limit_ms

    def reports(self, falls: dict[str, int], now_ms: int) -> list[ChildReport]:
        """What people are shown: a row an actor, and one for itself without permanent ones."""
        rows = [self._row(line, falls, now_ms) for line in self.actors.values()]
        if not self.permanent:
            itself = ActorLine(self.name, self.started_at_ms)
            if self.is_up:
                itself.serve(True, self.started_at_ms)
            rows.insert(0, self._row(itself, falls, now_ms))
        return rows

    def _row(self, line: ActorLine, falls: dict[str, int], now_ms: int) -> ChildReport:
        pulse = line.pulse
        counted = {self.name, "order" if line.is_temporary else line.role}
        return ChildReport(
            role=line.role,
            pid=self.pid,
            state=self._state(line),
            generation=line.generation,
            restarts=sum(falls.get(name, 0) for name in counted),
            uptime_ms=now_ms - line.started_at_ms,
            last_message_age_ms=pulse.last_message_age_ms if pulse else 0,
            handled_count=pulse.handled_count if pulse else 0,
            serving_since_ms=line.serving_since_ms,
            process=self.name,
        )

    def _state(self, line: ActorLine) -> ChildState:
        if self.is_there:
            return line.state
        return ChildState.GIVEN_UP if self.is_given_up else ChildState.BACKING_OFF


class ChildTable(dict[str, Child]):
    """The processes that there are, or are to be again, by name."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.roles_of = dict(layout.processes)
        """Permanent roles in each process that is wanted."""
        self.orders_in = layout.orders_in
        self._next_handle = NO_HANDLE

    def make(self, name: str, now_ms: int) -> Child:
        """Begin with a process; it has the orders that were asked for while it was not there."""
        self._next_handle += 1
        before, child = self.get(name), self._new(name, self._next_handle, now_ms)
        if before is not None:
            child.actors |= {line.role: line for line in before.orders}
        return child

    def absent(self, name: str, now_ms: int) -> Child:
        """Note a process that is not there, and wanted."""
        return self._new(name, NO_HANDLE, now_ms)

    def _new(self, name: str, handle: int, now_ms: int) -> Child:
        child = Child(name=name, handle=handle, started_at_ms=now_ms, answered_at_ms=now_ms)
        child.actors = {role: ActorLine(role, now_ms) for role in self.roles_of[name]}
        self[name] = child
        return child

    def by_handle(self, handle: int) -> Child | None:
        """The process of a handle; None once another took its place."""
        if handle == NO_HANDLE:
            return None
        return next((child for child in self.values() if child.handle == handle), None)

    def desk(self) -> Child | None:
        """The desk's process, if the desk is up."""
        for child in self.values():
            line = child.actors.get(DESK)
            if line is not None and line.is_up:
                return child
        return None

    def listed(self) -> list[tuple[str, int, int]]:
        """(role, handle, generation) of all who can be written to, as of ``SupervisorCore``."""
        lines = [(child, line) for child in self.values() for line in child.permanent]
        found = [(line.role, child.handle, line.generation) for child, line in lines if line.is_up]
        orders = self.get(self.orders_in)
        if orders is not None and orders.is_up:
            found.append((ORDERS, orders.handle, orders.handle))
        return found
