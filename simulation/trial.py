"""One seed, from the first message to the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import attrs

from actors.model import Side
from actors.roles import EXECUTOR, base_role
from actors.runtime.scheduler import Scheduler
from actors.settings import Settings, StrategySettings
from actors.supervision.layouts import ISOLATED, Layout, layout_of
from simulation.actor_table import REAL_ACTORS, ActorTable
from simulation.adverse_executor import AdverseExecutorCore
from simulation.chance import dice
from simulation.chaos import Chaos
from simulation.context import SimulatedPort, SimulationContext
from simulation.exchange.exchange import Exchange
from simulation.exchange.ports import Wire
from simulation.flight_keeper import FlightKeeper
from simulation.invariants.aftermath import Aftermath
from simulation.invariants.breach import Breach
from simulation.invariants.evidence import PaperEvidence
from simulation.invariants.referee import INVARIANTS, Referee
from simulation.journal import MemoryJournal
from simulation.live.conduct import LIVE_INVARIANTS
from simulation.live.evidence import LiveEvidence
from simulation.live.verdict import ExchangeVerdict
from simulation.machine import SimulatedMachine
from simulation.operator import Operator
from simulation.plan import (
    LIVE,
    SIMULATED,
    SeedPlan,
    draw_live_plan,
    draw_plan,
    with_series,
    with_strategy,
)
from simulation.post import Post
from simulation.simulated_actor import SimulatedActor
from simulation.trace import Trace

EPOCH_MS = 1_795_363_200_000
"""Start of every run in venue time: a boundary of windows of any length."""
MINUTES = 15
_DRAW = {SIMULATED: draw_plan, LIVE: draw_live_plan}
RECOVERY_MS = 90_000
"""Minimum time from the end of the faults to the judged window, so that backoffs have ended."""
JUDGED_AFTER_MS = 45_000
"""When that window is judged, after its start."""
SETTLED_AFTER_MS = 35_000
"""How long nothing trades before the books of real orders are compared: without its user channel
the executor reads the account only every half minute."""
_LOOKS, _LOOK_EVERY_MS = 3, 300
_PROBES_AT_MS = (5_000, 12_000, 19_000, 26_000, 33_000)
_FURTHER_PROBES, _PROBE_GAP_MS = 10, 7_000
"""Further attempts if nothing was traded by then: offered pairs may be too small for the market."""


@attrs.frozen(kw_only=True)
class Failure:
    """Why a run failed."""

    invariant: int
    text: str
    at_ms: int
    """Time since the run's beginning."""
    last_lines: tuple[str, ...]


@attrs.frozen(kw_only=True)
class TrialResult:
    """The result of one seed."""

    seed: int
    digest: str
    """The same for the same seed and program; any difference in what happened changes it."""
    simulated_ms: int
    windows_played: float
    """Venue time in lengths of a window, added up over the series."""
    step_count: int
    window_count: int
    """Number of windows opened."""
    settled_count: int
    order_count: int
    fill_count: int
    restart_count: int
    """How often the whole system was built again."""
    fault_counts: Mapping[str, int]
    failure: Failure | None


class Trial:
    """All parts of one run."""

    _flights: FlightKeeper | None = None

    def __init__(
        self,
        seed: int,
        *,
        minutes: int = MINUTES,
        mode: str = SIMULATED,
        layout: str = ISOLATED,
        plan: SeedPlan | None = None,
        actor_table: ActorTable | None = None,
        journal: MemoryJournal | None = None,
    ) -> None:
        """Assemble a run.

        Args:
            seed: decides everything random.
            minutes: how long faults occur.
            mode: how orders are executed, if the plan is drawn.
            layout: which actors share a process.
            plan: faults and settings; drawn if it is not given.
            actor_table: the core of each role; the usual ones if it is not given.
            journal: where records go; a new one if it is not given.
        """
        self.seed = seed
        self.plan = plan if plan is not None else _drawn(seed, mode)
        self.actor_table = actor_table if actor_table is not None else _usual_actor_table(self.plan)
        self._faults_ms, self._layout_name = minutes * 60_000, layout
        settings = self.plan.settings
        self._begin_ms = _begins_at_ms(seed, _longest_window_ms(settings))
        self.scheduler = Scheduler(self._begin_ms)
        self.exchange = Exchange(self.scheduler, settings, seed)
        self.journal = journal or MemoryJournal(is_encoding=self.plan.is_encoding)
        self.referee = self._make_referee()
        rates = self.plan.rates
        self._wire = wire = Wire(self.scheduler, self.exchange, rates, dice(seed, "wire"))
        self.context = context = SimulationContext(
            seed=seed,
            settings=settings,
            scheduler=self.scheduler,
            post=Post(self.scheduler, rates, dice(seed, "post")),
            journal=self.journal,
            trace=Trace(),
            watcher=self.referee,
            core_class=self.actor_table.core_class,
            make_port=self._make_port,
            stays_without_journal=self.actor_table.staying.__contains__,
        )
        chance = dice(seed, "theatre")  # an old label, so that a seed's draws stay the same
        self.machine = SimulatedMachine(context, self._layout, chance, self._on_torn)
        self.operator = operator = Operator(context, self.machine, dice(seed, "operator"))
        self.chaos = Chaos(self.plan, context, self.machine, wire, operator, dice(seed, "chaos"))

    def _layout(self) -> Layout:
        roles = self.actor_table.roles(self.context.settings)
        return layout_of(self._layout_name, roles, is_live=self.plan.is_live)

    def record(self, flights: FlightKeeper) -> None:
        """Record its actors, in case it fails; call it before ``run``."""
        self._flights, self.context.recorder = flights, flights.recorder

    def winner(self, market_id: str) -> Side | None:
        """Return who has won at the venue.

        Raises:
            KeyError: the venue does not know the window, or has not decided.
        """
        for window in self.exchange.windows.values():
            if window.window.condition_id == market_id and window.is_resolved:
                return window.winner
        raise KeyError(market_id)

    def is_halted(self) -> bool:
        """Whether the operator was told of a halt that must hold; a torn journal may lose it."""
        return self.operator.is_obeyed and not self.plan.torn_most

    def run(self) -> TrialResult:
        """Run it to its end."""
        failure = None
        try:
            self._play()
        except Breach as breach:
            if self._flights is not None:
                self._flights.failed(breach)
            failure = self._failure(breach.invariant, str(breach))
        return self._result(failure)

    def _play(self) -> None:
        self.exchange.begin()
        self.machine.begin()
        self.chaos.begin()
        self.scheduler.run_until(self._begin_ms + self._faults_ms)
        self.chaos.end()
        window_ms = _longest_window_ms(self.plan.settings)
        judged_from_ms = -(-(self.scheduler.now_ms + RECOVERY_MS) // window_ms) * window_ms
        self.scheduler.run_until(judged_from_ms)
        self.exchange.be_steady()
        for probe_ms in _PROBES_AT_MS:
            self.scheduler.run_until(judged_from_ms + probe_ms)
            self.exchange.offer_cheap_pair()
            if self.plan.is_live:
                self._require(list(self._verdict().overstays()))
        self.scheduler.run_until(judged_from_ms + JUDGED_AFTER_MS)
        for _ in range(_FURTHER_PROBES):
            if not any(self._aftermath().untraded()):
                break
            self.exchange.offer_cheap_pair()
            self.scheduler.run_until(self.scheduler.now_ms + _PROBE_GAP_MS)
        self._be_still(0)
        self._require(self._standing(lambda: self._aftermath().complaints()))
        if self.plan.is_live:
            self.operator.halt_for_good()  # or a strategy would order during the count
            self._be_still(SETTLED_AFTER_MS)
            self._be_still(self._resting_ms())
            self._require(self._standing(self._differences))

    def _be_still(self, for_ms: int) -> None:
        """Let nothing trade for this long, nor while the end is examined."""
        self.exchange.pause(for_ms + _LOOKS * _LOOK_EVERY_MS)
        self.scheduler.run_until(self.scheduler.now_ms + for_ms)

    def _resting_ms(self) -> int:
        """Return how long it takes until the longest order of a strategy has ended."""
        orders = self.referee.facts.orders.values()
        ends_ms = [fact.state.intent.expires_at_ms for fact in orders if fact.is_open]
        return max(
            (end_ms + SETTLED_AFTER_MS - self.scheduler.now_ms for end_ms in ends_ms), default=0
        )

    def _require(self, complaints: list[str]) -> None:
        if complaints:
            raise Breach(8, "; ".join(complaints))

    def _standing(self, look_at: Callable[[], Iterable[str]]) -> list[str]:
        """Return what is wrong at every one of several checks: an order may just be ending."""
        complaints: list[str] = []
        for look in range(_LOOKS):
            self.scheduler.run_until(self.scheduler.now_ms + _LOOK_EVERY_MS - 1)
            seen = list(look_at())
            complaints = [text for text in seen if look == 0 or text in complaints]
        return complaints

    def _aftermath(self) -> Aftermath:
        return Aftermath(
            now_ms=self.scheduler.now_ms,
            facts=self.referee.facts,
            exchange=self.exchange,
            actors=tuple(self.machine.actors()),
            roles=self.actor_table.roles(self.plan.settings),
            snapshots=self.referee.newest_snapshots,
            orders_per_minute_most=self.plan.settings.risk.max_orders_per_minute,
        )

    def _differences(self) -> Iterable[str]:
        return self._verdict().complaints(self.journal.books(), self.exchange.outcomes)

    def _verdict(self) -> ExchangeVerdict:
        """Return the comparison with the exchange's books."""
        evidence = self.referee.facts.evidence
        if not isinstance(evidence, LiveEvidence):
            raise TypeError(f"{evidence!r} knows no exchange")
        return ExchangeVerdict(
            now_ms=self.scheduler.now_ms, facts=self.referee.facts, evidence=evidence
        )

    def _make_referee(self) -> Referee:
        settings = self.plan.settings
        if not self.plan.is_live:
            return Referee(settings, self, PaperEvidence)
        side = self.exchange.take_orders(self.plan.live)
        invariants = (*INVARIANTS, *LIVE_INVARIANTS)
        return Referee(settings, self, partial(LiveEvidence, side), invariants)

    def _make_port(self, actor: SimulatedActor) -> SimulatedPort | None:
        make = self.actor_table.ports.get(base_role(actor.role))
        return make(self._wire, actor) if make is not None else None

    def _on_torn(self) -> None:
        self.referee.torn(kept.record for kept in self.journal.records)

    def _failure(self, invariant: int, text: str) -> Failure:
        return Failure(
            invariant=invariant,
            text=text,
            at_ms=self.scheduler.now_ms - self._begin_ms,
            last_lines=tuple(self.context.trace.lines(self._begin_ms)),
        )

    def _result(self, failure: Failure | None) -> TrialResult:
        facts, simulated_ms = self.referee.facts, self.scheduler.now_ms - self._begin_ms
        return TrialResult(
            seed=self.seed,
            digest=self.context.trace.digest(*self.journal.texts()),
            simulated_ms=simulated_ms,
            windows_played=sum(
                simulated_ms / plan.series.window_ms for plan in self.plan.settings.plans
            ),
            step_count=self.scheduler.called_count,
            window_count=len(facts.windows),
            settled_count=sum(ledger.is_settled for ledger in facts.ledgers.values()),
            order_count=len(facts.orders),
            fill_count=sum(len(fact.state.fills) for fact in facts.orders.values()),
            restart_count=self.machine.restarts,
            fault_counts=self.chaos.all_counts(),
            failure=failure,
        )


def run_trial(
    seed: int,
    minutes: int = MINUTES,
    mode: str = SIMULATED,
    layout: str = ISOLATED,
    flights: FlightKeeper | None = None,
    strategy: StrategySettings | None = None,
) -> TrialResult:
    """Run one seed as drawn, with orders executed as ``mode`` says.

    Args:
        seed: decides everything random.
        minutes: how long faults occur.
        mode: how orders are executed.
        layout: which actors share a process.
        flights: records the messages of actors.
        strategy: the strategy that trades; the default one if it is not given.
    """
    plan = _drawn(seed, mode)
    if strategy is not None:
        plan = with_strategy(plan, strategy)
    trial = Trial(seed, minutes=minutes, plan=plan, layout=layout)
    if flights is not None:
        trial.record(flights)
    return trial.run()


def _drawn(seed: int, mode: str) -> SeedPlan:
    return with_series(_DRAW[mode](dice(seed, "plan")), dice(seed, "series"))


def _longest_window_ms(settings: Settings) -> int:
    return max(plan.series.window_ms for plan in settings.plans)


def _begins_at_ms(seed: int, window_ms: int) -> int:
    """Draw how far into a window a run begins."""
    return EPOCH_MS + int(dice(seed, "begin").random() * window_ms)


def _usual_actor_table(plan: SeedPlan) -> ActorTable:
    if plan.is_live:
        return REAL_ACTORS
    return (
        ActorTable().replacing(EXECUTOR, AdverseExecutorCore) if plan.is_adverse else ActorTable()
    )
