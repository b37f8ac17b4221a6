"""The operator: halts, cancels, flattens, resumes; each request is repeated until it is answered.

As with ``understudy halt``, messages go from the foreground straight to the desk: one may be lost,
and none arrives late or twice.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from actors.messages.halts import OPERATOR, FlattenHoldings, HaltStatus, HaltTrading, ResumeTrading
from actors.messages.lifecycle import Envelope
from actors.roles import DESK
from simulation.context import SimulationContext
from simulation.machine import SimulatedMachine
from simulation.post import Correspondent

ASK_MS = 1_000
RESUMES_MOST_MS = 40_000
"""Longest time from a halt until trading is resumed."""

_Question = Callable[[int], object]
"""Makes the message from a request's number."""


def _halt(number: int) -> object:
    return HaltTrading("lunch", cancel=False, who=OPERATOR, request_id=number)


def _halt_for_good(number: int) -> object:
    return HaltTrading("the books are compared", cancel=False, who=OPERATOR, request_id=number)


def _halt_and_cancel(number: int) -> object:
    return HaltTrading("thunder", cancel=True, who=OPERATOR, request_id=number)


def _flatten(number: int) -> object:
    return FlattenHoldings(who=OPERATOR, reason="a holiday", request_id=number)


def _resume(number: int) -> object:
    return ResumeTrading(who=OPERATOR, reason="back again", request_id=number)


class Operator:
    """One person with one request at a time."""

    def __init__(
        self, context: SimulationContext, machine: SimulatedMachine, chance: Random
    ) -> None:
        self.role = "foreground"
        self.is_obeyed = False
        """Whether the desk has confirmed a halt, and was not asked to resume since."""
        self._context = context
        self._machine = machine
        self._chance = chance
        self._question: _Question | None = None
        self._number = 0

    def halt(self) -> None:
        """Halt in one of the possible ways, and resume after a while."""
        if self._question is None and not self.is_obeyed:
            self._begin(self._chance.choice((_halt, _halt_and_cancel, _flatten)))
            resumes_ms = int(self._chance.random() * RESUMES_MOST_MS)
            self._context.scheduler.after(resumes_ms, self.resume)

    def halt_for_good(self) -> None:
        """Halt for the rest of the run."""
        self._begin(_halt_for_good)

    def resume(self) -> None:
        """Resume trading, whatever request was open."""
        self.is_obeyed = False
        self._begin(_resume)

    def receive(self, sender: Correspondent, envelope: Envelope) -> None:
        """Handle the desk's answer."""
        del sender
        message = envelope.message
        if isinstance(message, HaltStatus) and message.request_id == self._number:
            self.is_obeyed = self._question not in (None, _resume)
            self._question = None

    def _begin(self, question: _Question) -> None:
        self._question = question
        self._number += 1
        self._ask(self._number)

    def _ask(self, number: int) -> None:
        question = self._question
        if question is None or number != self._number:
            return
        self._context.scheduler.after(ASK_MS, self._ask, number)
        for process in tuple(self._machine.processes()):
            if any(each.role == DESK and each.is_current for each in process.actors):
                said = question(number)
                self._context.note(self.role, "says", said)
                envelope = Envelope(sender_role=self.role, generation=0, message=said, to=DESK)
                self._context.post.send(self, process, envelope, is_control=True)
