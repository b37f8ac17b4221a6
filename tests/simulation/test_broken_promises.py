"""A referee that cannot find fault is worthless: each kind of broken core must be caught."""

from __future__ import annotations

import broken_cores as broken
import pytest
from trial_plans import SETTINGS, execution, first_failure, plan

from actors.core import Core
from actors.directory.core import DirectoryCore
from actors.execution.desk import DeskCore
from actors.execution.order import OrderCore
from actors.execution.simulated import SimulatedExecutorCore
from actors.position.core import PositionCore
from actors.roles import DESK, DIRECTORY, EXECUTOR, POSITION, STRATEGY
from simulation.actor_table import ActorTable
from simulation.journal import MemoryJournal
from simulation.plan import SeedPlan

ORDER = "order"
CALM = plan()
EXPIRING = plan(execution(latency_ms=2_000, order_ttl_ms=1_500))
SLOW = plan(execution(latency_ms=2_000, order_ttl_ms=10_000))


def with_core(role: str, core: type[Core]) -> ActorTable:
    return ActorTable(order=core) if role == ORDER else ActorTable().replacing(role, core)


@pytest.mark.parametrize(
    ("role", "core", "seed_plan", "invariant"),
    [
        (POSITION, broken.WritesForeignRows, CALM, 1),
        (STRATEGY, broken.SaysWhatCanBeChanged, CALM, 1),
        (DESK, broken.ForgetsBusySides, CALM, 2),
        (DESK, broken.HalvesPairs, CALM, 2),
        (ORDER, broken.PretendsToBook, CALM, 2),
        (EXECUTOR, broken.ForgetsWhatItTookOn, SLOW, 4),
        (ORDER, broken.GivesUpByItself, EXPIRING, 5),
        (ORDER, broken.RevivesTheDead, CALM, 5),
        (ORDER, broken.MisreadsFills, CALM, 5),
        (POSITION, broken.BooksTwice, CALM, 6),
        (POSITION, broken.KeepsItsVersion, CALM, 6),
        (POSITION, broken.Misadds, CALM, 6),
        (POSITION, broken.PaysTooMuch, CALM, 6),
        (DIRECTORY, broken.PicksTheLoser, CALM, 6),
        (STRATEGY, broken.ImaginesItsPosition, CALM, 7),
        (ORDER, broken.NeverLeaves, CALM, 8),
        (STRATEGY, broken.Mute, CALM, 8),
        (POSITION, broken.NeverTellsResults, CALM, 8),
        (STRATEGY, broken.Raises, CALM, 0),
        (STRATEGY, broken.SaysNonsense, CALM, 0),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_broken_core_is_caught(
    role: str, core: type[Core], seed_plan: SeedPlan, invariant: int
) -> None:
    failure = first_failure(with_core(role, core), seed_plan)
    assert failure is not None
    assert failure.invariant == invariant, failure.text


@pytest.mark.parametrize(
    ("strategy", "desk", "invariant"),
    [
        (broken.ClingsToItsFirstPosition, broken.TakesStaleSignals, 2),
        (broken.StopsAtOnce, broken.IgnoresItsStops, 7),
    ],
)
def test_a_desk_that_lets_a_bad_strategy_through_is_caught(
    strategy: type[Core], desk: type[Core], invariant: int
) -> None:
    actor_table = ActorTable().replacing(STRATEGY, strategy).replacing(DESK, desk)
    failure = first_failure(actor_table, CALM)
    assert failure is not None
    assert failure.invariant == invariant, failure.text


@pytest.mark.parametrize(
    "spoil", [broken.forgetful, broken.hasty], ids=lambda spoil: spoil.__name__
)
@pytest.mark.parametrize(
    ("role", "core"),
    [
        (DESK, DeskCore),
        (ORDER, OrderCore),
        (EXECUTOR, SimulatedExecutorCore),
        (POSITION, PositionCore),
        (DIRECTORY, DirectoryCore),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.__name__,
)
def test_saying_what_is_not_recorded_is_caught(role: str, core: type[Core], spoil: object) -> None:
    spoiled = spoil(core)  # type: ignore[operator] # one of the two above
    failure = first_failure(with_core(role, spoiled), CALM)
    assert failure is not None
    assert failure.invariant == 3, failure.text


class Leaky(MemoryJournal):
    """Loses the newest row of each kind when it is asked."""

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        return super().load(kind, key)[:-1]


def test_a_journal_that_forgets_is_caught() -> None:
    failure = first_failure(ActorTable(), plan(falls=6.0), journal=Leaky)
    assert failure is not None
    assert failure.invariant == 9, failure.text


def test_whole_cores_are_not_accused() -> None:
    assert first_failure(ActorTable(), plan(SETTINGS), seeds=range(1, 4)) is None
