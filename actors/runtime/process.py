"""The one Thespian actor class around every core.

It turns what arrives into ``core.handle`` calls and performs the effects in order. What Thespian
does differently from what a core needs is settled here, once:

* a handler that raises would be run again on its half-changed instance: here it is logged, nothing
  of it is performed, and the process ends, so that the supervisor makes a new one, which recovers;
* timers cannot be cancelled: here a key has at most one wake-up under way and a due time;
* addresses are neither stable nor hashable: here messages go to roles, and the supervisor's
  address book, or a message from the role itself, says where a role is now.
"""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Protocol

import attrs
from thespian.actors import (
    Actor,
    ActorAddress,
    ActorExitRequest,
    PoisonMessage,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
)

from actors.core import (
    CancelTimer,
    Command,
    Core,
    Effect,
    Log,
    Recall,
    Record,
    Send,
    SetTimer,
    Stop,
    UnknownMessage,
)
from actors.messages import (
    AddressBook,
    Assign,
    Boot,
    Dismissed,
    Envelope,
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
from actors.runtime.clock import Clock
from actors.runtime.journal import Fenced, Journal
from actors.runtime.journal_file import JournalError
from actors.runtime.log import LineLog
from actors.runtime.pause_points import PausePoints
from actors.runtime.pulse import Pulse, Timers
from actors.runtime.routes import Routes
from actors.runtime.urgency import NotAllowed, run_first

EXIT_CRASHED = 70
EXIT_FENCED = 71

_DISMISSAL_LIMIT = timedelta(seconds=1)
_DISMISSAL_OVERDUE = "dismissal overdue"


class Port(Protocol):
    """An actor's hand on the world outside: a websocket, HTTP. Its own thread does the waiting."""

    def fileno(self) -> int:
        """Descriptor that becomes readable when events wait."""
        ...

    def perform(self, command: object) -> None:
        """Start what a core commanded; never blocks."""
        ...

    def drain(self) -> Sequence[object]:
        """Events that have happened since the last call, in order."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Shell(Actor):
    """Runs one core in one process; subclasses name the core and, if it has one, its port."""

    core_class: ClassVar[type[Core]]
    stays_without_journal: ClassVar[bool] = False
    """Whether it stays when it cannot record. Its core is given JournalFailed, and has to do
    without records from then on."""

    _clock: Clock
    _journal: Journal
    _log_lines: LineLog

    def __init__(self) -> None:
        super().__init__()
        self._boot: Boot | None = None
        self._core: Core | None = None
        self._port: Port | None = None
        self._role = ""
        self._reply_to: ActorAddress | None = None
        self._routes = Routes()
        self._timers = Timers()
        self._pulse = Pulse()
        self._is_leaving = False
        self._was_serving: bool | None = None
        """As the supervisor was told; None until Hello says it."""
        self._pause_points: PausePoints | None = None

    # What subclasses may replace

    def make_port(self, boot: Boot) -> Port | None:  # noqa: ARG002 # for subclasses
        """Make the actor's port; most actors have none."""
        return None

    def opening_messages(self, boot: Boot) -> Sequence[object]:  # noqa: ARG002 # for subclasses
        """What the core is told right after Started, before anyone else can say anything."""
        return ()

    def latency_of(self, message: object) -> tuple[str, int] | None:  # noqa: ARG002 # for subclasses
        """Name a latency and the host monotonic ns at which its tick arrived, if this ends one."""
        return None

    # Thespian's side

    def receiveMessage(  # noqa: N802 # the name is Thespian's
        self, msg: object, sender: ActorAddress
    ) -> ThespianWatch | None:
        """Take one message from the transport; an exception ends this process."""
        try:
            self._take(msg, sender)
        except Fenced as fenced:
            self._log("warning", f"leaving: {fenced}")
            os._exit(EXIT_FENCED)
        except Exception:
            self._log("error", f"crashed on {type(msg).__name__}: {traceback.format_exc()}")
            os._exit(EXIT_CRASHED)
        return ThespianWatch([self._port.fileno()]) if self._port is not None else None

    def _take(self, msg: object, sender: ActorAddress) -> None:
        if isinstance(msg, ActorExitRequest):
            self._close()
        elif self._is_leaving:
            self._leave_if_dismissed(msg)
        elif isinstance(msg, Envelope):
            if self._boot is not None:  # without it nothing can be answered, not even a Ping
                self._take_envelope(msg, sender)
        elif isinstance(msg, WakeupMessage):
            for key in self._timers.due(str(msg.payload)):
                self._run(TimerFired(key))
            self._arm()
        elif isinstance(msg, WatchMessage):
            self._drain_port()
        elif isinstance(msg, Boot):
            self._begin(msg)
        elif isinstance(msg, PoisonMessage):
            self._log("error", f"a peer could not take {msg.poisonMessage!r}: {msg.details}")
        else:
            self._log("error", f"unknown message {type(msg).__name__} was ignored")

    def _take_envelope(self, envelope: Envelope, sender: ActorAddress) -> None:
        self._reply_to = sender
        if self._routes.learn(envelope.sender_role, sender, envelope.generation):
            self._tell_restarted(envelope.sender_role)
        message = envelope.message
        if isinstance(message, Ping):
            self._clock.offset_ms = message.venue_offset_ms
            self._send(SUPERVISOR, self._pong(message.number))
        elif isinstance(message, AddressBook):
            for role in self._routes.adopt(message):
                self._tell_restarted(role)
        elif isinstance(message, Assign):
            if message.role != self._role:
                self._become(message.role)
        else:
            self._pulse.count()
            self._run(message)

    def _drain_port(self) -> None:
        if self._port is not None:
            for event in self._port.drain():
                self._pulse.count()
                self._run(event)

    # Life

    def _begin(self, boot: Boot) -> None:
        self._boot = boot
        self._clock = Clock(boot.clock)
        self._clock.offset_ms = boot.venue_offset_ms
        self._routes.adopt(boot.book)
        self._role = boot.role
        if boot.pause_points_dir is not None:
            self._pause_points = PausePoints(Path(boot.pause_points_dir))
        self._log_lines = LineLog(Path(boot.data_dir), boot.role, to_stderr=boot.log_to_stderr)
        if boot.is_urgent:
            self._run_first()
        self._journal = Journal(Path(boot.data_dir), boot.role, boot.settings.execution.durability)
        if is_spare(boot.role):
            self._send(SUPERVISOR, Hello(role=boot.role, pid=os.getpid(), generation=0))
        else:
            self._become(boot.role)

    def _run_first(self) -> None:
        try:
            run_first()
        except NotAllowed as refusal:
            self._log("info", f"runs in its turn like any process: {refusal}")

    def _become(self, role: str) -> None:
        """Take a role: fence off whoever had it, recover what it saved, and start."""
        boot = self._boot
        if boot is None:
            raise AssertionError("a role was assigned before Boot")
        self._role = self._log_lines.role = self._journal.role = role
        generation = self._journal.claim()
        dice = random.Random(f"{boot.seed}/{role}/{generation}")
        self._core = self.core_class(role, boot.settings, dice)
        self._port = self.make_port(boot)
        saved = [
            value
            for kind in self._core.RECOVERS
            for value in self._journal.load(kind, order_id_of(role))
        ]
        # What a core says first is urgent, an order's most of all: the supervisor comes last.
        for message in (Started(tuple(saved)), *self.opening_messages(boot)):
            self._run(message)
        self._was_serving = is_serving = self._core.is_serving
        hello = Hello(role=role, pid=os.getpid(), generation=generation, is_serving=is_serving)
        self._send(SUPERVISOR, hello)

    def _close(self) -> None:
        self._is_leaving = True
        if self._port is not None:
            self._port.close()
            self._port = None

    def _leave(self, reason: str) -> None:
        self._is_leaving = True
        samples = self._pulse.take_samples()
        self._send(SUPERVISOR, Leaving(self._role, reason, samples))
        self.wakeupAfter(_DISMISSAL_LIMIT, payload=_DISMISSAL_OVERDUE)

    def _leave_if_dismissed(self, msg: object) -> None:
        """Exit once the supervisor knows, or has not answered for long: it may have fallen."""
        is_dismissed = isinstance(msg, Envelope) and isinstance(msg.message, Dismissed)
        is_overdue = isinstance(msg, WakeupMessage) and msg.payload == _DISMISSAL_OVERDUE
        if is_dismissed or is_overdue:
            self.send(self.myAddress, ActorExitRequest())

    def _tell_restarted(self, role: str) -> None:
        if self._core is not None and self._core.accepts(PeerRestarted) and role != self._role:
            self._run(PeerRestarted(role))

    # The core's side

    def _run(self, message: object) -> None:
        """Let the core handle one message and perform what it asks for, in order."""
        core = self._core
        if core is None:
            self._log("error", f"{type(message).__name__} came before a role; ignored")
            return
        try:
            effects = core.handle(message, self._clock.now_ms())
        except UnknownMessage as unknown:
            self._log("error", str(unknown))
            return
        for effect in effects:
            if not self._perform(effect):
                return
        sample = self.latency_of(message)
        if sample is not None:
            self._pulse.sample(*sample)
        self._tell_if_serving_changed(core)

    def _perform(self, effect: Effect) -> bool:
        """Perform one effect; False when those after it must not be."""
        match effect:
            case Send(to, message):
                self._pass_point("sending", message)
                self._send(to, message)
            case Record():
                return self._record(effect)
            case Recall(kind, key, about):
                self._run(Recalled(kind, key, self._journal.recall(kind, key), about))
            case SetTimer(key, delay_ms):
                self._timers.set(key, self._clock.real_seconds(delay_ms))
                self._arm()
            case CancelTimer(key):
                self._timers.cancel(key)
            case Command(command):
                if self._port is None:
                    raise AssertionError(f"{self._role} has no port for {command!r}")
                self._port.perform(command)
            case Log(level, text):
                self._log(level, text)
            case Stop(reason):
                self._leave(reason)
        return True

    def _record(self, record: Record) -> bool:
        began_ns = time.monotonic_ns()
        try:
            self._journal.record(record, self._clock.now_ms())
        except JournalError as error:
            # What the core now believes was not recorded. Nothing of it leaves; the actor does,
            # and its successor recovers what the journal really holds.
            self._log("error", str(error))
            failed = JournalFailed(self._role, str(error))
            self._send(DESK, failed)
            self._send(SUPERVISOR, failed)
            if self._boot is not None and self._boot.settings.execution.mode == "live":
                self._send(EXECUTOR, failed)
            if self.stays_without_journal:
                self._run(failed)
            else:
                self._is_leaving = True
                self.send(self.myAddress, ActorExitRequest())
            return False
        self._pulse.sample("journal_write", began_ns)
        self._pass_point("recorded", record.event)
        return True

    def _pass_point(self, moment: str, value: object) -> None:
        if self._pause_points is not None:
            self._pause_points.reach(self._role, moment, value)

    def _send(self, role: str, message: object) -> None:
        if isinstance(message, VenueTimeMeasured):
            absolute = message.offset_ms + self._clock.offset_ms
            message = attrs.evolve(message, offset_ms=absolute)
        address = self._reply_to if role == REPLY else self._routes.address(role)
        if address is None:
            self._pulse.unroutable_count += 1
            return
        envelope = Envelope(sender_role=self._role, generation=self._generation, message=message)
        self.send(address, envelope)

    @property
    def _generation(self) -> int:
        return self._journal.generation if self._core is not None else 0

    def _arm(self) -> None:
        for name, seconds in self._timers.wakeups_to_ask_for():
            self.wakeupAfter(timedelta(seconds=seconds), payload=name)

    def _tell_if_serving_changed(self, core: Core) -> None:
        is_serving = core.is_serving
        if self._was_serving not in (None, is_serving):
            self._was_serving = is_serving
            self._send(SUPERVISOR, ServingChanged(self._role, is_serving))

    def _pong(self, number: int) -> Pong:
        core = self._core
        return Pong(
            role=self._role,
            number=number,
            is_serving=core.is_serving if core is not None else True,
            book_version=self._routes.version,
            handled_count=self._pulse.handled_count,
            last_message_age_ms=self._pulse.age_ms(),
            latencies_us=self._pulse.take_samples(),
            pid=os.getpid(),
            generation=self._generation,
        )

    def _log(self, level: str, text: str) -> None:
        self._log_lines.write(level, text)
