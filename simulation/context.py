"""The shared surroundings of all actors of a run: time, post, journal and watchers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from actors.core import Core, Record
from actors.runtime.host_context import HostWatch
from actors.runtime.scheduler import Scheduler
from actors.settings import Settings
from simulation.journal import MemoryJournal
from simulation.post import Post
from simulation.simulated_actor import SimulatedActor
from simulation.trace import Trace


class SimulatedPort(Protocol):
    """A core's port to the simulated outside world."""

    def perform(self, command: object) -> None:
        """Start a core's command."""
        ...

    def close(self) -> None:
        """Close everything."""
        ...


class Watcher(Protocol):
    """Observes every step of every actor."""

    def heard(self, actor: SimulatedActor, message: object) -> None:
        """Observe that a core is about to handle a message."""
        ...

    def recorded(self, actor: SimulatedActor, record: Record) -> None:
        """Observe that a record was accepted."""
        ...

    def said(self, actor: SimulatedActor, message: object) -> None:
        """Observe that a message is about to be sent."""
        ...

    def commanded(self, actor: SimulatedActor, command: object) -> None:
        """Observe that a port is about to get a command."""
        ...

    def complained(self, actor: SimulatedActor, text: str) -> None:
        """Observe that a core logs an error."""
        ...


@attrs.define(kw_only=True)
class SimulationContext:
    """The shared surroundings of all actors of a run."""

    seed: int
    settings: Settings
    scheduler: Scheduler
    post: Post
    journal: MemoryJournal
    trace: Trace
    watcher: Watcher
    core_class: Callable[[str], type[Core]]
    """Returns the core class of a role."""
    make_port: Callable[[SimulatedActor], SimulatedPort | None]
    stays_without_journal: Callable[[str], bool] = lambda _role: False
    """Returns whether a role's actor stays when it cannot record."""
    cut: Callable[[int], int | None] | None = None
    """Returns how many effects to perform before a simulated crash, given how many there are; None
    for no crash. It is itself None in runs without such crashes, to save time."""
    raises: Callable[[], bool] | None = None
    """Returns whether the core raises instead of handling the next message; None if none ever
    does."""
    recorder: Callable[[Callable[[int], Core]], HostWatch] | None = None
    """Makes one more watch for a host, given the function that makes its core again."""
    clock_error_ms: int = 0
    """How far the host's clock is ahead of the venue's."""

    def note(self, who: str, verb: str, what: object) -> None:
        """Add a line to the trace."""
        self.trace.note(self.scheduler.now_ms, who, verb, what)
