"""The simulation itself: a small campaign, and the promise that a seed is a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trial_plans import plan

from simulation.chance import dice
from simulation.plan import draw_plan
from simulation.trial import Trial, run_trial

REPOSITORY = Path(__file__).parents[2]
MINUTES = 3


@pytest.mark.parametrize("seed", range(1, 7))
def test_every_invariant_holds_and_everything_recovers(seed: int) -> None:
    failure = run_trial(seed, MINUTES).failure
    assert failure is None, failure.text


def digest_in_another_process(seed: int) -> str:
    program = f"from simulation.trial import run_trial; print(run_trial({seed}, {MINUTES}).digest)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def test_a_seed_replays_to_the_same_byte_in_any_process() -> None:
    brutal = next(
        seed for seed in range(1, 100) if len(draw_plan(dice(seed, "plan")).rates.active()) > 6
    )
    assert digest_in_another_process(brutal) == run_trial(brutal, MINUTES).digest


def test_another_seed_is_another_run() -> None:
    same = plan()
    digests = {Trial(seed, minutes=1, plan=same).run().digest for seed in (1, 2, 3)}
    assert len(digests) == 3


def test_the_digest_tells_runs_apart_that_differ_in_one_fault() -> None:
    calm = Trial(1, minutes=1, plan=plan()).run()
    late = Trial(1, minutes=1, plan=plan(lateness=0.02)).run()
    assert calm.digest != late.digest
    assert calm.fault_counts["lateness"] == 0
    assert late.fault_counts["lateness"] > 0


def test_a_calm_run_trades_and_settles() -> None:
    result = Trial(1, minutes=12, plan=plan()).run()
    assert result.failure is None
    assert result.settled_count >= 2
    assert result.order_count > 2
    assert result.fill_count > 0
    assert not any(result.fault_counts.values())


@pytest.mark.parametrize(
    "rates",
    [
        {"loss": 0.3},
        {"duplication": 0.5},
        {"lateness": 0.4},
        {"control_loss": 0.3},
        {"halfway": 0.02},
        {"falls": 15.0},
        {"hangs": 5.0},
        {"supervisor_falls": 3.0},
        {"machine_falls": 3.0},
        {"unwritable": 2.0},
        {"disconnects": 10.0},
        {"refusals": 0.8},
        {"freezes": 5.0},
        {"garbling": 0.3},
        {"http_trouble": 0.8},
        {"clock_jumps": 3.0},
    ],
    ids=lambda rates: next(iter(rates)),
)
def test_each_kind_of_fault_strikes_and_is_survived(rates: dict[str, float]) -> None:
    result = Trial(7, minutes=5, plan=plan(torn_most=4, is_adverse=True, **rates)).run()
    kind = next(iter(rates))
    assert result.fault_counts[kind] > 0
    assert result.failure is None, result.failure.text
