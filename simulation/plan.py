"""The plan of a run's faults: which kinds, and how often. The seed decides.

A third of the seeds have no faults or a single kind, so that a failure has few suspects. The others
mix kinds: each is left out, or its rate is drawn from its range, uniformly on a logarithmic scale.
"""

from __future__ import annotations

from random import Random

import attrs

from actors.series import SeriesSettings
from actors.settings import (
    ExecutionSettings,
    SeriesPlan,
    Settings,
    StrategySettings,
    SupervisionSettings,
)
from simulation.exchange.order_rates import LiveFaultRates
from simulation.rates import Rates, draw_rates, rate

SIMULATED, LIVE = "simulated", "live"
"""How orders are executed."""

HEARTBEAT_LIMIT_MS = 40_000
"""The simulated supervisor ticks every 15 s instead of every 0.5 s: pings are most of its
messages."""


@attrs.frozen(kw_only=True)
class FaultRates(Rates):
    """How often each kind of fault occurs: a chance per occasion, or a number per minute."""

    loss: float = rate(0.001, 0.2, "a message between roles is lost")
    duplication: float = rate(0.001, 0.2, "a message arrives twice")
    lateness: float = rate(0.001, 0.2, "a message is overtaken by later ones, up to 3 s late")
    control_loss: float = rate(0.001, 0.1, "a message to or from the supervisor is lost")
    halfway: float = rate(0.0002, 0.005, "a process falls after some of a message's effects")
    falls: float = rate(0.1, 6.0, "a process is killed, with all that waits for it; a minute")
    hangs: float = rate(0.1, 3.0, "a process stands still for up to 80 s; a minute")
    supervisor_falls: float = rate(0.05, 0.7, "the supervisor is killed; a minute")
    machine_falls: float = rate(0.05, 0.7, "everything falls at once; a minute")
    unwritable: float = rate(0.02, 0.3, "the journal cannot be written for up to 5 s; a minute")
    disconnects: float = rate(0.1, 4.0, "a feed's connection breaks; a minute")
    refusals: float = rate(0.05, 0.6, "a connection is refused")
    freezes: float = rate(0.1, 1.0, "a feed stays open and is silent for up to 60 s; a minute")
    missing_seconds: float = rate(0.05, 0.6, "a second's price never comes live, but in a history")
    garbling: float = rate(0.001, 0.1, "frames are cut, repeated or in the wrong order")
    http_trouble: float = rate(0.05, 0.6, "a question over HTTP fails, is slow or answered badly")
    clock_jumps: float = rate(0.05, 0.7, "the host's clock goes wrong by up to 30 s; a minute")
    raises: float = rate(0.00005, 0.002, "a core raises on a message")
    halts: float = rate(0.05, 1.0, "a person halts, cancels, flattens and resumes; a minute")


@attrs.frozen(kw_only=True)
class SeedPlan:
    """Everything that a seed decides about a run besides the draws within it."""

    rates: FaultRates
    settings: Settings
    torn_most: int
    """Number of records that a machine crash may lose; 0 with full durability."""
    is_adverse: bool
    """Whether the venue fails trades and leaves outcomes unknown."""
    is_encoding: bool
    """Whether the journal stores text, like the real one, instead of the values themselves."""
    live: LiveFaultRates = attrs.field(factory=LiveFaultRates)
    """Faults of the exchange with real orders; unused while orders are simulated."""

    @property
    def is_live(self) -> bool:
        """Whether the real executor's core is used, with an exchange that accepts its orders."""
        return self.settings.execution.mode == LIVE


def fault_meanings(mode: str) -> dict[str, str]:
    """Return the description of each kind of fault in a mode."""
    return FaultRates.meanings() | (LiveFaultRates.meanings() if mode == LIVE else {})


_BEATS, _CANCELS_ALL = 0.3, 0.3
_SEVERAL_SERIES = 0.2
"""Share of the seeds that trade several series."""
_SERIES = (("btc", 5), ("btc", 15), ("eth", 5), ("sol", 5))
"""Three of these are traded: two may have one underlying, and windows of two lengths."""
_GIVES_UP = 0.15
"""Share of the seeds in which the supervisor gives up after a few crashes, as it really does."""


def draw_plan(chance: Random) -> SeedPlan:
    """Draw a run's faults and settings."""
    settings = _settings(chance)
    is_process_durable = settings.execution.durability == "process"
    return SeedPlan(
        rates=draw_rates(FaultRates, chance),
        settings=settings,
        torn_most=chance.choice((0, 1, 4)) if is_process_durable else 0,
        is_adverse=chance.random() < 0.3,
        is_encoding=chance.random() < 0.15,
    )


def draw_live_plan(chance: Random) -> SeedPlan:
    """Draw a run with real orders, for which a machine crash may lose no record."""
    plan = draw_plan(chance)
    execution = attrs.evolve(
        plan.settings.execution,
        mode=LIVE,
        durability="full",
        venue_heartbeat=chance.random() < _BEATS,
        cancel_all_on_halt=chance.random() < _CANCELS_ALL,
    )
    return attrs.evolve(
        plan,
        settings=attrs.evolve(plan.settings, execution=execution),
        torn_most=0,
        is_adverse=False,
        live=draw_rates(LiveFaultRates, chance),
    )


def with_series(plan: SeedPlan, chance: Random) -> SeedPlan:
    """In some seeds trade three series at once; leave the others unchanged."""
    if chance.random() >= _SEVERAL_SERIES:
        return plan
    names = chance.sample(_SERIES, 3)
    settings, execution = plan.settings, plan.settings.execution
    plans = tuple(
        SeriesPlan(
            series=SeriesSettings(asset=asset, window_minutes=minutes),
            strategy=settings.strategy,
            risk=settings.risk,
        )
        for asset, minutes in names
    )
    several = attrs.evolve(
        settings,
        series=plans[0].series,
        traded=plans,
        execution=attrs.evolve(execution, max_open_orders=3 * execution.max_open_orders),
    )
    return attrs.evolve(plan, settings=several)


def with_strategy(plan: SeedPlan, chosen: StrategySettings) -> SeedPlan:
    """Use another strategy, with everything else as drawn."""

    def using(drawn: StrategySettings) -> StrategySettings:
        return attrs.evolve(drawn, use=chosen.use, file=chosen.file, parameters=chosen.parameters)

    settings = plan.settings
    traded = tuple(attrs.evolve(each, strategy=using(each.strategy)) for each in settings.traded)
    settings = attrs.evolve(settings, strategy=using(settings.strategy), traded=traded)
    return attrs.evolve(plan, settings=settings)


def _settings(chance: Random) -> Settings:
    return Settings(
        series=SeriesSettings(window_minutes=15 if chance.random() < 0.08 else 5),
        strategy=StrategySettings(
            oracle=chance.choice(("linear", "diffusion")),
            on_stop_loss=chance.choice(("halt", "exit")),
            max_book_age_ms=chance.choice((2_000, 5_000)),
            stop_loss_ticks=chance.choice((100, 250, 400)),
            max_trade_shares=chance.choice((10, 20, 60)),
            balance_pad_shares=chance.choice((10, 40)),
            bootstrap_high_ticks=chance.choice((400, 650)),
            bootstrap_low_ticks=chance.choice((150, 500)),
            floor_ticks=chance.choice((50, 200)),
        ),
        execution=ExecutionSettings(
            latency_ms=chance.choice((0, 150, 600)),
            order_ttl_ms=chance.choice((1_500, 3_000, 30_000)),
            max_open_orders=chance.choice((2, 4)),
            durability=chance.choice(("process", "full")),
        ),
        supervision=SupervisionSettings(
            max_restarts=5 if chance.random() < _GIVES_UP else 1_000,
            heartbeat_limit_ms=HEARTBEAT_LIMIT_MS,
        ),
    )
