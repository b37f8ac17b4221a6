"""The one Thespian actor class: a process, and the group of actors that lives in it.

What Thespian does differently from what actors need is handled here, once:

* Thespian would run a handler that raised again, on its half-changed instance. An exception in a
  core is its host's business; any other exception ends the process, and the supervisor restarts it.
* Wake-ups cannot be cancelled: one is pending for the earliest timer, and due times decide.
* Addresses are neither stable nor hashable: messages go to roles, and the supervisor's address
  book, or a message from the role itself, says where a role is now.
"""

from __future__ import annotations

import functools
import gc
import os
import time
import traceback
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from thespian.actors import (
    Actor,
    ActorAddress,
    ActorExitRequest,
    PoisonMessage,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
)

from actors.core import Core, Effect, Effects, Record, Send
from actors.messages.lifecycle import Envelope, TimerFired
from actors.roles import PROCESS, RECORDER
from actors.runtime.actor_spec import ActorSpec, LatencyProbe, NoProbe
from actors.runtime.capture import HAND_OVER_EVERY_S, CaptureBuffer
from actors.runtime.clock import Clock
from actors.runtime.crashes import CrashKeeper
from actors.runtime.group import HostGroup
from actors.runtime.host_context import (
    HostContext,
    HostJournal,
    HostPost,
    HostWatch,
    HostWatches,
    RunningHost,
)
from actors.runtime.journal import Journal
from actors.runtime.late_dice import LateDice
from actors.runtime.log import LineLog
from actors.runtime.messages import Boot
from actors.runtime.pause_points import HANDLING, PausePoints
from actors.runtime.port import WatchedPort
from actors.runtime.process_name import name_process
from actors.runtime.sockets.refusals import REFUSALS
from actors.runtime.timers import LatencySamples, Timers
from actors.runtime.urgency import NotAllowed, run_first
from actors.settings import Settings

EXIT_CRASHED = 70
EXIT_FENCED = 71

_HAND_OVER = (PROCESS, "hand over")
"""The process's own timer, for passing captured events to the recorder."""


class ActorProcess(Actor):
    """One process; its first message, Boot, says which actors live in it."""

    def __init__(self) -> None:
        super().__init__()
        gc.freeze()  # a collection would write to every page that this fork shares
        self._group: HostGroup | None = None
        self._outside: ProcessOutside | None = None
        self._lines: LineLog | None = None

    def receiveMessage(  # noqa: N802 # the name is Thespian's
        self, msg: object, sender: ActorAddress
    ) -> ThespianWatch | None:
        """Handle one message of the transport; an exception ends this process."""
        gc.disable()  # a collection takes up to 3 ms: between messages, not on a tick's way
        try:
            self._take(msg, sender)
        except Exception:
            self._log("error", f"crashed on {type(msg).__name__}: {traceback.format_exc()}")
            os._exit(EXIT_CRASHED)
        finally:
            gc.enable()
        descriptors = [port.fileno() for _, port in self._ports()]
        return ThespianWatch(descriptors) if descriptors else None

    def _take(self, msg: object, sender: ActorAddress) -> None:
        group, outside = self._group, self._outside
        if isinstance(msg, Boot):
            self._begin(msg)
        elif group is None or outside is None:
            return  # without Boot nothing can be answered, not even a Ping
        elif isinstance(msg, Envelope):
            group.take(msg, sender)
        elif isinstance(msg, WakeupMessage):
            self._wake(group, outside)
        elif isinstance(msg, WatchMessage):
            self._take_from_ports(group, outside)
        elif isinstance(msg, ActorExitRequest):
            group.end()
        elif isinstance(msg, PoisonMessage):
            self._log("error", f"a peer could not take {msg.poisonMessage!r}: {msg.details}")
        else:
            self._log("error", f"unknown message {type(msg).__name__} was ignored")

    def _begin(self, boot: Boot) -> None:
        name_process(boot.process)
        self._lines = LineLog(Path(boot.data_dir), boot.process, to_stderr=boot.log_to_stderr)
        REFUSALS.listen(functools.partial(self._log, "warning"))
        self._outside = outside = ProcessOutside(self, boot, self._lines)
        if boot.is_urgent:
            self._run_first()
        self._group = HostGroup(outside, boot)
        self._group.begin()

    def _wake(self, group: HostGroup, outside: ProcessOutside) -> None:
        for role, key in outside.timers.due():
            if role == PROCESS:
                _hand_capture_over(group, outside)
            else:
                group.hand(role, TimerFired(key))
        outside.arm()

    def _take_from_ports(self, group: HostGroup, outside: ProcessOutside) -> None:
        for role, port in self._ports():
            events = port.drain()
            for event in events:
                group.hand(role, event)
            if outside.has_captured(role, events):
                _hand_capture_over(group, outside)

    def _run_first(self) -> None:
        try:
            run_first()
        except NotAllowed as refusal:
            self._log("info", f"runs in its turn like any process: {refusal}")

    def _log(self, level: str, text: str) -> None:
        if self._lines is not None:
            self._lines.write(level, text)

    def _ports(self) -> list[tuple[str, WatchedPort]]:
        hosts = self._group.hosts.values() if self._group is not None else ()
        ports: list[tuple[str, Any]] = [(host.role, host.port) for host in hosts]
        return [(role, port) for role, port in ports if port is not None]


class ProcessOutside:
    """The surroundings of the actors of a process: transport, clock, journal, timers, log."""

    def __init__(self, process: Actor, boot: Boot, lines: LineLog) -> None:
        self.pid = os.getpid()
        self.timers = Timers()
        self.clock = Clock(boot.clock)
        self.clock.offset_ms = boot.venue_offset_ms
        self.captured = CaptureBuffer()
        self._process = process
        self._boot = boot
        self._settings = boot.settings
        """The settings in force."""
        self._made_with: dict[str, Settings] = {}
        """By role, the settings with which its present core was made."""
        self._samples = LatencySamples()
        data_dir = Path(boot.data_dir)
        self._lines = lines
        self._journal = Journal(data_dir, boot.process, boot.settings.execution.durability)
        self._crashes = CrashKeeper(data_dir, boot.settings, boot.seed, lines.write)
        self._crashes.listen()
        self._pause_points = (
            PausePoints(Path(boot.pause_points_dir)) if boot.pause_points_dir is not None else None
        )

    def transmit(self, address: Any, envelope: Envelope) -> None:
        """Send a message to another process."""
        self._process.send(address, envelope)

    def has_captured(self, role: str, events: Sequence[object]) -> bool:
        """Keep what is to be recorded of a port's events; returns whether to hand it over now."""
        if not self._boot.settings.recording.enabled:
            return False
        at_ns = time.monotonic_ns()
        capture = self._boot.actors[role].capture
        if self.captured.add(filter(None, (capture(event, at_ns) for event in events))):
            return True
        if self.captured and not self.timers.is_set(_HAND_OVER):
            self.timers.set(_HAND_OVER, HAND_OVER_EVERY_S)
            self.arm()
        return False

    def context(self, role: str, spec: ActorSpec, post: HostPost) -> HostContext:
        """Make the context of an actor's host."""
        settings, data_dir = self._boot.settings, Path(self._boot.data_dir)
        return HostContext(
            make_core=lambda generation: self._make_core(role, spec, generation),
            post=post,
            journal=_MeasuredRows(self._journal.for_role(role), self._samples),
            timers=_Wakeups(self, role),
            clock=self.clock,
            log=lambda level, text: self._lines.write(level, text, role),
            pid=self.pid,
            is_live=settings.execution.mode == "live",
            stays_without_journal=spec.stays_without_journal,
            make_port=lambda: spec.make_port(settings, data_dir, self.clock),
            opening=lambda: spec.opening(data_dir),
            watch=self._watch(role, spec),
        )

    def _watch(self, role: str, spec: ActorSpec) -> HostWatch:
        """Combine only the watches in use, because each costs time at every message."""
        watches: list[HostWatch] = []
        if self._pause_points is not None:
            watches.append(_Points(self._pause_points))
        probe = spec.probe()
        if not isinstance(probe, NoProbe):
            watches.append(_Latencies(self._samples, probe))
        recorder = self._crashes.recorder(
            lambda generation: self._bare_core(role, spec, generation, self._made_with[role])
        )
        return HostWatches(*watches, recorder)

    def _make_core(self, role: str, spec: ActorSpec, generation: int) -> Core:
        points = self._pause_points
        settings = self._made_with[role] = self._settings.for_role(role)
        core = self._bare_core(role, spec, generation, settings)
        if points is not None:
            handle = core.handle

            def pass_and_handle(message: object, now_ms: int) -> Effects:
                points.reach(role, HANDLING, message)
                return handle(message, now_ms)

            core.__dict__["handle"] = pass_and_handle
        return core

    def _bare_core(self, role: str, spec: ActorSpec, generation: int, settings: Settings) -> Core:
        return spec.core(role, settings, LateDice(f"{self._boot.seed}/{role}/{generation}"))

    def arm(self) -> None:
        """Ask for a wake-up, unless one is pending for the earliest timer."""
        seconds = self.timers.wakeup_to_ask_for()
        if seconds is not None:
            self._process.wakeupAfter(timedelta(seconds=seconds))

    def correct_clock(self, offset_ms: int) -> None:
        """Set how far venue time is ahead of the run's clock."""
        self.clock.offset_ms = offset_ms

    def adopt_settings(self, settings: Settings) -> None:
        """Use these settings for every core made from now on; ports keep those of the start."""
        self._settings = self._crashes.settings = settings

    def instant(self) -> float:
        """Host monotonic seconds."""
        return time.monotonic()

    def age_ms(self, since: float) -> int:
        """Real time since an instant."""
        return int((time.monotonic() - since) * 1000)

    def take_samples(self) -> dict[str, tuple[int, ...]]:
        """Return the latencies measured since the last call."""
        return self._samples.take()

    def refused_count(self) -> int:
        """How many connections and frames this process's socket has refused."""
        return REFUSALS.count

    def fenced(self, role: str) -> None:
        """Leave at once: this process seemed dead, and a successor has one of its roles."""
        del role
        os._exit(EXIT_FENCED)


def _hand_capture_over(group: HostGroup, outside: ProcessOutside) -> None:
    capture = outside.captured.take()
    if capture is not None:
        group.say(RECORDER, capture)


class _Wakeups:
    """An actor's timers, driven by its process's wake-ups."""

    def __init__(self, outside: ProcessOutside, role: str) -> None:
        self._outside = outside
        self._role = role

    def set(self, key: str, delay_ms: int) -> None:
        outside = self._outside
        outside.timers.set((self._role, key), outside.clock.real_seconds(delay_ms))
        outside.arm()

    def cancel(self, key: str) -> None:
        self._outside.timers.cancel((self._role, key))

    def clear(self) -> None:
        self._outside.timers.clear(self._role)


class _MeasuredRows:
    """An actor's access to the journal, with the duration of its records."""

    def __init__(self, rows: HostJournal, samples: LatencySamples) -> None:
        self._rows = rows
        self._samples = samples
        self.claim = rows.claim
        self.load = rows.load
        self.recall = rows.recall

    def record(self, record: Record, at_ms: int) -> object:
        began_ns = time.monotonic_ns()
        kept = self._rows.record(record, at_ms)
        self._samples.add("journal_write", began_ns)
        return kept


class _Latencies(HostWatch):
    """Measures the latencies that end at an actor."""

    def __init__(self, samples: LatencySamples, probe: LatencyProbe) -> None:
        self._samples = samples
        self._latency_of = probe.latency_of

    def handled(self, host: RunningHost, message: object) -> None:
        del host
        sample = self._latency_of(message)
        if sample is not None:
            self._samples.add(*sample)


class _Points(HostWatch):
    """Passes the pause points, at which a drill may hold an actor."""

    def __init__(self, points: PausePoints) -> None:
        self._points = points

    def performs(self, host: RunningHost, effect: Effect) -> None:
        if isinstance(effect, Send):
            self._points.reach(host.role, "sending", effect.message)

    def performed(self, host: RunningHost, effect: Effect) -> None:
        if isinstance(effect, Record):
            self._points.reach(host.role, "recorded", effect.event)
