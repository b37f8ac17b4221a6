"""Plans and runs for tests: as calm or as rough as a test wants them."""

from __future__ import annotations

import attrs

from actors.series import SeriesSettings
from actors.settings import ExecutionSettings, Settings, StrategySettings, SupervisionSettings
from simulation.actor_table import ActorTable
from simulation.exchange.order_rates import LiveFaultRates
from simulation.journal import MemoryJournal
from simulation.plan import HEARTBEAT_LIMIT_MS, FaultRates, SeedPlan
from simulation.trial import Failure, Trial

SETTINGS = Settings(
    series=SeriesSettings(window_minutes=5),
    strategy=StrategySettings(max_book_age_ms=2_000),
    execution=ExecutionSettings(),
    supervision=SupervisionSettings(max_restarts=1_000, heartbeat_limit_ms=HEARTBEAT_LIMIT_MS),
)


def plan(
    settings: Settings = SETTINGS, torn_most: int = 0, is_adverse: bool = False, **rates: float
) -> SeedPlan:
    return SeedPlan(
        rates=FaultRates(**rates),
        settings=settings,
        torn_most=torn_most,
        is_adverse=is_adverse,
        is_encoding=False,
    )


def live_plan(
    live: dict[str, float] | None = None, order_ttl_ms: int = 3_000, **rates: float
) -> SeedPlan:
    """A plan with live orders; ``live``: what the exchange does to them."""
    settings = execution(mode="live", durability="full", order_ttl_ms=order_ttl_ms)
    calm = plan(settings, **rates)
    return attrs.evolve(calm, live=LiveFaultRates(**(live or {})))


def execution(**values: object) -> Settings:
    return attrs.evolve(SETTINGS, execution=attrs.evolve(SETTINGS.execution, **values))


def first_failure(
    actor_table: ActorTable,
    seed_plan: SeedPlan,
    *,
    seeds: range = range(1, 13),
    minutes: int = 3,
    journal: type[MemoryJournal] = MemoryJournal,
) -> Failure | None:
    """What the first seed that fails comes to grief on; None if all of them hold."""
    for seed in seeds:
        trial = Trial(
            seed,
            minutes=minutes,
            plan=seed_plan,
            actor_table=actor_table,
            journal=journal(is_encoding=False),
        )
        failure = trial.run().failure
        if failure is not None:
            return failure
    return None
