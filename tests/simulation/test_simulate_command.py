from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from crash_scenes import BAD_FILL, position_flight, raised_by

from actors.runtime.crash_file import crash_files
from actors.settings import StrategySettings
from simulation.flight_keeper import FlightKeeper
from simulation.trial import Failure, TrialResult
from understudy.cli import main
from understudy.commands import simulate as command
from understudy.processes.exit_codes import ExitCode


def understudy(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def result(seed: int, failure: Failure | None = None) -> TrialResult:
    return TrialResult(
        seed=seed,
        digest=f"digest of {seed}",
        simulated_ms=1_800_000,
        windows_played=6.0,
        step_count=10,
        window_count=6,
        settled_count=5,
        order_count=4,
        fill_count=3,
        restart_count=2,
        fault_counts={"loss": 7, "falls": 0},
        failure=failure,
    )


FAILURE = Failure(
    invariant=2,
    text="invariant 2: two orders on one side",
    at_ms=12_345,
    last_lines=("    12.345  desk records OrdersCreated",),
)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[int]]:
    """Replace the runs: they take no time, and the chosen seed fails."""

    def prepare(failing_seed: int | None) -> list[int]:
        ran: list[int] = []

        def run(
            seed: int,
            minutes: int,
            mode: str,
            layout: str,
            strategy: StrategySettings | None,
            flights: FlightKeeper | None = None,
        ) -> TrialResult:
            assert minutes == 15
            assert strategy is None
            if flights is None:
                ran.append(seed)
            assert mode in ("simulated", "live")
            assert layout in ("isolated", "grouped")
            return result(seed, FAILURE if seed == failing_seed else None)

        monkeypatch.setattr(command, "run_trial", run)
        return ran

    return prepare


def test_a_campaign_runs_its_seeds_and_sums_up(runs: Callable[[int | None], list[int]]) -> None:
    ran = runs(None)
    done = understudy("simulate", "--seeds", "4", "--from", "10")
    assert done.exit_code == ExitCode.OK
    assert ran == [10, 11, 12, 13]
    assert "4 seeds in" in done.output
    assert "2.0 simulated hours" in done.output
    assert "24 windows, 16 orders, 12 fills, 8 restarts" in done.output
    assert "faults: loss 28\n" in done.output
    assert "every invariant held" in done.output


def test_a_failure_ends_it_and_tells_how_to_see_it_again(
    runs: Callable[[int | None], list[int]],
) -> None:
    ran = runs(12)
    done = understudy("simulate", "--seeds", "9", "--from", "10")
    assert done.exit_code == ExitCode.FAILED
    assert ran == [10, 11, 12]
    assert "desk records OrdersCreated" in done.output
    assert "seed 12 failed after 12.345 s of venue time, commit " in done.output
    assert "invariant 2: two orders on one side" in done.output
    assert "understudy simulate --from 12 --seeds 1 --minutes 15" in done.output


def test_a_failure_in_one_actor_s_step_leaves_its_crash_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(seed: int, flights: FlightKeeper | None = None, **_how: object) -> TrialResult:
        if flights is not None:
            error = raised_by(position_flight(BAD_FILL))
            flights.keep(position_flight(BAD_FILL), error, is_in_core=True)
        return result(seed, FAILURE)

    monkeypatch.setattr(command, "run_trial", run)
    done = understudy("simulate", "--seeds", "1", "--data-dir", str(tmp_path / "data"))
    (file,) = crash_files(tmp_path / "data")
    assert f"understudy replay {file}" in done.output
    assert understudy("replay", str(file)).exit_code == ExitCode.OK


def test_the_mode_is_told_wherever_the_run_is(
    runs: Callable[[int | None], list[int]],
) -> None:
    runs(1)
    done = understudy("simulate", "--seeds", "1", "--mode", "live")
    assert "--from 1 --seeds 1 --minutes 15 --mode live\n" in done.output
    report = json.loads(understudy("simulate", "--mode", "live", "--json").stdout)
    assert report["mode"] == "live"
    assert {"lost_answer", "loss"} < report["faults"].keys()
    report = json.loads(understudy("simulate", "--json").stdout)
    assert report["mode"] == "simulated"
    assert "lost_answer" not in report["faults"]


def test_programs_get_one_object_and_nothing_else(
    runs: Callable[[int | None], list[int]],
) -> None:
    runs(11)
    done = understudy("simulate", "--seeds", "2", "--from", "10", "--json")
    report = json.loads(done.stdout)
    assert done.exit_code == ExitCode.FAILED
    assert (report["from"], report["seeds"], report["minutes"]) == (10, 2, 15)
    assert report["simulated_hours"] == 1.0
    assert report["faults"]["loss"] == 14
    assert report["digests"] == {"10": "digest of 10", "11": "digest of 11"}
    assert report["commit"]
    assert report["failure"]["seed"] == 11
    assert report["failure"]["last_lines"] == list(FAILURE.last_lines)


def test_the_real_thing_runs_on_two_cores() -> None:
    alone = understudy("simulate", "--seeds", "2", "--minutes", "1", "--json")
    together = understudy("simulate", "--seeds", "2", "--minutes", "1", "--jobs", "2", "--json")
    assert alone.exit_code == together.exit_code == ExitCode.OK
    assert json.loads(alone.stdout)["digests"] == json.loads(together.stdout)["digests"]


def test_live_orders_need_no_key_and_a_seed_is_a_run() -> None:
    first, second = (
        understudy("simulate", "--seeds", "1", "--minutes", "1", "--mode", "live", "--json")
        for _ in range(2)
    )
    assert first.exit_code == ExitCode.OK, first.output
    assert json.loads(first.stdout)["digests"] == json.loads(second.stdout)["digests"]


@pytest.mark.parametrize("option", ["--seeds", "--minutes", "--jobs"])
def test_nonsense_is_refused(option: str) -> None:
    assert understudy("simulate", option, "0").exit_code == ExitCode.BAD_INPUT
