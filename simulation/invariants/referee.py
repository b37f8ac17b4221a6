"""The referee: checks every invariant at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actors.core import Record
from actors.messages.market import MarketSnapshot
from actors.settings import Settings
from simulation.invariants.breach import Breach
from simulation.invariants.conduct import KnowsEnough, SoundBooks
from simulation.invariants.evidence import Evidence
from simulation.invariants.facts import Facts
from simulation.invariants.invariant import ANYTHING, Actor, Invariant, Truth
from simulation.invariants.life import EndsAsTheVenueSays, OnlyEvidenceMoves
from simulation.invariants.money import EachFillOnce, RightWinner, SumsAreExact, VersionsGrow
from simulation.invariants.ownership import Immutable, OneOwner, RecoversWhatIsRecorded
from simulation.invariants.records import CarriedOutOnce, RecordedFirst
from simulation.invariants.sides import NotStale, OneOrderASide, TogetherOrNotAtAll

INVARIANTS: tuple[type[Invariant], ...] = (
    OneOwner,
    Immutable,
    OneOrderASide,
    TogetherOrNotAtAll,
    NotStale,
    RecordedFirst,
    CarriedOutOnce,
    OnlyEvidenceMoves,
    EndsAsTheVenueSays,
    VersionsGrow,
    EachFillOnce,
    SumsAreExact,
    RightWinner,
    SoundBooks,
    KnowsEnough,
    RecoversWhatIsRecorded,
)
"""What must hold at every step."""

_EXPECTED_ERRORS = (
    "cannot record",
    "nothing can be recorded",
    "a cancel got no answer",
    "no credentials from the venue",
    "was CONFIRMED, and the venue now says that it FAILED",
    "at the venue: all of it is booked; check the account",
)
"""Errors that cores may log in a run: a full disk, a venue that refuses requests, fails a confirmed
trade, or trades much more than was ordered."""

_Check = Callable[[Any, Any], None]
_Checks = dict[type, tuple[_Check, ...]]


class Referee:
    """Passes every step to the invariants that check it; the first broken one ends the run."""

    def __init__(
        self,
        settings: Settings,
        truth: Truth,
        make_evidence: Callable[[], Evidence],
        invariants: Iterable[type[Invariant]] = INVARIANTS,
    ) -> None:
        self.facts = Facts(make_evidence())
        self._make_evidence = make_evidence
        self._invariants = [each(self.facts, settings, truth) for each in invariants]
        self._checks: dict[str, _Checks] = {
            occasion: {} for occasion in ("recorded", "said", "heard", "commanded")
        }
        for each in self._invariants:
            for occasion, looked_at, check in each.occasions():
                checks = self._checks[occasion]
                checks[looked_at] = (*checks.get(looked_at, ()), check)
        self._heard = self._checks["heard"]
        self._met: dict[type, tuple[_Check, ...]] = {}

    @property
    def newest_snapshots(self) -> Mapping[str, MarketSnapshot]:
        """The last snapshot of each strategy, by its role; none after a machine crash."""
        books = next(each for each in self._invariants if isinstance(each, SoundBooks))
        return books.newest

    def heard(self, actor: Actor, message: object) -> None:
        """Check a message that a core is about to handle."""
        for check in self._heard.get(type(message), ()):
            check(actor, message)

    def recorded(self, actor: Actor, record: Record) -> None:
        """Check a record that was accepted."""
        checks = self._checks["recorded"]
        for check in (*checks.get(type(record.event), ()), *checks.get(ANYTHING, ())):
            check(actor, record)
        self.facts.take(record)

    def said(self, actor: Actor, message: object) -> None:
        """Check a message that is about to be sent."""
        kind = type(message)
        checks = self._met.get(kind)
        if checks is None:
            checks = self._met[kind] = self._checks["said"].get(kind, ())
            for check in self._checks["said"].get(ANYTHING, ()):
                check(actor, message)
        for check in checks:
            check(actor, message)

    def commanded(self, actor: Actor, command: object) -> None:
        """Check a command that a port is about to get."""
        for check in self._checks["commanded"].get(type(command), ()):
            check(actor, command)

    def complained(self, actor: Actor, text: str) -> None:
        """Check an error logged by a core.

        Raises:
            Breach: it is none of the errors that the faults of a run explain.
        """
        if not any(expected in text for expected in _EXPECTED_ERRORS):
            raise Breach(0, f"{actor.role} logs an error: {text}")

    def torn(self, records: Iterable[Record]) -> None:
        """Continue with only these records after a machine crash."""
        facts = Facts(self._make_evidence())
        for record in records:
            facts.take(record)
        vars(self.facts).update(vars(facts))
        for each in self._invariants:
            each.forget()
