"""One seed, from the first message to the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from actors.directory.messages import Side
from actors.roles import EXECUTOR
from simulation.agenda import Agenda
from simulation.chance import dice
from simulation.chaos import Chaos
from simulation.exchange.exchange import Exchange
from simulation.exchange.ports import Wire
from simulation.house import House, SimulatedPort
from simulation.invariants.aftermath import Aftermath
from simulation.invariants.breach import Breach
from simulation.invariants.evidence import Evidence, PaperEvidence
from simulation.invariants.referee import Referee
from simulation.journal import MemoryJournal
from simulation.plan import SeedPlan, draw_plan
from simulation.player import Player
from simulation.post import Post
from simulation.rough import RoughExecutorCore
from simulation.theatre import Theatre
from simulation.trace import Trace
from simulation.troupe import Troupe

EPOCH_MS = 1_795_363_200_000
"""Venue time zero of every run: a boundary of windows of any length."""
MINUTES = 15
RECOVERY_MS = 90_000
"""The least time between the end of the faults and the window that is judged: backoffs run out."""
JUDGED_AFTER_MS = 45_000
"""How long into that window."""
_LOOKS, _LOOK_EVERY_MS = 3, 300
_PROBES_AT_MS = (5_000, 12_000, 19_000, 26_000, 33_000)


@attrs.frozen(kw_only=True)
class Failure:
    """What a run came to grief on."""

    invariant: int
    text: str
    at_ms: int
    """Since the run's beginning."""
    last_lines: tuple[str, ...]


@attrs.frozen(kw_only=True)
class TrialResult:
    """What one seed came to."""

    seed: int
    digest: str
    """The same seed and program give the same; anything that happened otherwise gives another."""
    simulated_ms: int
    window_ms: int
    """Length of a window in this run."""
    step_count: int
    window_count: int
    """Windows opened."""
    settled_count: int
    order_count: int
    fill_count: int
    restart_count: int
    """How often the whole system was built anew."""
    fault_counts: Mapping[str, int]
    failure: Failure | None


class Trial:
    """Everything of one run, put together."""

    def __init__(
        self,
        seed: int,
        *,
        minutes: int = MINUTES,
        plan: SeedPlan | None = None,
        troupe: Troupe | None = None,
        journal: MemoryJournal | None = None,
        make_evidence: Callable[[], Evidence] = PaperEvidence,
    ) -> None:
        self.seed = seed
        self.plan = plan if plan is not None else draw_plan(dice(seed, "plan"))
        if troupe is None:
            troupe = (
                Troupe().replacing(EXECUTOR, RoughExecutorCore) if self.plan.is_rough else Troupe()
            )
        self.troupe = troupe
        self._faults_ms = minutes * 60_000
        settings = self.plan.settings
        offset_ms = int(dice(seed, "begin").random() * settings.series.window_ms)
        self._begin_ms = EPOCH_MS + offset_ms
        self.agenda = Agenda(self._begin_ms)
        self.exchange = Exchange(self.agenda, settings, seed)
        self.journal = journal or MemoryJournal(is_encoding=self.plan.is_encoding)
        self.referee = Referee(settings, self, make_evidence)
        self._wire = Wire(self.agenda, self.exchange, self.plan.rates, dice(seed, "wire"))
        self._post = Post(self.agenda, self.plan.rates, dice(seed, "post"))
        self.house = House(
            seed=seed,
            settings=settings,
            agenda=self.agenda,
            post=self._post,
            journal=self.journal,
            trace=Trace(),
            watcher=self.referee,
            core_class=self.troupe.core_class,
            make_port=self._make_port,
        )
        roles = tuple(self.troupe.permanent)
        self.theatre = Theatre(self.house, roles, dice(seed, "theatre"), self._on_torn)
        self.chaos = Chaos(self.plan, self.house, self.theatre, self._wire, dice(seed, "chaos"))
        self.house.cut = self.chaos.cut

    def winner(self, market_id: str) -> Side | None:
        """Who has won at the venue.

        Raises:
            KeyError: the venue does not know the window, or has not decided.
        """
        for window in self.exchange.windows.values():
            if window.window.condition_id == market_id and window.is_resolved:
                return window.winner
        raise KeyError(market_id)

    def run(self) -> TrialResult:
        """Play it to its end."""
        failure = None
        try:
            self._play()
        except Breach as breach:
            failure = self._failure(breach.invariant, str(breach))
        return self._result(failure)

    def _play(self) -> None:
        self.exchange.begin()
        self.theatre.begin()
        self.chaos.begin()
        self.agenda.run_until(self._begin_ms + self._faults_ms)
        self.chaos.end()
        window_ms = self.plan.settings.series.window_ms
        judged_from_ms = -(-(self.agenda.now_ms + RECOVERY_MS) // window_ms) * window_ms
        self.agenda.run_until(judged_from_ms)
        self.exchange.be_steady()
        for probe_ms in _PROBES_AT_MS:
            self.agenda.run_until(judged_from_ms + probe_ms)
            self.exchange.offer_cheap_pair()
        self.agenda.run_until(judged_from_ms + JUDGED_AFTER_MS)
        complaints = self._standing_complaints()
        if complaints:
            raise Breach(8, "; ".join(complaints))

    def _standing_complaints(self) -> list[str]:
        """What is wrong at each of several looks: an order may just be ending at one of them."""
        self.exchange.pause(_LOOKS * _LOOK_EVERY_MS)
        complaints: list[str] = []
        for look in range(_LOOKS):
            self.agenda.run_until(self.agenda.now_ms + _LOOK_EVERY_MS - 1)
            seen = list(self._aftermath().complaints())
            complaints = [text for text in seen if look == 0 or text in complaints]
        return complaints

    def _aftermath(self) -> Aftermath:
        return Aftermath(
            now_ms=self.agenda.now_ms,
            facts=self.referee.facts,
            exchange=self.exchange,
            players=tuple(self.theatre.players()),
            roles=tuple(self.troupe.permanent),
            newest_snapshot=self.referee.newest_snapshot,
        )

    def _make_port(self, player: Player) -> SimulatedPort | None:
        make = self.troupe.ports.get(player.role)
        return make(self._wire, player) if make is not None else None

    def _on_torn(self) -> None:
        self.referee.torn(kept.record for kept in self.journal.records)

    def _failure(self, invariant: int, text: str) -> Failure:
        return Failure(
            invariant=invariant,
            text=text,
            at_ms=self.agenda.now_ms - self._begin_ms,
            last_lines=tuple(self.house.trace.lines(self._begin_ms)),
        )

    def _result(self, failure: Failure | None) -> TrialResult:
        facts = self.referee.facts
        return TrialResult(
            seed=self.seed,
            digest=self.house.trace.digest(*self.journal.texts()),
            simulated_ms=self.agenda.now_ms - self._begin_ms,
            window_ms=self.plan.settings.series.window_ms,
            step_count=self.agenda.called_count,
            window_count=len(facts.windows),
            settled_count=sum(ledger.is_settled for ledger in facts.ledgers.values()),
            order_count=len(facts.orders),
            fill_count=sum(len(fact.state.fills) for fact in facts.orders.values()),
            restart_count=self.theatre.restarts,
            fault_counts=self.chaos.all_counts(),
            failure=failure,
        )


def run_trial(seed: int, minutes: int = MINUTES) -> TrialResult:
    """Run one seed as it is drawn."""
    return Trial(seed, minutes=minutes).run()
