"""The supervisor: which children exist, which of them are alive, and what follows when one crashes.

``SupervisorCore`` (actors/supervision) decides. ``Supervisor`` here is the actor around it: it
makes processes, passes messages and keeps addresses. It runs in real time: how fast the market's
clock runs does not concern processes that must answer.

A child is a process with actors in it, and both can fail. A core that raises is restarted in the
same process; a process that ends is restarted with all its roles.

Policy: one for one. Whatever fails is restarted, the first time at once, then after a backoff with
jitter. More than ``max_restarts`` failures of one process or actor in ``restart_period_s``
escalate: the desk cancels every order, and the run ends with a reason. A process that leaves a Ping
unanswered for ``heartbeat_limit_ms`` is killed and counts as failed, even before its first message.
An order is not restarted here: the desk is told, and requests it again from its record.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import time
import traceback
from datetime import timedelta
from pathlib import Path

import attrs
from thespian.actors import (
    Actor,
    ActorAddress,
    ActorExitRequest,
    ChildActorExited,
    WakeupMessage,
)

from actors.messages.lifecycle import Address, AddressBook, Envelope, Ping, Pong, ProcessStarted
from actors.roles import PROCESS, SUPERVISOR
from actors.runtime import thespian_hooks
from actors.runtime.crashes import HANG_SIGNAL
from actors.runtime.disk_waits import disk_wait_ms, is_stopped
from actors.runtime.log import LineLog
from actors.runtime.messages import Boot
from actors.runtime.process_name import name_process
from actors.runtime.processor_waits import ProcessorWaits
from actors.runtime.sockets.refusals import REFUSALS
from actors.supervision.core import SupervisorCore
from actors.supervision.layouts import Layout
from actors.supervision.messages import (
    GetAddress,
    GetChildren,
    Kill,
    ReplaceSettings,
    Say,
    ShutDown,
    Spawn,
    SupervisorBoot,
    SupervisorEffect,
    Tell,
    TellBook,
)
from actors.supervision.patience import Waits
from actors.supervision.pings import PING_GAP_MS, PacedPings

HEARTBEAT_MS = 500
_BEAT, _TICK, _PING = "beat", "tick", "ping"
_LAST_WORDS_LIMIT = timedelta(seconds=1)
"""How long a hung process may write its crash file before it is killed."""
_NEVER_MS = 2**62


def _end(pid: int, number: signal.Signals) -> None:
    # It may have ended by itself in the meantime, which is as good.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _layout(boot: SupervisorBoot) -> Layout:
    processes = tuple((spec.name, spec.roles) for spec in boot.processes)
    return Layout(processes=processes, orders_in=boot.orders_in)


class Supervisor(Actor):
    """The actor around SupervisorCore: makes processes, passes messages, keeps addresses."""

    def __init__(self) -> None:
        super().__init__()
        self._core: SupervisorCore | None = None
        self._boot: SupervisorBoot
        self._addresses: dict[int, ActorAddress] = {}
        self._tick_at_ms = _NEVER_MS
        self._pings = PacedPings()
        self._processor_waits = ProcessorWaits()

    def receiveMessage(self, msg: object, sender: ActorAddress) -> None:  # noqa: N802 # Thespian's
        """Handle one message; after an exception the foreground starts a new supervisor process."""
        try:
            self._take(msg, sender)
        except Exception:
            self._write("error", f"crashed on {type(msg).__name__}: {traceback.format_exc()}")
            os._exit(1)

    def _take(self, msg: object, sender: ActorAddress) -> None:
        if isinstance(msg, SupervisorBoot):
            self._begin(msg)
            return
        if isinstance(msg, ActorExitRequest):
            self._core = None  # the whole tree is ending: exits of children are no longer failures
        core = self._core
        if core is None:
            return
        now_ms = _now_ms()
        match msg:
            case Envelope(message=message):
                handle = self._handle_of(sender, message)
                self._perform(core.child_said(handle, message, now_ms))
            case ChildActorExited():
                handle = self._handle_of(msg.childAddress, None)
                self._perform(core.child_exited(handle, now_ms))
                self._addresses.pop(handle, None)
            case WakeupMessage(payload=payload):
                self._wake(core, payload, now_ms)
            case GetChildren(request_id):
                report = core.report(request_id, now_ms)
                self.send(
                    sender,
                    attrs.evolve(
                        report,
                        parent_pid=os.getppid(),
                        refused_count=report.refused_count + REFUSALS.count,
                        settings_number=self._boot.settings.number,
                    ),
                )
            case GetAddress(role):
                self.send(sender, self._book().entries.get(role))
            case ReplaceSettings(boot):
                if boot.settings.number > self._boot.settings.number:
                    self._take_boot(boot)
                    self._perform(core.settings_changed(_layout(boot), now_ms))
            case ShutDown(reason):
                self._perform(core.shut_down(reason, now_ms))
            case _:
                self._write("error", f"unknown message {type(msg).__name__} was ignored")
        self._arm_tick(core, now_ms)

    def _wake(self, core: SupervisorCore, payload: object, now_ms: int) -> None:
        match payload:
            case str() if payload == _PING:
                self._send_pings(now_ms)
            case int(pid):
                if pid in core.pids():
                    _end(pid, signal.SIGKILL)
            case _:
                self._tick_at_ms = _NEVER_MS
                self._perform(core.tick(now_ms, self._waits(core.pids())))
                if payload == _BEAT:
                    self.wakeupAfter(timedelta(milliseconds=HEARTBEAT_MS), payload=_BEAT)

    def _begin(self, boot: SupervisorBoot) -> None:
        name_process(SUPERVISOR)
        self._take_boot(boot)
        self._began_with = boot.settings.number
        self._lines = LineLog(Path(boot.data_dir), SUPERVISOR, to_stderr=boot.log_to_stderr)
        REFUSALS.listen(functools.partial(self._write, "warning"))
        limits = boot.settings.supervision
        dice = random.Random(boot.seed)
        ending_limit_ms = boot.settings.execution.ending_limit_ms
        self._core = SupervisorCore(_layout(boot), limits, dice, os.getpid(), ending_limit_ms)
        self._perform(self._core.begin(_now_ms()))
        self.wakeupAfter(timedelta(milliseconds=HEARTBEAT_MS), payload=_BEAT)

    def _take_boot(self, boot: SupervisorBoot) -> None:
        self._boot = boot
        self._specs = {spec.name: spec for spec in boot.processes}

    def _arm_tick(self, core: SupervisorCore, now_ms: int) -> None:
        delay_ms = core.next_tick_ms(now_ms)
        if delay_ms is not None and now_ms + delay_ms < self._tick_at_ms:
            self._tick_at_ms = now_ms + delay_ms
            self.wakeupAfter(timedelta(milliseconds=delay_ms), payload=_TICK)

    def _handle_of(self, address: ActorAddress, message: object) -> int:
        """Return the handle of the child with an address, which its first message reveals."""
        for handle, known in self._addresses.items():
            if known == address:
                if isinstance(message, ProcessStarted | Pong):
                    # The first address was only local; the sender's can be passed on.
                    self._addresses[handle] = address
                return handle
        return -1

    def _perform(self, effects: list[SupervisorEffect]) -> None:
        for effect in effects:
            match effect:
                case Spawn(handle, process):
                    self._spawn(handle, process)
                case Tell(handle, Ping() as ping):
                    self._send_soon(handle, ping)
                case Tell(handle, message, role):
                    self._tell(handle, message, role)
                case TellBook(handle):
                    self._tell(handle, self._book())
                case Kill(pid, is_hung):
                    if is_hung:
                        self._end_hung(pid)
                    else:
                        _end(pid, signal.SIGKILL)
                case Say(level, text):
                    self._write(level, text)

    def _end_hung(self, pid: int) -> None:
        """Make a hung process write its crash file and end; kill a stopped one."""
        if is_stopped(pid):
            _end(pid, signal.SIGKILL)
            return
        _end(pid, HANG_SIGNAL)
        self.wakeupAfter(_LAST_WORDS_LIMIT, payload=pid)

    def _spawn(self, handle: int, process: str) -> None:
        address = self.createActor(self._boot.process_class)
        self._addresses[handle] = address
        if self._core is not None:
            self._core.child_forked(handle, thespian_hooks.pid_of_child(self, address))
        self.send(address, self._boot_of(process))

    def _waits(self, pids: list[int]) -> Waits:
        return Waits(
            disk_ms={pid: disk_wait_ms(pid) for pid in pids},
            processor_ms=self._processor_waits.since_last_ms(pids),
        )

    def _send_soon(self, handle: int, ping: Ping) -> None:
        if self._pings.add(handle, ping, _now_ms()):
            self.wakeupAfter(timedelta(milliseconds=PING_GAP_MS), payload=_PING)

    def _send_pings(self, now_ms: int) -> None:
        for handle, ping in self._pings.take_part(now_ms):
            if handle in self._addresses:
                self._tell(handle, ping)
        if self._pings.are_waiting:
            self.wakeupAfter(timedelta(milliseconds=PING_GAP_MS), payload=_PING)

    def _boot_of(self, process: str) -> Boot:
        boot, spec = self._boot, self._specs[process]
        return Boot(
            process=process,
            roles=spec.roles,
            actors={role: boot.actors[role] for role in spec.roles},
            order=boot.order,
            settings=boot.settings,
            clock=boot.clock,
            data_dir=boot.data_dir,
            log_to_stderr=boot.log_to_stderr,
            seed=boot.seed,
            book=self._book(),
            venue_offset_ms=self._core.venue_offset_ms if self._core else 0,
            pause_points_dir=boot.pause_points_dir,
            is_urgent=spec.is_urgent,
        )

    def _book(self) -> AddressBook:
        core = self._core
        entries = {SUPERVISOR: Address(address=self.myAddress, generation=0)}
        for role, handle, generation in core.listed() if core else []:
            entries[role] = Address(address=self._addresses[handle], generation=generation)
        return AddressBook(
            version=core.book_version if core else 0,
            entries=entries,
            settings=self._boot.settings if self._boot.settings.number > self._began_with else None,
        )

    def _tell(self, handle: int, message: object, role: str = PROCESS) -> None:
        envelope = Envelope(sender_role=SUPERVISOR, generation=0, message=message, to=role)
        self.send(self._addresses[handle], envelope)

    def _write(self, level: str, text: str) -> None:
        self._lines.write(level, text)
