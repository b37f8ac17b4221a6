"""The faults that a drill injects, where and when: shuffled, the same for the same seed."""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from actors import roles
from actors.runtime.pause_points import HANDLING
from actors.strategy.choice import PAIR
from actors.supervision.layouts import ISOLATED

ORDER = "order"
"""Any order that is open at the time."""
ADMIN = "admin"
LOGGER = "logger"
FOREGROUND = "foreground"
EVERYTHING = "everything"
"""The whole group at once, as when the machine runs out of memory."""

ONE_SERIES = ("btc-5m",)
"""The series a drill trades by default."""

_DELAY_LEAST_S, _DELAY_MOST_S = 0.2, 1.2


class Means(enum.Enum):
    """How a process, or an actor in it, is hit."""

    KILL = "killed"
    STOP = "hung"
    """SIGSTOP: it lives, and answers nothing."""
    RAISE = "raised"
    """The core of one actor raises on a message; its process lives on."""
    LOOP = "looped"
    """The core of one actor computes without end, and takes its process with it."""


@attrs.frozen
class Injection:
    """One fault to inject."""

    target: str
    """A role, which stands for any series', or one of the names above."""
    point: str = ""
    """The pause point (actors/runtime/pause_points.py) at which to inject; empty: at any instant.
    """
    means: Means = Means.KILL


_ACTORS = (
    roles.MARKET_FEED,
    roles.REFERENCE_FEED,
    roles.TWAP_FEED,
    roles.MARKET_STATE,
    roles.STRATEGY,
    roles.DESK,
    ORDER,
    roles.EXECUTOR,
    roles.POSITION,
    roles.DIRECTORY,
    roles.OBSERVER,
)

INJECTIONS = (
    Injection(roles.MARKET_FEED),
    Injection(roles.REFERENCE_FEED),
    Injection(roles.TWAP_FEED),
    Injection(roles.MARKET_STATE),
    Injection(roles.STRATEGY),
    Injection(roles.DESK),
    Injection(ORDER),
    Injection(roles.EXECUTOR),
    Injection(roles.POSITION),
    Injection(roles.DIRECTORY),
    Injection(roles.OBSERVER),
    Injection(roles.SUPERVISOR),
    Injection(ADMIN),
    Injection(LOGGER),
    Injection(FOREGROUND),
    Injection(EVERYTHING),
    # between a record and the messages about it
    Injection(roles.DESK, "desk/recorded/OrdersCreated"),
    Injection(ORDER, "order/recorded/Fill"),
    Injection(roles.POSITION, "position/recorded/EntryChanged"),
    # between the submission and its answer
    Injection(roles.DESK, "desk/sending/StartChild"),
    Injection(roles.EXECUTOR, "executor/recorded/OrderSubmitted"),
    # between two partial fills
    Injection(roles.EXECUTOR, "executor/recorded/OrderReport/PARTIALLY_FILLED"),
    Injection(EVERYTHING, "executor/sending/OrderReport/FILLED"),
    # at a rollover
    Injection(roles.DIRECTORY, "directory/recorded/MarketOpened"),
    Injection(roles.DESK, "directory/sending/MarketClosing"),
    Injection(roles.POSITION, "position/recorded/MarketResolved"),
    # alive, but answering nothing
    Injection(roles.STRATEGY, means=Means.STOP),
    Injection(roles.DESK, means=Means.STOP),
    Injection(ORDER, means=Means.STOP),
    Injection(roles.SUPERVISOR, means=Means.STOP),
    # one actor, and not its process
    *(Injection(target, f"{target}/{HANDLING}", Means.RAISE) for target in _ACTORS),
    *(Injection(target, f"{target}/{HANDLING}", Means.LOOP) for target in _ACTORS),
)
"""Every role and every moment that matters."""

_ON_PAPER = "executor/recorded/OrderReport/PARTIALLY_FILLED"

REAL_INJECTIONS = (
    *(injection for injection in INJECTIONS if injection.point != _ON_PAPER),
    # signed and about to be posted, answered, traded and not yet reported
    Injection(roles.EXECUTOR, "executor/recorded/OrderSigned"),
    Injection(roles.EXECUTOR, "executor/recorded/PostAnswered"),
    Injection(roles.EXECUTOR, "executor/recorded/TradeSeen"),
)
"""The same for live orders, with the moments of the executor that sends them."""

TARGETS = tuple(dict.fromkeys(injection.target for injection in INJECTIONS))


@attrs.frozen(kw_only=True)
class DrillRequest:
    """What a drill is to do; the same request injects the same faults in the same order."""

    kills: int
    """Number of injections."""
    seed: int
    """Decides targets, times and means, and the market's prices."""
    targets: tuple[str, ...] = TARGETS
    is_live: bool = False
    """With signed orders, on an exchange that misbehaves."""
    faults: Path | None = None
    """The faults of the exchange; None for the usual ones."""
    windows: int = 1
    """The drill goes on until this many have settled."""
    layout: str = ISOLATED
    series: tuple[str, ...] = ONE_SERIES
    use: str = PAIR
    """The strategy that trades."""

    @property
    def options(self) -> str:
        """The options that ask for the same drill."""
        return " ".join(
            [
                f"--kills {self.kills} --seed {self.seed}",
                *([f"--roles {','.join(self.targets)}"] if self.targets != TARGETS else []),
                *(["--mode live"] if self.is_live else []),
                *([f"--faults {self.faults}"] if self.faults is not None else []),
                *([f"--windows {self.windows}"] if self.windows != 1 else []),
                *([f"--layout {self.layout}"] if self.layout != ISOLATED else []),
                *([f"--series {','.join(self.series)}"] if self.series != ONE_SERIES else []),
                *([f"--use {self.use}"] if self.use != PAIR else []),
            ]
        )


@attrs.frozen
class Step:
    """One scheduled injection."""

    injection: Injection
    delay_s: float
    """Real time to let the system trade first."""
    pick: int
    """Which order, or which series' actor, is hit: this number modulo their count."""


def plan(
    kills: int,
    seed: int,
    targets: Sequence[str] = TARGETS,
    injections: Sequence[Injection] = INJECTIONS,
) -> Iterator[Step]:
    """Choose the injections on some targets: all of them, shuffled, before any is repeated."""
    dice = random.Random(f"drill/{seed}")
    injections = [injection for injection in injections if injection.target in targets]
    left: list[Injection] = []
    for _ in range(kills):
        if not left:
            left = dice.sample(injections, len(injections))
        delay_s = dice.uniform(_DELAY_LEAST_S, _DELAY_MOST_S)
        yield Step(left.pop(), delay_s, dice.getrandbits(16))
