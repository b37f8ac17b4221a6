"""One generation of a simulated actor, as ports, referee and operator see it."""

from __future__ import annotations

from typing import Protocol

from actors.core import Core
from actors.runtime.host import Host
from simulation.journal import MemoryJournal


class HostingProcess(Protocol):
    """The simulated process of an actor."""

    @property
    def is_gone(self) -> bool:
        """Whether it has crashed."""
        ...

    def host_of(self, role: str) -> Host | None:
        """Return the host of a role; None if there is none."""
        ...

    def take_event(self, actor: SimulatedActor, event: object) -> None:
        """Handle an event of an actor's port."""
        ...

    def now_ms(self) -> int:
        """Return venue time as the process knows it."""
        ...


class SimulatedActor:
    """An actor of one generation."""

    def __init__(
        self, journal: MemoryJournal, process: HostingProcess, role: str, generation: int
    ) -> None:
        self.role = role
        self.generation = generation
        self.process = process
        self._journal = journal

    @property
    def _host(self) -> Host | None:
        host = self.process.host_of(self.role)
        return host if host is not None and host.generation == self.generation else None

    @property
    def core(self) -> Core | None:
        """The running core; None if there is none."""
        return self._host.core if self._host is not None else None

    @property
    def is_gone(self) -> bool:
        """Whether it has crashed, finished, or been restarted."""
        host = self._host
        return self.process.is_gone or host is None or not host.is_running

    @property
    def now_ms(self) -> int:
        """Venue time as the actor knows it."""
        return self.process.now_ms()

    @property
    def is_current(self) -> bool:
        """Whether no other actor has taken its role."""
        return self.generation == self._journal.generation(self.role)

    def take_event(self, event: object) -> None:
        """Handle an event of its port; a former actor ignores it."""
        if not self.is_gone:
            self.process.take_event(self, event)
