from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from actors.runtime.clock import ClockSpec
from understudy.cli import main
from understudy.drill.stage import SETTINGS, run_options
from understudy.drill.system import PERMANENT, permanent_roles
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import DrillStage, RunOptions


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """What the foreground process was asked to run."""
    asked: list[RunOptions] = []

    def run(options: RunOptions) -> int:
        asked.append(options)
        return ExitCode.OK

    monkeypatch.setattr("understudy.running.foreground.run", run)
    return asked


def test_a_run_gets_the_stage_that_its_drill_has_set(
    tmp_path: Path, runs: list[RunOptions]
) -> None:
    stage = DrillStage(
        http_url="http://127.0.0.1:4001",
        ws_url="ws://127.0.0.1:4001",
        clock=ClockSpec(origin_monotonic_ns=123, origin_ms=456, speed=12.5),
        pause_points_dir=tmp_path / "points",
    )
    options = run_options(stage, 9, (*SETTINGS, "execution.latency_ms=7"))
    result = CliRunner().invoke(main, ["run", "--data-dir", str(tmp_path), *options])
    assert result.exit_code == ExitCode.OK, result.output
    (asked,) = runs
    assert asked.drill_stage == stage
    assert (asked.seed, asked.windows, asked.is_demo, asked.is_json) == (9, 0, False, True)
    assert asked.settings.series.name == "btc-5m"
    assert asked.settings.execution.latency_ms == 7


def test_a_drill_of_several_series_strikes_and_awaits_each_one_s_own_actors() -> None:
    assert permanent_roles(("btc-5m",)) == PERMANENT
    several = permanent_roles(("btc-5m", "eth-5m"))
    assert {"strategy/btc-5m", "strategy/eth-5m", "desk"} <= set(several)
    assert "strategy" not in several
    assert len(several) == len(PERMANENT) + 3


def test_no_other_run_has_a_stage_or_hears_of_one(tmp_path: Path, runs: list[RunOptions]) -> None:
    assert CliRunner().invoke(main, ["run", "--data-dir", str(tmp_path)]).exit_code == ExitCode.OK
    assert runs[0].drill_stage is None
    assert "drill-stage" not in CliRunner().invoke(main, ["run", "--help"]).output
