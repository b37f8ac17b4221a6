"""One simulated process: a group of hosts on virtual time, and its faults.

Group and hosts are the product's own. Their surroundings are the simulation's: a post that loses
messages, a journal that loses its end, wrong clocks, ports to a venue with faults, cores that are
made to raise, and crashes between any two effects.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from actors.core import Command, Core, Effect, Effects, Log, Record, Send
from actors.messages.lifecycle import Envelope, TimerFired
from actors.roles import SUPERVISOR
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.group import HostGroup
from actors.runtime.host import Host
from actors.runtime.host_context import (
    HostContext,
    HostPost,
    HostWatch,
    HostWatches,
    RunningHost,
)
from actors.runtime.journal_file import JournalError
from actors.runtime.messages import Boot
from actors.runtime.pause_points import MadeToRaise
from actors.runtime.scheduler import VirtualTimers
from actors.settings import Settings
from simulation.chance import dice
from simulation.context import SimulationContext
from simulation.invariants.breach import Breach
from simulation.journal import MemoryJournal
from simulation.post import Correspondent
from simulation.simulated_actor import SimulatedActor


class Parent(Protocol):
    """The maker of a process, which is told when it is gone."""

    def child_is_gone(self, process: SimulatedProcess) -> None:
        """Note an exit."""
        ...


class SimulatedProcess:
    """Runs a group of actors; can crash, hang and resume."""

    def __init__(self, context: SimulationContext, tree: Parent, name: str, pid: int) -> None:
        self.role = name
        """Its name, as the post knows it."""
        self.pid = pid
        self._is_gone = False
        self._context = context
        self._tree = tree
        self._clock = _OwnClock(context)
        self._settings = context.settings
        self._made_with: dict[str, Settings] = {}
        self._actors: dict[str, SimulatedActor] = {}
        self._group: HostGroup | None = None
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it has crashed."""
        return self._is_gone

    @property
    def actors(self) -> Iterator[SimulatedActor]:
        """Its actors that are not gone."""
        return (actor for actor in tuple(self._actors.values()) if not actor.is_gone)

    def host_of(self, role: str) -> Host | None:
        """Return the host of a role; None if there is none here."""
        return self._group.hosts.get(role) if self._group is not None else None

    def now_ms(self) -> int:
        """Return venue time as this process knows it."""
        return self._clock.now_ms()

    # Faults

    def begin(self, boot: Boot) -> None:
        """Handle the first message, as the supervisor sends it to a new process."""
        if self._is_gone or self._waiting is not None:
            self._wait(self.begin, boot)
            return
        self._clock.offset_ms = boot.venue_offset_ms
        self._settings = boot.settings
        self._group = HostGroup(self, boot)
        self._group.begin()

    def fall(self) -> None:
        """Crash at once, losing everything that waits."""
        if not self._is_gone:
            self._is_gone = True
            if self._group is not None:
                self._group.end()
            self._context.scheduler.after(3, self._tree.child_is_gone, self)

    def hang(self) -> None:
        """Stop; messages wait."""
        if self._waiting is None:
            self._waiting = []

    def go_on(self) -> None:
        """Handle what has waited: messages, then the timers that expired meanwhile."""
        waiting, self._waiting = self._waiting or [], None
        for call, arguments in sorted(waiting, key=lambda each: each[0] == self._wake):
            call(*arguments)

    def receive(self, sender: Correspondent, envelope: Envelope) -> None:
        """Handle a message of another process."""
        if self._is_gone or self._waiting is not None:
            self._wait(self.receive, sender, envelope)
        elif self._group is not None:  # without its first message it cannot answer anything
            self._context.note(
                envelope.to or self.role, f"<{envelope.sender_role}", envelope.message
            )
            self._group.take(envelope, sender)

    def take_event(self, actor: SimulatedActor, event: object) -> None:
        """Handle an event of an actor's port."""
        if self._is_gone or self._waiting is not None:
            self._wait(actor.take_event, event)
            return
        self._context.note(actor.role, "<port", event)
        if self._group is not None:
            self._group.hand(actor.role, event)

    def _wake(self, timers: VirtualTimers, role: str, key: str, number: int) -> None:
        if self._is_gone or self._waiting is not None:
            if timers.is_due(key, number):
                self._wait(self._wake, timers, role, key, number)
        elif timers.take(key, number) and self._group is not None:
            self._group.hand(role, TimerFired(key))

    def _wait(self, call: Callable[..., None], *arguments: Any) -> None:
        """Postpone a call until the process resumes; a crashed one never does."""
        if self._waiting is not None:
            self._waiting.append((call, arguments))

    # Surroundings of its group

    def transmit(self, address: Any, envelope: Envelope) -> None:
        """Hand the post a message for another process."""
        if not self._is_gone:
            is_control = envelope.to == SUPERVISOR or envelope.sender_role == SUPERVISOR
            self._context.post.send(self, address, envelope, is_control=is_control)

    def context(self, role: str, spec: ActorSpec, post: HostPost) -> HostContext:
        """Return the context of an actor's host."""
        del spec
        context = self._context
        timers = VirtualTimers(
            context.scheduler, lambda key, number: self._wake(timers, role, key, number)
        )
        watch: HostWatch = (
            _Eye(context, self) if context.cut is None else _CuttingEye(context, self, context.cut)
        )
        if context.recorder is not None:
            watch = HostWatches(
                context.recorder(
                    lambda generation: self._bare_core(role, generation, self._made_with[role])
                ),
                watch,
            )
        return HostContext(
            make_core=lambda generation: self._make_core(role, generation),
            post=post,
            journal=_OwnRows(context.journal, role),
            timers=timers,
            clock=self._clock,
            log=lambda _level, text: context.note(role, "logs", text),
            pid=self.pid,
            is_live=context.settings.execution.mode == "live",
            stays_without_journal=context.stays_without_journal(role),
            make_port=lambda: context.make_port(self._actors[role]),
            watch=watch,
        )

    def _make_core(self, role: str, generation: int) -> Core:
        context = self._context
        self._actors[role] = SimulatedActor(context.journal, self, role, generation)
        settings = self._made_with[role] = self._settings.for_role(role)
        core = self._bare_core(role, generation, settings)
        handle, raises = core.handle, context.raises
        if raises is None:
            return core

        def handle_or_raise(message: object, now_ms: int) -> Effects:
            if raises():
                raise MadeToRaise(f"{role} is made to raise on {type(message).__name__}")
            return handle(message, now_ms)

        core.__dict__["handle"] = handle_or_raise
        return core

    def _bare_core(self, role: str, generation: int, settings: Settings) -> Core:
        context = self._context
        return context.core_class(role)(role, settings, dice(context.seed, role, generation))

    def actor_of(self, role: str) -> SimulatedActor:
        """Return the current generation of one of its actors."""
        return self._actors[role]

    def correct_clock(self, offset_ms: int) -> None:
        """Set how far venue time is ahead of the machine's clock."""
        self._clock.offset_ms = offset_ms

    def adopt_settings(self, settings: Settings) -> None:
        """Use these settings for every core made from now on."""
        self._settings = settings

    def instant(self) -> float:
        """Return the present instant."""
        return self._context.scheduler.now_ms

    def age_ms(self, since: float) -> int:
        """Return the time since an instant."""
        return int(self._context.scheduler.now_ms - since)

    def take_samples(self) -> dict[str, tuple[int, ...]]:
        """Return no samples."""
        return {}

    def refused_count(self) -> int:
        """Return 0, since there are no sockets."""
        return 0

    def fenced(self, role: str) -> None:
        """Exit, because another process has taken a role of this one."""
        self._context.note(role, "is", "fenced off")
        self.fall()


class _OwnClock:
    """The machine's clock, which may be wrong, with one process's correction."""

    def __init__(self, context: SimulationContext) -> None:
        self._context = context
        self._scheduler = context.scheduler
        self.offset_ms = 0

    def now_ms(self) -> int:
        return self._scheduler.now_ms + self._context.clock_error_ms + self.offset_ms


class _OwnRows:
    """One actor's access to the shared journal."""

    def __init__(self, journal: MemoryJournal, role: str) -> None:
        self._journal = journal
        self._role = role
        self._generation = 0
        self.load = journal.load
        self.recall = journal.recall

    def claim(self) -> int:
        self._generation = self._journal.claim(self._role)
        return self._generation

    def record(self, record: Record, at_ms: int) -> object:
        return self._journal.record(self._role, self._generation, record, at_ms)


class _Eye(HostWatch):
    """Shows the referee every step, and writes the trace."""

    def __init__(self, context: SimulationContext, process: SimulatedProcess) -> None:
        self._context = context
        self._process = process
        self._heard = context.watcher.heard
        self._said = context.watcher.said

    def made(self, host: RunningHost) -> None:
        self._actor = self._process.actor_of(host.role)

    def hears(self, host: RunningHost, message: object, now_ms: int) -> None:
        del host, now_ms
        self._heard(self._actor, message)

    def performs(self, host: RunningHost, effect: Effect) -> None:
        if type(effect) is Send:
            self._said(self._actor, effect.message)
        elif type(effect) is Command:
            self._context.note(host.role, "commands", effect.command)
            self._context.watcher.commanded(self._actor, effect.command)
        elif type(effect) is Log and effect.level == "error":
            self._context.watcher.complained(self._actor, effect.text)

    def performed(self, host: RunningHost, effect: Effect) -> None:
        if type(effect) is Record:
            self._context.note(host.role, "records", effect.event)
            self._context.watcher.recorded(self._actor, effect)

    def raised(self, host: RunningHost, message: object, error: Exception) -> None:
        if not isinstance(error, JournalError | MadeToRaise):
            text = "".join(traceback.format_exception(error))
            raise Breach(0, f"{host.role} raised on {message!r}:\n{text}")


class _CuttingEye(_Eye):
    """The same, and lets a process crash between effects."""

    def __init__(
        self,
        context: SimulationContext,
        process: SimulatedProcess,
        cut: Callable[[int], int | None],
    ) -> None:
        super().__init__(context, process)
        self._cut = cut
        self._left: list[int | None] = []
        """For each message being handled: effects until the process crashes; None if it does
        not."""

    def decided(self, host: RunningHost, effects: Sequence[Effect]) -> None:
        del host
        self._left.append(self._cut(len(effects)) if effects else None)

    def performs(self, host: RunningHost, effect: Effect) -> None:
        left = self._left[-1]
        if left is not None:
            if left == 0:
                self._process.fall()
                return
            self._left[-1] = left - 1
        super().performs(host, effect)

    def handled(self, host: RunningHost, message: object) -> None:
        del host, message
        if self._left.pop() == 0:
            self._process.fall()
