"""What ``understudy soak`` says of a soak, whose conduct ``test_soak_conduct.py`` shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result
from test_soak_curves import sample

from audit.verdict import AuditVerdict
from understudy.cli import main
from understudy.processes.exit_codes import ExitCode
from understudy.soak.conduct import SoakResult
from understudy.soak.curves import curves_of, judged
from understudy.soak.sampling import ProcessUse


def result(growing_kib: int = 0, count: int = 60, **changes: Any) -> SoakResult:
    samples = tuple(
        sample(second, desk=ProcessUse(7, 50_000 + growing_kib * second, 40, 2))
        for second in range(count)
    )
    made = SoakResult(
        seed=3,
        wanted_s=60.0,
        lasted_s=60.0,
        interrupted_by="",
        watchers=("web",),
        recoveries=(),
        troubles=((20.0, "the disk fills"),),
        verdict=AuditVerdict(),
        traded={"orders": 31, "fills": 40, "windows": 3},
        samples=samples,
        judgements=tuple(map(judged, curves_of(samples))),
    )
    return attrs.evolve(made, **changes)


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command with a result that is given."""

    def run(given: SoakResult, *arguments: str, layout: str = "isolated") -> Result:
        def run_soak(_directory: Path, *, on_progress: Any, **wanted: Any) -> SoakResult:
            assert wanted["seconds"] == pytest.approx(36.0)
            assert wanted["layout"] == layout
            on_progress(1.0, "all is well")
            return given

        monkeypatch.setattr("understudy.soak.session.run_soak", run_soak)
        return CliRunner().invoke(main, ["soak", "--hours", "0.01", "--seed", "3", *arguments])

    return run


def test_a_soak_without_findings_tells_its_curves_to_programs_and_draws_them(
    soak: Any, tmp_path: Path
) -> None:
    plot = tmp_path / "soak.svg"
    options = ("--json", "--plot", str(plot), "--layout", "grouped")
    answer = soak(result(), *options, layout="grouped")
    assert answer.exit_code == ExitCode.OK
    on_progress = json.loads(answer.stdout)
    assert (on_progress["findings"], on_progress["troubles"]) == ([], {"the disk fills": 1})
    assert on_progress["curves"]["memory of desk"]["is_flat"] is True
    assert len(on_progress["curves"]["memory of desk"]["points"]) == 60
    assert "<svg" in plot.read_text()


def test_a_curve_that_grows_or_a_finding_is_a_failure(soak: Any) -> None:
    answer = soak(result(growing_kib=1_000))
    assert answer.exit_code == ExitCode.FAILED
    assert "it grows" in answer.output
    verdict = AuditVerdict()
    verdict.find("orders_lost", "order_1 was left OPEN")
    answer = soak(result(verdict=verdict))
    assert answer.exit_code == ExitCode.FAILED
    assert "order_1 was left OPEN" in answer.output


def test_one_that_was_ended_before_its_first_look_says_so(soak: Any) -> None:
    answer = soak(result(count=0, interrupted_by="SIGINT"), "--json")
    assert answer.exit_code == ExitCode.OK
    assert json.loads(answer.stdout)["interrupted_by"] == "SIGINT"
