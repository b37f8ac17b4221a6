"""Faults that occur by themselves, until they are stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from simulation.chance import exponential_ms
from simulation.context import SimulationContext
from simulation.exchange.ports import SimulatedWebSocket, Wire
from simulation.machine import SimulatedMachine
from simulation.operator import Operator
from simulation.plan import SeedPlan, fault_meanings
from simulation.process import SimulatedProcess

HANG_MOST_MS = 80_000
FREEZE_MOST_MS = 60_000
UNWRITABLE_MOST_MS = 5_000
JUMP_MOST_MS = 30_000


class Chaos:
    """Causes crashes, hangs, failures and wrong clocks, at the rates of a seed's plan."""

    def __init__(
        self,
        plan: SeedPlan,
        context: SimulationContext,
        machine: SimulatedMachine,
        wire: Wire,
        operator: Operator,
        chance: Random,
    ) -> None:
        self.counts = dict.fromkeys(fault_meanings(plan.settings.execution.mode), 0)
        self._plan = plan
        self._context = context
        self._machine = machine
        self._wire = wire
        self._side = wire.exchange.order_side
        self._operator = operator
        self._chance = chance
        self._is_over = False
        self._halfway = plan.rates.halfway
        self._raises = plan.rates.raises
        self._hung: list[SimulatedProcess] = []
        if self._halfway:
            context.cut = self.cut
        if self._raises:
            context.raises = self.raises

    def begin(self) -> None:
        """Schedule the first fault of every kind that has a rate per minute."""
        strikes: dict[str, Callable[[], None]] = {
            "falls": self._fall,
            "hangs": self._hang,
            "supervisor_falls": self._machine.supervisor_falls,
            "machine_falls": self._machine_falls,
            "unwritable": self._fill_disk,
            "disconnects": self._disconnect,
            "freezes": self._freeze,
            "clock_jumps": self._jump,
            "halts": self._operator.halt,
        }
        rates = self._plan.rates.active()
        if self._side is not None:
            strikes |= self._side.misbehaviours()
            rates |= self._plan.live.active()
        for kind, strike in strikes.items():
            per_minute = rates.get(kind)
            if per_minute:
                self._plan_next(kind, per_minute, strike)

    def end(self) -> None:
        """Stop all faults, and repair what does not recover by itself."""
        self._is_over = True
        self._halfway = self._raises = 0.0
        self._wire.heal()
        self._context.post.heal()
        self._context.journal.is_writable = True
        self._operator.resume()
        if self._side is not None:
            self._side.heal()
        for process in self._hung:
            process.go_on()
        for socket in self._sockets():
            socket.freeze(0)

    def cut(self, effect_count: int) -> int | None:
        """Draw whether a process crashes after only some of a message's effects, and how many."""
        if not self._halfway or self._chance.random() >= self._halfway:
            return None
        self.counts["halfway"] += 1
        return self._chance.randrange(effect_count + 1)

    def raises(self) -> bool:
        """Draw whether a core raises instead of handling a message."""
        if not self._raises or self._chance.random() >= self._raises:
            return False
        self.counts["raises"] += 1
        return True

    def all_counts(self) -> dict[str, int]:
        """Return how often each kind has occurred."""
        elsewhere: list[Mapping[str, int]] = [self._wire.counts, self._context.post.counts]
        if self._side is not None:
            elsewhere.append(self._side.mishaps.counts)
        return {
            kind: count + sum(counts.get(kind, 0) for counts in elsewhere)
            for kind, count in self.counts.items()
        }

    def _plan_next(self, kind: str, per_minute: float, strike: Callable[[], None]) -> None:
        delay_ms = exponential_ms(self._chance, per_minute)
        self._context.scheduler.after(delay_ms, self._strike, kind, per_minute, strike)

    def _strike(self, kind: str, per_minute: float, strike: Callable[[], None]) -> None:
        if self._is_over:
            return
        self.counts[kind] += 1
        self._context.note("chaos", "strikes:", kind)
        strike()
        self._plan_next(kind, per_minute, strike)

    def _fall(self) -> None:
        processes = list(self._machine.processes())
        if processes:
            self._chance.choice(processes).fall()

    def _hang(self) -> None:
        processes = list(self._machine.processes())
        if processes:
            process = self._chance.choice(processes)
            process.hang()
            self._hung.append(process)
            delay_ms = int(self._chance.random() * HANG_MOST_MS)
            self._context.scheduler.after(delay_ms, process.go_on)

    def _machine_falls(self) -> None:
        self._machine.machine_falls(self._chance.randint(0, self._plan.torn_most))

    def _fill_disk(self) -> None:
        self._context.journal.is_writable = False
        delay_ms = int(self._chance.random() * UNWRITABLE_MOST_MS)
        self._context.scheduler.after(delay_ms, self._free_disk)

    def _free_disk(self) -> None:
        self._context.journal.is_writable = True

    def _sockets(self) -> Sequence[SimulatedWebSocket]:
        return [link for link in self._wire.exchange.links if isinstance(link, SimulatedWebSocket)]

    def _disconnect(self) -> None:
        sockets = self._sockets()
        if sockets:
            self._chance.choice(sockets).break_off()

    def _freeze(self) -> None:
        sockets = self._sockets()
        if sockets:
            until_ms = self._context.scheduler.now_ms + int(self._chance.random() * FREEZE_MOST_MS)
            self._chance.choice(sockets).freeze(until_ms)

    def _jump(self) -> None:
        self._context.clock_error_ms = self._chance.randint(-JUMP_MOST_MS, JUMP_MOST_MS)
