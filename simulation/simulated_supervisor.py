"""One instance of the supervisor with its children: supervisor.py on the scheduler's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actors.core import Core
from actors.messages.lifecycle import Address, AddressBook, Envelope
from actors.roles import PROCESS, SUPERVISOR
from actors.runtime.actor_spec import ActorSpec
from actors.runtime.clock import ClockSpec
from actors.runtime.messages import Boot
from actors.supervision.core import SupervisorCore
from actors.supervision.layouts import Layout
from actors.supervision.messages import (
    Kill,
    Say,
    Spawn,
    SupervisorEffect,
    Tell,
    TellBook,
)
from simulation.chance import dice
from simulation.context import SimulationContext
from simulation.post import Correspondent
from simulation.process import SimulatedProcess

BEAT_MS = 15_000
FORK_MS = 8
_NEVER_MS = 2**62


class SimulatedSupervisor:
    """The actor around SupervisorCore, and the processes it made."""

    def __init__(
        self,
        context: SimulationContext,
        number: int,
        layout: Layout,
        on_giving_up: Callable[[], None],
    ) -> None:
        self.role = SUPERVISOR
        self.is_gone = False
        self._context = context
        self._on_giving_up = on_giving_up
        self._roles_of = dict(layout.processes)
        self._next_pid = pid = number * 1_000
        self._tick_at_ms = _NEVER_MS
        self._processes: dict[int, SimulatedProcess] = {}
        self._handles: dict[int, int] = {}
        self._core = SupervisorCore(
            layout,
            context.settings.supervision,
            dice(context.seed, SUPERVISOR, number),
            pid,
            tick_gap_most_ms=BEAT_MS,
        )

    @property
    def processes(self) -> Iterator[SimulatedProcess]:
        """Every child that is not gone."""
        return (process for process in self._processes.values() if not process.is_gone)

    @property
    def is_cleared(self) -> bool:
        """Whether, after giving up, no order is left to be ended."""
        return self._core.report(0, self._context.scheduler.now_ms).is_cleared

    def begin(self) -> None:
        """Start the children and the ticks."""
        self._perform(self._core.begin(self._context.scheduler.now_ms))
        self._beat()

    def settings_changed(self, layout: Layout) -> None:
        """Send every child the context's settings; series may have been added or dropped."""
        self._roles_of = dict(layout.processes)
        self._perform(self._core.settings_changed(layout, self._context.scheduler.now_ms))

    def fall(self) -> None:
        """Crash; the children do not notice at once."""
        self.is_gone = True

    def receive(self, sender: Correspondent, envelope: Envelope) -> None:
        """Handle a message of a child."""
        if not self.is_gone:
            now_ms = self._context.scheduler.now_ms
            who = envelope.sender_role or sender.role
            self._context.note(SUPERVISOR, f"<{who}", envelope.message)
            handle = self._handles.get(id(sender), -1)
            effects = self._core.child_said(handle, envelope.message, now_ms)
            if effects:  # without any, no new wait for a tick has begun
                self._perform(effects)

    def child_is_gone(self, process: SimulatedProcess) -> None:
        """Note an exit."""
        if self.is_gone:
            return
        handle = self._handles.pop(id(process))
        self._perform(self._core.child_exited(handle, self._context.scheduler.now_ms))
        del self._processes[handle]

    def _beat(self) -> None:
        if not self.is_gone:
            self._context.scheduler.after(BEAT_MS, self._beat)
            self._tick()

    def _tick(self) -> None:
        self._tick_at_ms = _NEVER_MS
        if not self.is_gone:
            self._perform(self._core.tick(self._context.scheduler.now_ms))

    def _arm_tick(self) -> None:
        scheduler = self._context.scheduler
        delay_ms = self._core.next_tick_ms(scheduler.now_ms)
        if delay_ms is not None and scheduler.now_ms + delay_ms < self._tick_at_ms:
            self._tick_at_ms = scheduler.now_ms + delay_ms
            scheduler.after(delay_ms, self._tick)

    def _perform(self, effects: list[SupervisorEffect]) -> None:
        for effect in effects:
            self._perform_one(effect)
        self._arm_tick()

    def _perform_one(self, effect: SupervisorEffect) -> None:
        match effect:
            case Spawn(handle, name):
                self._spawn(handle, name)
            case Tell(handle, message, role):
                self._tell(handle, message, role)
            case TellBook(handle):
                self._tell(handle, self._book())
            case Kill(pid):
                for process in self.processes:
                    if process.pid == pid:
                        process.fall()
            case Say(level, text):
                self._context.note(SUPERVISOR, "logs", text)
                if level == "error":
                    self._on_giving_up()

    def _spawn(self, handle: int, name: str) -> None:
        context = self._context
        self._next_pid += 1
        process = SimulatedProcess(context, self, name, self._next_pid)
        self._processes[handle] = process
        self._handles[id(process)] = handle
        self._core.child_forked(handle, process.pid)
        if context.post.delivers_boot():
            context.scheduler.after(FORK_MS, process.begin, self._boot(name))

    def _boot(self, name: str) -> Boot:
        context, roles = self._context, self._roles_of[name]
        spec = ActorSpec(core=Core)  # the context provides the core classes
        return Boot(
            process=name,
            roles=roles,
            actors=dict.fromkeys(roles, spec),
            order=spec,
            settings=context.settings,
            clock=ClockSpec(origin_monotonic_ns=0, origin_ms=0),
            data_dir="",
            log_to_stderr=False,
            seed=context.seed,
            book=self._book(),
            venue_offset_ms=self._core.venue_offset_ms,
        )

    def _book(self) -> AddressBook:
        entries = {SUPERVISOR: Address(address=self, generation=0)}
        for role, handle, generation in self._core.listed():
            entries[role] = Address(address=self._processes[handle], generation=generation)
        settings = self._context.settings
        return AddressBook(
            version=self._core.book_version,
            entries=entries,
            settings=settings if settings.number else None,
        )

    def _tell(self, handle: int, message: object, role: str = PROCESS) -> None:
        envelope = Envelope(sender_role=SUPERVISOR, generation=0, message=message, to=role)
        self._context.post.send(self, self._processes[handle], envelope, is_control=True)
