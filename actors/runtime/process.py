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
from typing import Any, ClassVar, Protocol, cast

from thespian.actors import (
    Actor,
    ActorAddress,
    ActorExitRequest,
    PoisonMessage,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
)

from actors.core import Core, Effect, Record, Send
from actors.messages import (
    AddressBook,
    Assign,
    Boot,
    Dismissed,
    Envelope,
    Hello,
    Ping,
    Pong,
    TimerFired,
)
from actors.roles import REPLY, SUPERVISOR, is_spare
from actors.runtime.clock import Clock
from actors.runtime.host import Host, HostState
from actors.runtime.host_context import HostContext, HostWatch
from actors.runtime.journal import Journal
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
        self._host: Host | None = None
        self._role = ""
        self._routes = Routes()
        self._timers = Timers()
        self._pulse = Pulse()
        self._is_leaving = False
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
        except Exception:
            self._log("error", f"crashed on {type(msg).__name__}: {traceback.format_exc()}")
            os._exit(EXIT_CRASHED)
        port = self._port
        return ThespianWatch([port.fileno()]) if port is not None else None

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
        if self._host is not None:
            self._host.reply_to = sender
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

    @property
    def _port(self) -> Port | None:
        port = self._host.port if self._host is not None else None
        if port is None:
            return None
        return cast("Port", port)  # make_port made it

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
        self._host = host = Host(role, self._context(boot))
        host.start()
        self._look_after(host)

    def _context(self, boot: Boot) -> HostContext:
        role = self._role
        return HostContext(
            make_core=lambda generation: self.core_class(
                role, boot.settings, random.Random(f"{boot.seed}/{role}/{generation}")
            ),
            post=_Post(self),
            journal=self._journal,
            timers=_Wakeups(self),
            clock=self._clock,
            log=self._log,
            pid=os.getpid(),
            is_live=boot.settings.execution.mode == "live",
            stays_without_journal=self.stays_without_journal,
            make_port=lambda: self.make_port(boot),
            opening=lambda: self.opening_messages(boot),
            watch=_Bystander(self),
        )

    def _look_after(self, host: Host) -> None:
        """Do what follows when a core has come to its end."""
        if host.is_running or self._is_leaving:
            return
        if host.state is HostState.FENCED:
            os._exit(EXIT_FENCED)
        elif host.state is HostState.FINISHED:
            self._is_leaving = True
            self.wakeupAfter(_DISMISSAL_LIMIT, payload=_DISMISSAL_OVERDUE)
        elif isinstance(host.error, JournalError):
            self._is_leaving = True
            self.send(self.myAddress, ActorExitRequest())
        else:
            os._exit(EXIT_CRASHED)

    def _close(self) -> None:
        self._is_leaving = True
        if self._host is not None:
            self._host.end()

    def _leave_if_dismissed(self, msg: object) -> None:
        """Exit once the supervisor knows, or has not answered for long: it may have fallen."""
        is_dismissed = isinstance(msg, Envelope) and isinstance(msg.message, Dismissed)
        is_overdue = isinstance(msg, WakeupMessage) and msg.payload == _DISMISSAL_OVERDUE
        if is_dismissed or is_overdue:
            self.send(self.myAddress, ActorExitRequest())

    def _tell_restarted(self, role: str) -> None:
        if self._host is not None:
            self._host.hand_restarted(role)
            self._look_after(self._host)

    def _run(self, message: object) -> None:
        host = self._host
        if host is None:
            self._log("error", f"{type(message).__name__} came before a role; ignored")
            return
        host.hand(message)
        self._look_after(host)

    def _send(self, role: str, message: object, reply_to: Any = None) -> None:
        address = reply_to if role == REPLY else self._routes.address(role)
        if address is None:
            self._pulse.unroutable_count += 1
            return
        envelope = Envelope(sender_role=self._role, generation=self._generation, message=message)
        self.send(address, envelope)

    @property
    def _generation(self) -> int:
        return self._host.generation if self._host is not None else 0

    def _arm(self) -> None:
        for name, seconds in self._timers.wakeups_to_ask_for():
            self.wakeupAfter(timedelta(seconds=seconds), payload=name)

    def _pong(self, number: int) -> Pong:
        host = self._host
        return Pong(
            role=self._role,
            number=number,
            is_serving=host.is_serving if host is not None else True,
            book_version=self._routes.version,
            handled_count=self._pulse.handled_count,
            last_message_age_ms=self._pulse.age_ms(),
            latencies_us=self._pulse.take_samples(),
            pid=os.getpid(),
            generation=self._generation,
        )

    def _log(self, level: str, text: str) -> None:
        self._log_lines.write(level, text)


class _Post:
    """Sends a core's messages on Thespian's transport."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def send(self, sender: Host, to: str, message: object) -> None:
        self._shell._send(to, message, sender.reply_to)


class _Wakeups:
    """Keeps a core's timers by Thespian's wake-ups."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def set(self, key: str, delay_ms: int) -> None:
        self._shell._timers.set(key, self._shell._clock.real_seconds(delay_ms))
        self._shell._arm()

    def cancel(self, key: str) -> None:
        self._shell._timers.cancel(key)

    def clear(self) -> None:
        self._shell._timers.clear()


class _Bystander(HostWatch):
    """Measures latencies, and passes the points at which a drill may hold an actor."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._began_ns = 0

    def performs(self, host: Host, effect: Effect) -> None:
        if isinstance(effect, Send):
            self._pass(host, "sending", effect.message)
        elif isinstance(effect, Record):
            self._began_ns = time.monotonic_ns()

    def performed(self, host: Host, effect: Effect) -> None:
        if isinstance(effect, Record):
            self._shell._pulse.sample("journal_write", self._began_ns)
            self._pass(host, "recorded", effect.event)

    def handled(self, host: Host, message: object) -> None:
        del host
        sample = self._shell.latency_of(message)
        if sample is not None:
            self._shell._pulse.sample(*sample)

    def _pass(self, host: Host, moment: str, value: object) -> None:
        points = self._shell._pause_points
        if points is not None:
            points.reach(host.role, moment, value)
