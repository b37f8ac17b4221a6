from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from audit.verdict import AuditVerdict
from understudy.cli import main
from understudy.commands.drill import DEFAULT_KILLS
from understudy.drill import report
from understudy.drill.conduct import Recovery
from understudy.drill.plan import TARGETS, DrillRequest, plan
from understudy.processes.exchange import ExchangeFailed
from understudy.processes.exit_codes import ExitCode

TRADED = {"orders": 31, "fills": 40, "windows": 3}


class FakeDrill:
    """Stands in for the system: every injection is come through in a second, or in vain."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.directory = Path()
        self.verdict = AuditVerdict()
        self.error: Exception | None = None

    def run(self, directory: Path, request: DrillRequest, told: Any) -> report.Result:
        assert directory.is_dir()
        self.directory, self.asked = directory, (asked := attrs.asdict(request))
        if self.error is not None:
            raise self.error
        steps = plan(asked["kills"], asked["seed"], asked["targets"])
        recoveries = [
            Recovery(
                step=step,
                was_at_point=bool(step.injection.point),
                orders_in_flight=2,
                recovered_ms=1_000 + number,
            )
            for number, step in enumerate(steps)
        ]
        for number, recovery in enumerate(recoveries, 1):
            told(number, recovery)
        return report.Result(
            seed=asked["seed"], recoveries=tuple(recoveries), verdict=self.verdict, traded=TRADED
        )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDrill:
    fake = FakeDrill()
    monkeypatch.setattr("understudy.drill.session.run_drill", fake.run)
    return fake


def drill(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["drill", *arguments])


def test_the_whole_deck_is_the_default(fake: FakeDrill) -> None:
    result = drill()
    assert result.exit_code == ExitCode.OK
    assert (fake.asked["kills"], fake.asked["targets"]) == (DEFAULT_KILLS, TARGETS)
    assert not fake.directory.exists()


def test_each_blow_is_told_and_a_table_shows_every_target(fake: FakeDrill) -> None:
    lines = drill("--seed", "4").output.splitlines()
    assert lines[0].startswith(f" 1/{DEFAULT_KILLS} ")
    assert sum(f"/{DEFAULT_KILLS} " in line for line in lines) == DEFAULT_KILLS
    for target in TARGETS:
        assert any(line.startswith(f"{target} ") for line in lines)
    assert "orders lost 0" in " ".join(lines)


def test_json_holds_every_count_and_the_times_by_target(fake: FakeDrill) -> None:
    result = drill("--json", "--kills", "7", "--roles", "desk", "--seed", "9")
    shown = json.loads(result.output)
    assert {name: shown[name] for name in report.COUNTERS} == dict.fromkeys(report.COUNTERS, 0)
    assert (shown["seed"], shown["kills"], shown["findings"]) == (9, 7, [])
    assert {name: shown[name] for name in TRADED} == TRADED
    (times,) = shown["recovery_ms"].values()
    assert (times["p50"], times["p99"], times["max"]) == (1_003, 1_006, 1_006)
    assert (times["kills"], times["hung"], times["at_pause_point"]) == (7, 1, 5)
    assert (times["raised"], times["looped"]) == (1, 1)
    assert times["orders_in_flight"] == 14


def test_the_names_that_others_rely_on_are_among_the_counts() -> None:
    relied_on = {
        "orders_lost",
        "orders_doubled",
        "fills_doubled",
        "position_error",
        "processes_left",
    }
    assert relied_on <= set(report.COUNTERS)


def test_a_failed_drill_says_how_to_repeat_it_and_keeps_its_journal(fake: FakeDrill) -> None:
    fake.verdict.find("orders_lost", "order_7 was left PENDING")
    result = drill("--kills", "3", "--seed", "11", "--roles", "desk, order")
    assert result.exit_code == ExitCode.FAILED
    assert "order_7 was left PENDING" in result.output
    assert "understudy drill --kills 3 --seed 11 --roles desk,order" in result.output
    assert str(fake.directory) in result.output
    fake.directory.rmdir()


def test_a_drill_that_could_not_be_finished_has_failed(fake: FakeDrill) -> None:
    fake.verdict.findings.append("in vain for 60 s: serves desk again")
    result = drill("--json")
    assert result.exit_code == ExitCode.FAILED
    fake.directory.rmdir()


def test_an_exchange_that_does_not_start_is_one_sentence(fake: FakeDrill) -> None:
    fake.error = ExchangeFailed("the local exchange did not start: no port")
    result = drill()
    assert result.exit_code == ExitCode.FAILED
    assert result.output == "understudy: the local exchange did not start: no port\n"
    assert not fake.directory.exists()


@pytest.mark.parametrize("arguments", [["--kills", "0"], ["--roles", "desk,nobody"]])
def test_bad_input_is_refused_before_anything_starts(fake: FakeDrill, arguments: list[str]) -> None:
    assert drill(*arguments).exit_code == ExitCode.BAD_INPUT
    assert fake.asked == {}


def test_live_orders_and_their_faults_are_asked_for_and_asked_for_again(
    fake: FakeDrill, tmp_path: Path
) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text("")
    fake.verdict.find("orders_lost", "order_7 was left PENDING")
    live = ("--mode", "live", "--faults", str(faults), "--windows", "3")
    result = drill(*live, "--seed", "1", "--kills", "2")
    asked = tuple(fake.asked[name] for name in ("is_live", "faults", "windows"))
    assert asked == (True, faults, 3)
    assert f"--kills 2 --seed 1 {' '.join(live)}" in result.output
    fake.directory.rmdir()


def test_faults_are_for_live_orders_only(fake: FakeDrill, tmp_path: Path) -> None:
    result = drill("--faults", str(tmp_path))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert fake.asked == {}
