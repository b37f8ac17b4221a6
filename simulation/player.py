"""One simulated actor: what actors/runtime/process.py is to a process, on the agenda's time.

Whatever the shell does to a core is done here in the same order: fencing, recovery, the address
book, effects one after the other, the end after a failed record. Tests hold the two against each
other where a core cannot tell them apart.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Protocol

import attrs

from actors.core import (
    CancelTimer,
    Command,
    Core,
    Effect,
    Effects,
    Log,
    Recall,
    Record,
    Send,
    SetTimer,
    Stop,
)
from actors.messages import (
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
    ServingChanged,
    Started,
    TimerFired,
    VenueTimeMeasured,
)
from actors.roles import DESK, EXECUTOR, REPLY, SUPERVISOR, is_spare, order_id_of
from actors.runtime.journal import Fenced
from actors.runtime.journal_file import JournalError
from actors.runtime.routes import Routes
from simulation.chance import dice
from simulation.house import House, SimulatedPort
from simulation.invariants.breach import Breach
from simulation.post import Correspondent

DISMISSAL_LIMIT_MS = 1_000
"""An actor that has finished waits so long to be dismissed."""


class Parent(Protocol):
    """Who made a player, and is told when it is gone."""

    def child_is_gone(self, player: Player) -> None:
        """Take note of an exit."""
        ...


class Player:
    """Runs one core; falls when it is told to."""

    def __init__(self, house: House, tree: Parent, role: str, pid: int, offset_ms: int) -> None:
        self.role = role
        self.pid = pid
        self.generation = 0
        self.core: Core | None = None
        self.is_gone = False
        self.is_leaving = False
        self._has_begun = False
        self._house = house
        self._tree = tree
        self._offset_ms = offset_ms
        self._port: SimulatedPort | None = None
        self._routes = Routes()
        self._met: dict[str, tuple[Correspondent, int]] = {}
        self._reply_to: Correspondent | None = None
        self._timers: dict[str, int] = {}
        self._timer_count = 0
        self._was_serving: bool | None = None
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = None

    @property
    def now_ms(self) -> int:
        """Venue time as this player knows it."""
        return self._house.agenda.now_ms + self._house.clock_error_ms + self._offset_ms

    @property
    def is_current(self) -> bool:
        """Whether nobody has taken its role since."""
        return self.generation == self._house.journal.generation(self.role)

    # What befalls it

    def begin(self, book: AddressBook) -> None:
        """Take the first message, as the supervisor sends it to a new process."""
        if self._must_wait(self.begin, book):
            return
        self._has_begun = True
        self._routes.adopt(book)
        if is_spare(self.role):
            self._send(SUPERVISOR, Hello(role=self.role, pid=self.pid, generation=0))
        else:
            self._become(self.role)

    def fall(self) -> None:
        """Be gone at once, with everything that waits."""
        if not self.is_gone:
            self.is_gone = True
            if self._port is not None:
                self._port.close()
            self._house.agenda.after(3, self._tree.child_is_gone, self)

    def hang(self) -> None:
        """Stand still; what arrives waits."""
        if self._waiting is None:
            self._waiting = []

    def go_on(self) -> None:
        """Take what has waited."""
        waiting, self._waiting = self._waiting or [], None
        expired = [each for each in waiting if each[0] == self._wake]
        arrived = [each for each in waiting if each[0] != self._wake]
        # Timers that ran out while an actor was busy come newest first, as from the transport.
        for call, arguments in (*arrived, *reversed(expired)):
            call(*arguments)

    def receive(
        self, sender: Correspondent, sender_role: str, generation: int, message: object
    ) -> None:
        """Take a message of another actor."""
        if self._must_wait(self.receive, sender, sender_role, generation, message):
            return
        if not self._has_begun:
            return
        if self.is_leaving:
            if isinstance(message, Dismissed):
                self.fall()
            return
        self._reply_to = sender
        if self._met.get(sender_role) != (sender, generation):
            self._met[sender_role] = (sender, generation)
            if self._routes.learn(sender_role, sender, generation):
                self._tell_restarted(sender_role)
        if isinstance(message, Ping):
            self._answer(message)
        elif isinstance(message, AddressBook):
            self._met.clear()
            for role in self._routes.adopt(message):
                self._tell_restarted(role)
        elif isinstance(message, Assign):
            if message.role != self.role:
                self._become(message.role)
        else:
            self._house.note(self.role, f"<{sender_role}", message)
            self._run(message)

    def take_event(self, event: object) -> None:
        """Take an event of the port."""
        if not self._must_wait(self.take_event, event):
            self._house.note(self.role, "<port", event)
            self._run(event)

    def _wake(self, key: str, number: int) -> None:
        if self._timers.get(key) == number and not self._must_wait(self._wake, key, number):
            del self._timers[key]
            self._run(TimerFired(key))

    def _must_wait(self, call: Callable[..., None], *arguments: Any) -> bool:
        if self._waiting is not None:
            self._waiting.append((call, arguments))
        return self.is_gone or self._waiting is not None

    # Life

    def _become(self, role: str) -> None:
        house = self._house
        self.role = role
        try:
            self.generation = house.journal.claim(role)
        except JournalError:
            self.fall()
            return
        own_dice = dice(house.seed, role, self.generation)
        self.core = house.core_class(role)(role, house.settings, own_dice)
        self._port = house.make_port(self)
        saved = [
            value
            for kind in self.core.RECOVERS
            for value in house.journal.load(kind, order_id_of(role))
        ]
        self._run(Started(tuple(saved)))
        if self.is_gone:
            return
        self._was_serving = is_serving = self.core.is_serving
        hello = Hello(role=role, pid=self.pid, generation=self.generation, is_serving=is_serving)
        self._send(SUPERVISOR, hello)

    def _tell_restarted(self, role: str) -> None:
        if self.core is not None and self.core.accepts(PeerRestarted) and role != self.role:
            self._run(PeerRestarted(role))

    def _answer(self, ping: Ping) -> None:
        self._offset_ms = ping.venue_offset_ms
        core = self.core
        pong = Pong(
            role=self.role,
            number=ping.number,
            is_serving=core.is_serving if core is not None else True,
            book_version=self._routes.version,
            handled_count=0,
            last_message_age_ms=0,
            latencies_us={},
            pid=self.pid,
            generation=self.generation,
        )
        self._send(SUPERVISOR, pong)

    # The core's side

    def _run(self, message: object) -> None:
        core, house = self.core, self._house
        if core is None or self.is_gone or self.is_leaving:
            return
        house.watcher.heard(self, message)
        try:
            effects = core.handle(message, self.now_ms)
        except Exception:
            raise Breach(
                0, f"{self.role} raised on {message!r}:\n{traceback.format_exc()}"
            ) from None
        if effects and not self._perform_all(effects):
            return
        is_serving = core.is_serving
        if self._was_serving not in (None, is_serving):
            self._was_serving = is_serving
            self._send(SUPERVISOR, ServingChanged(self.role, is_serving))

    def _perform_all(self, effects: Effects) -> bool:
        cut = self._house.cut(len(effects))
        for effect in effects[:cut]:
            if not self._perform(effect):
                return False
        if cut is not None:
            self.fall()
        return not self.is_gone

    def _perform(self, effect: Effect) -> bool:
        """Perform one effect; False when those after it must not be."""
        match effect:
            case Send(to, message):
                self._house.watcher.said(self, message)
                self._send(to, message)
            case Recall(kind, key, about):
                self._run(Recalled(kind, key, self._house.journal.recall(kind, key), about))
            case SetTimer(key, delay_ms):
                self._timer_count += 1
                self._timers[key] = self._timer_count
                self._house.agenda.after(max(0, delay_ms), self._wake, key, self._timer_count)
            case Record():
                return self._record(effect)
            case CancelTimer(key):
                self._timers.pop(key, None)
            case Command(command):
                if self._port is None:
                    raise Breach(0, f"{self.role} has no port for {command!r}")
                house = self._house
                house.note(self.role, "commands", command)
                house.watcher.commanded(self, command)
                self._port.perform(command)
            case Log(level, text):
                self._house.note(self.role, "logs", text)
                if level == "error":
                    self._house.watcher.complained(self, text)
            case Stop(reason):
                self._send(SUPERVISOR, Leaving(self.role, reason))
                self.is_leaving = True
                self._house.agenda.after(DISMISSAL_LIMIT_MS, self.fall)
        return not self.is_gone

    def _record(self, record: Record) -> bool:
        house = self._house
        try:
            house.journal.record(self.role, self.generation, record, self.now_ms)
        except Fenced:
            house.note(self.role, "is", "fenced off")
            self.fall()
            return False
        except JournalError as error:
            failed = JournalFailed(self.role, str(error))
            self._send(DESK, failed)
            self._send(SUPERVISOR, failed)
            if house.settings.execution.mode == "live":
                self._send(EXECUTOR, failed)
            if house.stays_without_journal(self.role):
                self._run(failed)
            else:
                self.fall()
            return False
        house.note(self.role, "records", record.event)
        house.watcher.recorded(self, record)
        return True

    def _send(self, role: str, message: object) -> None:
        if isinstance(message, VenueTimeMeasured):
            message = attrs.evolve(message, offset_ms=message.offset_ms + self._offset_ms)
        to = self._reply_to if role == REPLY else self._routes.address(role)
        if to is not None:
            self._house.post.send(
                self, self.role, self.generation, to, message, is_control=role == SUPERVISOR
            )
