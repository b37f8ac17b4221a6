"""What goes wrong in a run: which faults, how often. The seed decides.

A third of the seeds are calm or have a single kind of fault, so that a failure has few suspects.
The rest mix kinds: each is left out or drawn from its range, evenly on a logarithmic scale.
"""

from __future__ import annotations

import math
from random import Random

import attrs

from actors.settings import (
    ExecutionSettings,
    SeriesSettings,
    Settings,
    StrategySettings,
    SupervisionSettings,
)

HEARTBEAT_LIMIT_MS = 40_000
"""The simulated supervisor beats every 15 s, not every half: pings are most of its messages."""


def rate(lowest: float, highest: float, meaning: str) -> float:
    """Declare one kind of fault: none by default, else drawn from this range."""
    about = {"range": (lowest, highest), "meaning": meaning}
    field: float = attrs.field(default=0.0, metadata=about)
    return field


@attrs.frozen(kw_only=True)
class FaultRates:
    """How often each kind of fault strikes: a chance each time, or a number a minute."""

    loss: float = rate(0.001, 0.2, "a message between roles is lost")
    duplication: float = rate(0.001, 0.2, "a message arrives twice")
    lateness: float = rate(0.001, 0.2, "a message is overtaken by later ones, up to 3 s late")
    control_loss: float = rate(0.001, 0.1, "a message to or from the supervisor is lost")
    halfway: float = rate(0.0002, 0.005, "an actor falls after some of a message's effects")
    falls: float = rate(0.1, 6.0, "an actor is killed, with all that waits for it; a minute")
    hangs: float = rate(0.1, 3.0, "an actor stands still for up to 80 s; a minute")
    supervisor_falls: float = rate(0.05, 0.7, "the supervisor is killed; a minute")
    machine_falls: float = rate(0.05, 0.7, "everything falls at once; a minute")
    unwritable: float = rate(0.02, 0.3, "the journal cannot be written for up to 5 s; a minute")
    disconnects: float = rate(0.1, 4.0, "a feed's connection breaks; a minute")
    refusals: float = rate(0.05, 0.6, "a connection is refused")
    freezes: float = rate(0.1, 1.0, "a feed stays open and is silent for up to 60 s; a minute")
    garbling: float = rate(0.001, 0.1, "frames are cut, repeated or in the wrong order")
    http_trouble: float = rate(0.05, 0.6, "a question over HTTP fails, is slow or answered badly")
    clock_jumps: float = rate(0.05, 0.7, "the host's clock goes wrong by up to 20 s; a minute")

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """Each kind of fault in words."""
        return {field.name: field.metadata["meaning"] for field in attrs.fields(cls)}

    def active(self) -> dict[str, float]:
        """The kinds that strike in this run."""
        return {name: value for name, value in attrs.asdict(self).items() if value}


@attrs.frozen(kw_only=True)
class SeedPlan:
    """Everything that a seed decides about a run besides the draws within it."""

    rates: FaultRates
    settings: Settings
    torn_most: int
    """Records that may be missing after the machine fell; 0 with full durability."""
    is_rough: bool
    """The venue takes trades back and leaves outcomes open."""
    is_encoding: bool
    """The journal keeps text, as the real one does, instead of the values themselves."""


_CALM, _SINGLE = 0.12, 0.35
_GIVES_UP = 0.15
"""Share of the seeds in which the supervisor gives up after a few falls, as it really does."""


def draw_plan(chance: Random) -> SeedPlan:
    """Draw a run's faults and settings."""
    settings = _settings(chance)
    is_process_durable = settings.execution.durability == "process"
    return SeedPlan(
        rates=_rates(chance),
        settings=settings,
        torn_most=chance.choice((0, 1, 4)) if is_process_durable else 0,
        is_rough=chance.random() < 0.3,
        is_encoding=chance.random() < 0.15,
    )


def _rates(chance: Random) -> FaultRates:
    mood = chance.random()
    if mood < _CALM:
        return FaultRates()
    names = list(FaultRates.meanings())
    if mood < _SINGLE:
        chosen = chance.sample(names, 1)
    else:
        chosen = [name for name in names if chance.random() < 0.4]
    ranges = {field.name: field.metadata["range"] for field in attrs.fields(FaultRates)}
    return FaultRates(**{name: _log_uniform(chance, *ranges[name]) for name in chosen})


def _log_uniform(chance: Random, lowest: float, highest: float) -> float:
    return math.exp(chance.uniform(math.log(lowest), math.log(highest)))


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
