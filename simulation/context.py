"""What all actors of a run share: time, post, journal, and those who watch."""

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
    """A core's hand on the simulated world outside."""

    def perform(self, command: object) -> None:
        """Start what a core commanded."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Watcher(Protocol):
    """Sees every step of every actor."""

    def heard(self, actor: SimulatedActor, message: object) -> None:
        """A core is about to handle a message."""
        ...

    def recorded(self, actor: SimulatedActor, record: Record) -> None:
        """A record was accepted."""
        ...

    def said(self, actor: SimulatedActor, message: object) -> None:
        """A message is about to leave."""
        ...

    def commanded(self, actor: SimulatedActor, command: object) -> None:
        """A port is about to be given a command."""
        ...

    def complained(self, actor: SimulatedActor, text: str) -> None:
        """A core logs an error."""
        ...


@attrs.define(kw_only=True)
class SimulationContext:
    """What all actors of a run have in common."""

    seed: int
    settings: Settings
    scheduler: Scheduler
    post: Post
    journal: MemoryJournal
    trace: Trace
    watcher: Watcher
    core_class: Callable[[str], type[Core]]
    """Class of the core that fills a role."""
    make_port: Callable[[SimulatedActor], SimulatedPort | None]
    stays_without_journal: Callable[[str], bool] = lambda _role: False
    """Whether the actor of a role stays when it cannot record."""
    cut: Callable[[int], int | None] | None = None
    """Effects to perform before a simulated fall, given how many there are; None for no fall. Is
    itself None where nothing falls half-way, and costs nothing then."""
    raises: Callable[[], bool] | None = None
    """Whether the core that is about to handle a message raises instead; None if none ever does."""
    recorder: Callable[[Callable[[int], Core]], HostWatch] | None = None
    """Makes one more watch for a host, given what makes its core anew."""
    clock_error_ms: int = 0
    """How far the host's clock is ahead of the venue's."""

    def note(self, who: str, verb: str, what: object) -> None:
        """Put a line into the trace."""
        self.trace.note(self.scheduler.now_ms, who, verb, what)
