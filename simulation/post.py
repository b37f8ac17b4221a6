"""The post between processes, with the faults that the seed decides."""

from __future__ import annotations

from random import Random
from typing import Protocol

from actors.messages.lifecycle import Envelope
from actors.runtime.scheduler import Scheduler
from simulation.plan import FaultRates

HOP_MOST_MS = 3
LATE_MOST_MS = 3_000


class Correspondent(Protocol):
    """Anything with an address: a process, or a tree's supervisor."""

    role: str

    def receive(self, sender: Correspondent, envelope: Envelope) -> None:
        """Handle a message that has arrived."""
        ...


class Post:
    """Delivery at most once and in no guaranteed order, or worse while there are faults."""

    def __init__(self, scheduler: Scheduler, rates: FaultRates, chance: Random) -> None:
        self.counts = dict.fromkeys(("loss", "duplication", "lateness", "control_loss"), 0)
        self._scheduler = scheduler
        self._draw = chance.random
        self._set_thresholds(rates)

    def heal(self) -> None:
        """From now on deliver everything, once and soon."""
        self._set_thresholds(FaultRates())

    def delivers_boot(self) -> bool:
        """Draw whether a new process receives its first message, which all others require."""
        is_lost = self._control_loss > 0 and self._draw() < self._control_loss
        self.counts["control_loss"] += is_lost
        return not is_lost

    def send(
        self,
        sender: Correspondent,
        to: Correspondent,
        envelope: Envelope,
        *,
        is_control: bool,
    ) -> None:
        """Send a message; ``is_control``: the supervisor is its sender or receiver."""
        luck = self._draw()
        delay_ms = 1 + int(luck * 997) % HOP_MOST_MS
        if is_control:
            if luck < self._control_loss:
                self.counts["control_loss"] += 1
                return
        elif luck < self._unlucky:
            if luck < self._loss:
                self.counts["loss"] += 1
                return
            if luck < self._duplication:
                self.counts["duplication"] += 1
                later_ms = delay_ms + int(self._draw() * LATE_MOST_MS)
                self._scheduler.after(later_ms, to.receive, sender, envelope)
            else:
                self.counts["lateness"] += 1
                delay_ms += int(self._draw() * LATE_MOST_MS)
        self._scheduler.after(delay_ms, to.receive, sender, envelope)

    def _set_thresholds(self, rates: FaultRates) -> None:
        self._loss = rates.loss
        self._duplication = self._loss + rates.duplication
        self._unlucky = self._duplication + rates.lateness
        self._control_loss = rates.control_loss
