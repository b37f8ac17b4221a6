"""Each promise that live orders rest on is broken once, and the referee must notice."""

from __future__ import annotations

import broken_live_cores as broken
import pytest
from broken_cores import forgetful, hasty
from trial_plans import first_failure, live_plan, plan

from actors.core import Core
from actors.execution.real.core import RealExecutorCore
from actors.roles import DESK, EXECUTOR
from simulation.actor_table import REAL_ACTORS, ActorTable
from simulation.journal import MemoryJournal
from simulation.plan import SeedPlan

CALM = live_plan()
SILENT = live_plan({"lost_answer": 0.8})
GHOSTLY = live_plan({"ghost_fill": 0.6})
SLIPPERY = live_plan({"slips": 0.9})
UNREADABLE = live_plan({"unread": 0.5}, falls=6.0)
HALTING = {"halts": 4.0, "falls": 12.0}


@pytest.mark.parametrize(
    ("core", "seed_plan", "invariant"),
    [
        (forgetful(RealExecutorCore), CALM, 3),
        (hasty(RealExecutorCore), CALM, 3),
        (broken.PostsBeforeItRecords, CALM, 3),
        (broken.SignsAgain, SILENT, 4),
        (broken.PostsOtherBytes, CALM, 4),
        (broken.TakesSilenceForRefusal, SILENT, 5),
        (broken.GivesUnknownUp, SILENT, 5),
        (broken.SeesFailuresEverywhere, CALM, 5),
        (broken.MisreadsTrades, CALM, 5),
        (broken.TradesUnread, UNREADABLE, 7),
        (broken.TradesUnagreed, CALM, 7),
        (broken.KeepsFailuresToItself, GHOSTLY, 8),
        (broken.NeverCancels, SLIPPERY, 8),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_broken_real_executor_is_caught(
    core: type[Core], seed_plan: SeedPlan, invariant: int
) -> None:
    failure = first_failure(REAL_ACTORS.replacing(EXECUTOR, core), seed_plan)
    assert failure is not None
    assert failure.invariant == invariant, failure.text


def test_an_order_that_is_given_up_while_it_is_on_its_way_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.execution.real.reconciler.UNKNOWN_WINDOW_MS", 0)
    rates = {"lost_answer": 0.8, "slow_answer": 0.9, "slips": 0.7, "silences": 20.0}
    failure = first_failure(REAL_ACTORS, live_plan(rates), minutes=8)
    assert failure is not None
    assert failure.invariant == 5, failure.text
    assert "on its way" in failure.text


class LosesLiveRows(MemoryJournal):
    """Gives a new executor one order less than there is."""

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        rows = super().load(kind, key)
        return rows[:-1] if kind == "live" else rows


def test_an_executor_that_restarts_without_an_order_is_caught() -> None:
    failure = first_failure(REAL_ACTORS, live_plan(falls=6.0), journal=LosesLiveRows)
    assert failure is not None
    assert failure.invariant == 9, failure.text


@pytest.mark.parametrize(
    "desk", [broken.IgnoresHalts, broken.NeverRecordsHalts, broken.ForgetsHaltsWhenItFalls]
)
@pytest.mark.parametrize(
    ("actor_table", "seed_plan"),
    [(ActorTable(), plan(**HALTING)), (REAL_ACTORS, live_plan(**HALTING))],
    ids=["simulated", "live"],
)
def test_a_desk_that_does_not_keep_a_halt_is_caught(
    desk: type[Core], actor_table: ActorTable, seed_plan: SeedPlan
) -> None:
    failure = first_failure(actor_table.replacing(DESK, desk), seed_plan)
    assert failure is not None
    assert failure.invariant == 7, failure.text


def test_a_whole_executor_is_not_accused() -> None:
    assert first_failure(REAL_ACTORS, SLIPPERY, seeds=range(1, 4)) is None
