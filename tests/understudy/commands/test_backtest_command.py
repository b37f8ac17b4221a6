from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import click
import pytest
from called import understudy
from imported_windows import START_MS, imported

from actors.model import Side
from actors.units import NANOS_PER_DOLLAR
from understudy.web import results_pages

TABLES = ("windows", "orders", "fills", "equity", "predictions")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(tmp_path_factory.mktemp("imported"), 2)


@pytest.fixture(scope="module")
def told(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a backtest of them tells programs."""
    results = tmp_path_factory.mktemp("results")
    ran = understudy("backtest", recordings, "--results", results, "--json")
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def rows(told: dict[str, Any], table: str) -> list[dict[str, str]]:
    with (Path(told["folder"]) / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def nanos(dollars: str) -> int:
    return round(float(dollars) * NANOS_PER_DOLLAR)


def test_the_tables_add_up_to_the_summary(told: dict[str, Any]) -> None:
    summary = told["summary"]
    assert summary["settled"] == 2
    assert summary["orders"] > 0
    pnl = nanos(summary["pnl"])

    assert sum(nanos(row["pnl"]) for row in rows(told, "windows")) == pnl
    assert sum(nanos(row["pnl"]) for row in rows(told, "fills")) == pnl
    assert sum(nanos(each["pnl"]) for each in summary["by_reason"]) == pnl
    assert sum(nanos(each["pnl"]) for each in summary["by_hour"]) == pnl
    assert nanos(rows(told, "equity")[-1]["equity"]) == pnl
    assert len(rows(told, "orders")) == summary["orders"]
    assert {row["up_won"] for row in rows(told, "predictions")} <= {"true", "false"}


def test_a_run_says_what_it_was_made_of(told: dict[str, Any]) -> None:
    run = told["run"]

    assert [each["slug"] for each in run["recordings"]] == [
        f"btc-updown-5m-{START_MS // 1000}",
        f"btc-updown-5m-{START_MS // 1000 + 300}",
    ]
    assert all(len(each["sha256"]) == 64 for each in run["recordings"])
    assert run["settings"]["backtest.fill_model"] == "queue"
    assert run["seed"] == 1


def test_the_same_run_again_is_the_same_bytes_with_any_number_of_jobs(
    told: dict[str, Any], recordings: Path, tmp_path: Path
) -> None:
    again = understudy("backtest", recordings, "--results", tmp_path, "--jobs", 2, "--json")
    folder = tmp_path / told["name"]

    assert again.exit_code == 0, again.output
    for path in Path(told["folder"]).iterdir():
        if path.name != "timing.json":
            assert (folder / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_page_needs_nothing_from_elsewhere(told: dict[str, Any]) -> None:
    page = (Path(told["folder"]) / "report.html").read_text()

    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert page.count("<svg") >= 5


def test_the_systems_own_page_shows_a_run_as_the_terminal_does(told: dict[str, Any]) -> None:
    folder = Path(told["folder"])
    shown = results_pages.results(folder.parent)
    assert "unreadable" not in shown
    for expected in (folder.name, "drawdown", "Brier score", "Sharpe", "derived prices"):
        assert expected in shown
    assert results_pages.report(folder.name, folder.parent) is not None


def test_parquet_has_the_rows_of_the_csv(told: dict[str, Any]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for table in TABLES:
        found = parquet.read_table(Path(told["folder"]) / f"{table}.parquet").to_pylist()
        assert len(found) == len(rows(told, table))
    fills = parquet.read_table(Path(told["folder"]) / "fills.parquet").to_pylist()
    assert all(isinstance(row["price"], float) for row in fills)


def test_people_are_shown_windows_and_numbers(told: dict[str, Any]) -> None:
    results = Path(told["folder"]).parent
    shown = understudy("results", "--results", results, "show")
    words = click.unstyle(shown.output)

    assert shown.exit_code == 0, shown.output
    for expected in ("drawdown", "Brier score", "Sharpe", "derived prices", "no public trade"):
        assert expected in " ".join(words.split())
    listed = understudy("results", "--results", results)
    assert "btc-updown" in listed.output.replace("\n", "")


def test_what_the_strategy_was_told_to_do_shows_in_the_run(
    recordings: Path, tmp_path: Path
) -> None:
    changed = understudy(
        *("backtest", recordings, "--results", tmp_path, "--json"),
        *("--set", "strategy.max_trade_shares=7", "--continuous", "--seed", 4),
    )
    found = json.loads(changed.stdout)

    assert found["run"]["is_continuous"]
    assert {row["size"] for row in rows(found, "orders")} <= {"7", "5", "6"}


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    for arguments, words in (
        (("backtest", tmp_path / "none"), "there is no directory"),
        (("backtest", tmp_path), "has no recordings"),
        (("backtest", tmp_path, "--set", "backtest.fill_model=kind"), "backtest.fill_model"),
        (("results", "--results", tmp_path, "show", "x"), "no backtest whose name begins"),
    ):
        told = understudy(*arguments)
        assert told.exit_code == 2
        assert words in told.output
        assert len(told.output.strip().splitlines()) == 1


def test_a_run_that_was_damaged_is_told_and_the_others_are_listed(
    told: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        for file in ("run.json", "summary.json", "timing.json"):
            (tmp_path / name / file).write_bytes((Path(told["folder"]) / file).read_bytes())
    (tmp_path / "bad" / "summary.json").write_text("{")
    listed = understudy("results", "--results", tmp_path)

    assert listed.exit_code == 0
    assert "is damaged" in listed.output
    assert "good" in listed.output


def test_a_run_of_a_later_format_is_refused(told: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    run = json.loads((Path(told["folder"]) / "run.json").read_text())
    (tmp_path / "later" / "run.json").write_text(json.dumps({**run, "format": 99}))
    (tmp_path / "later" / "summary.json").write_text("{}")
    shown = understudy("results", "show", tmp_path / "later")

    assert shown.exit_code == 2
    assert "format 99" in shown.output


def test_the_winner_of_a_window_is_told_as_its_side(told: dict[str, Any]) -> None:
    assert {row["winner"] for row in rows(told, "windows")} <= {side.value for side in Side}
