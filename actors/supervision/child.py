"""The supervisor's state of processes and their actors, and what they have not been sent yet."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from actors.messages.lifecycle import ActorPulse, Pong
from actors.roles import DESK, ORDERS, order_id_of
from actors.supervision.layouts import Layout
from actors.supervision.messages import ChildReport, ChildState, Fall

NO_HANDLE = 0
"""The handle of a missing process; no message ever comes from it."""
_EXIT_NOTICE_MS = 2_000
_STARTING_EXTRA_MS = 5_000
"""A start reads the journal, so it may take this much longer than an answer."""


@attrs.define
class ActorLine:
    """One actor, from its start request until its end is known."""

    role: str
    started_at_ms: int
    state: ChildState = ChildState.STARTING
    generation: int = 0
    revive_at_ms: int = 0
    serving_since_ms: int = 0
    first_served_at_ms: int = 0
    """Since it was last started; 0 if it has not served since."""
    told_at_ping: int = 0
    """Number of the last Ping before its process was last told to start it."""
    pulse: ActorPulse | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether it is an order: it ends by itself, and the desk restarts it after a crash."""
        return order_id_of(self.role) is not None

    @property
    def is_up(self) -> bool:
        """Whether it has reported its generation and can be sent messages."""
        state = self.state
        return state is ChildState.SERVING or state is ChildState.WAITING

    def meet(self, generation: int, is_serving: bool, now_ms: int) -> bool:
        """Accept its generation from its first message; return False if nothing is new."""
        if self.is_up and generation <= self.generation:
            return False
        self.generation = generation
        self.serve(is_serving, now_ms)
        return True

    def serve(self, is_serving: bool, now_ms: int) -> None:
        """Note whether it serves now; repeating this has no effect."""
        if not is_serving:
            self.state, self.serving_since_ms = ChildState.WAITING, 0
        elif self.state is not ChildState.SERVING:
            self.state, self.serving_since_ms = ChildState.SERVING, now_ms
            self.first_served_at_ms = self.first_served_at_ms or now_ms

    def start_again(self, now_ms: int) -> None:
        """Note a new start; ``meet`` ends it."""
        self.state, self.started_at_ms, self.serving_since_ms = ChildState.STARTING, now_ms, 0
        self.first_served_at_ms = 0


@attrs.define
class Child:
    """One process, from its spawn request until its exit is known."""

    name: str
    handle: int
    started_at_ms: int
    actors: dict[str, ActorLine] = attrs.field(factory=dict)
    is_up: bool = False
    """Whether it has sent a message and can be sent some."""
    up_at_ms: int = 0
    """When it sent its first message."""
    pid: int = 0
    was_killed: bool = False
    answered_at_ms: int = 0
    revive_at_ms: int = 0
    """When it is restarted; only of a missing process."""
    is_given_up: bool = False
    """It crashed too often and is not restarted; only of a missing process."""
    book_version: int = 0
    """Version of the address book that it was last sent."""
    told_at_ping: int = 0
    """Number of the last Ping before it was last sent the address book."""
    last_pong: Pong | None = None
    known_falls: dict[str, int] = attrs.field(factory=dict)
    """How often each actor is known to have crashed in this process."""

    @property
    def first_served_at_ms(self) -> int:
        """When the last of its permanent actors first served; 0 if one has not yet."""
        times = [line.first_served_at_ms for line in self.permanent]
        return max(times, default=self.up_at_ms) if all(times) else 0

    def fall(self, now_ms: int) -> Fall:
        """Return the report of its exit."""
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
        return "hung and was killed" if self.was_killed else "crashed"

    @property
    def is_there(self) -> bool:
        """Whether there is a process that must answer; a starting one must, too."""
        return self.handle != NO_HANDLE

    def is_surely_gone(self, limit_ms: int, now_ms: int) -> bool:
        """Return whether it was killed long enough ago to be dead, although none reported it."""
        return self.was_killed and self.silent_beyond_ms(limit_ms, now_ms) > _EXIT_NOTICE_MS

    @property
    def permanent(self) -> list[ActorLine]:
        """The actors that are always present."""
        return [line for line in self.actors.values() if not line.is_temporary]

    def take_roles(self, roles: Sequence[str], now_ms: int) -> tuple[list[str], list[ActorLine]]:
        """Replace the permanent actors; return the roles that are gone and the new lines."""
        gone = [line.role for line in self.permanent if line.role not in roles]
        for role in gone:
            del self.actors[role]
        new = [ActorLine(role, now_ms) for role in roles if role not in self.actors]
        self.actors |= {line.role: line for line in new}
        return gone, new

    @property
    def orders(self) -> list[ActorLine]:
        """The orders that run in it, or are to."""
        return [line for line in self.actors.values() if line.is_temporary]

    @property
    def refused_count(self) -> int:
        """Number of connections and frames that its socket has refused."""
        return self.last_pong.refused_count if self.last_pong else 0

    @property
    def handled_count(self) -> int:
        """Number of messages that its actors have handled, as last reported."""
        return sum(pulse.handled_count for pulse in self.last_pong.actors) if self.last_pong else 0

    def has_missed_book(self, pong: Pong) -> bool:
        """Return whether it answers a Ping from after its newest address book with an older one."""
        return pong.book_version < self.book_version and pong.number > self.told_at_ping

    def not_started(self, pong: Pong) -> list[ActorLine]:
        """Return actors it never received; forget orders whose end was not heard."""
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
        """Return how much longer it has been silent than allowed; negative within the limit."""
        if not self.is_up:
            limit_ms += _STARTING_EXTRA_MS
        return now_ms - self.answered_at_ms - limit_ms

    def reports(self, falls: dict[str, int], now_ms: int) -> list[ChildReport]:
        """Return the displayed rows: one per actor, or one if it has no permanent actors."""
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
    """The processes that exist, or are to be restarted, by name."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.roles_of = dict(layout.processes)
        """Permanent roles in each required process."""
        self.orders_in = layout.orders_in
        self._next_handle = NO_HANDLE

    def make(self, name: str, now_ms: int) -> Child:
        """Start a process; it gets the orders that were requested while it was missing."""
        self._next_handle += 1
        before, child = self.get(name), self._new(name, self._next_handle, now_ms)
        if before is not None:
            child.actors |= {line.role: line for line in before.orders}
        return child

    def absent(self, name: str, now_ms: int) -> Child:
        """Add a process that is required and missing."""
        return self._new(name, NO_HANDLE, now_ms)

    def _new(self, name: str, handle: int, now_ms: int) -> Child:
        child = Child(name=name, handle=handle, started_at_ms=now_ms, answered_at_ms=now_ms)
        child.actors = {role: ActorLine(role, now_ms) for role in self.roles_of[name]}
        self[name] = child
        return child

    def by_handle(self, handle: int) -> Child | None:
        """Return the process of a handle; None if another has replaced it."""
        if handle == NO_HANDLE:
            return None
        return next((child for child in self.values() if child.handle == handle), None)

    def desk(self) -> Child | None:
        """Return the desk's process, if the desk is up."""
        for child in self.values():
            line = child.actors.get(DESK)
            if line is not None and line.is_up:
                return child
        return None

    def listed(self) -> list[tuple[str, int, int]]:
        """Return (role, handle, generation) of all that can be messaged."""
        lines = [(child, line) for child in self.values() for line in child.permanent]
        found = [(line.role, child.handle, line.generation) for child, line in lines if line.is_up]
        orders = self.get(self.orders_in)
        if orders is not None and orders.is_up:
            found.append((ORDERS, orders.handle, orders.handle))
        return found
