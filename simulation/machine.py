"""The simulated machine: builds a tree, and another one when supervisor or machine have crashed.

This is what understudy/running/foreground.py does for processes. Killed processes of an old tree
may act for a moment longer beside the new one, as the leftovers of a crashed supervisor really do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from actors.settings import Settings
from actors.supervision.layouts import Layout
from simulation.context import SimulationContext
from simulation.process import SimulatedProcess
from simulation.simulated_actor import SimulatedActor
from simulation.simulated_supervisor import SimulatedSupervisor

NOTICE_MOST_MS = 1_500
LEFTOVER_MOST_MS = 5_000
"""An actor whose supervisor is gone exits within this time."""
_LEFTOVER_CHANCE = 0.25
_OPERATOR_MOST_MS = 20_000
_POLL_MS = 1_000


class SimulatedMachine:
    """All trees, former ones included; one of them is current."""

    def __init__(
        self,
        context: SimulationContext,
        layout: Callable[[], Layout],
        chance: Random,
        on_torn: Callable[[], None],
    ) -> None:
        self.restarts = 0
        """How often the whole system was built again."""
        self.records_lost = 0
        self._context = context
        self._layout = layout
        self._chance = chance
        self._on_torn = on_torn
        self._tree: SimulatedSupervisor | None = None
        self._leftovers: list[SimulatedProcess] = []
        self._tree_count = 0

    @property
    def tree(self) -> SimulatedSupervisor | None:
        """The current tree; None between two."""
        return self._tree

    def processes(self) -> Iterator[SimulatedProcess]:
        """Yield every process that is not gone, leftovers included."""
        yield from (process for process in self._leftovers if not process.is_gone)
        if self._tree is not None:
            yield from self._tree.processes

    def actors(self) -> Iterator[SimulatedActor]:
        """Yield every actor that is not gone, leftovers included."""
        for process in tuple(self.processes()):
            yield from process.actors

    def begin(self) -> None:
        """Build a tree."""
        if self._tree is None:
            self._tree_count += 1
            self._tree = SimulatedSupervisor(
                self._context, self._tree_count, self._layout(), self._await_clearing
            )
            self._tree.begin()

    def reload(self, settings: Settings) -> None:
        """Put other settings in force, as the foreground does after recording them."""
        self._context.settings = settings
        if self._tree is not None:
            self._tree.settings_changed(self._layout())

    def supervisor_falls(self) -> None:
        """Kill the supervisor; its children live on until that is noticed."""
        tree = self._tree
        if tree is None:
            return
        tree.fall()
        self._tree = None
        self.restarts += 1
        notice_ms = int(self._chance.random() * NOTICE_MOST_MS)
        for process in tree.processes:
            self._leftovers.append(process)
            is_slow = self._chance.random() < _LEFTOVER_CHANCE
            left_ms = int(self._chance.random() * LEFTOVER_MOST_MS) if is_slow else notice_ms
            self._context.scheduler.after(left_ms, process.fall)
        self._context.scheduler.after(notice_ms, self._clear_and_begin)

    def machine_falls(self, torn_count: int) -> None:
        """Crash everything at once, and lose the newest records."""
        self._end_all()
        self.records_lost += self._context.journal.tear(torn_count)
        self._on_torn()
        self._begin_later()

    def _await_clearing(self) -> None:
        """Wait for a supervisor that gives up, then start again, as the foreground does."""
        self._context.scheduler.after(_POLL_MS, self._end_if_cleared, self._tree)

    def _end_if_cleared(self, tree: SimulatedSupervisor) -> None:
        if tree is not self._tree:
            return
        if tree.is_cleared:
            self._end_all()
            self._begin_later()
        else:
            self._context.scheduler.after(_POLL_MS, self._end_if_cleared, tree)

    def _end_all(self) -> None:
        for process in tuple(self.processes()):
            process.fall()
        if self._tree is not None:
            self._tree.fall()
        self._tree = None
        self.restarts += 1

    def _begin_later(self) -> None:
        delay_ms = 1_000 + int(self._chance.random() * _OPERATOR_MOST_MS)
        self._context.scheduler.after(delay_ms, self.begin)

    def _clear_and_begin(self) -> None:
        self._leftovers = [process for process in self._leftovers if not process.is_gone]
        self.begin()
