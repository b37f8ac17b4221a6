from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from called import understudy
from click.testing import Result
from imported_windows import imported

from understudy.web import results_pages

pytest.importorskip("optuna", reason="the extra understudy[research] is not installed")

SPACE = """
[strategy]
max_trade_shares = { low = 6, high = 30 }
oracle = { choices = ["linear", "diffusion"] }
"""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(tmp_path_factory.mktemp("imported"), 4)


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.toml"
    path.write_text(SPACE)
    return path


def search(recordings: Path, space: Path, results: Path, *more: object) -> Result:
    return understudy(
        *("search", recordings, "--space", space, "--results", results, "--folds", 3),
        *("--held-out", 25, "--json", *more),
    )


def test_a_search_is_kept_shown_gone_on_with_and_looked_at(
    recordings: Path, space: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    first = search(recordings, space, results, "--trials", 4)
    assert first.exit_code == 0, first.output
    again = search(recordings, space, results, "--trials", 8, "--look")
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)
    folder, summary = Path(told["folder"]), told["summary"]

    assert json.loads(first.stdout)["folder"] == told["folder"]
    assert (summary["trials"], summary["windows_seen"], summary["windows_held_out"]) == (8, 3, 1)
    assert summary["held_out"]["look"] == summary["looks"] == 1
    assert set(summary["best"]["values"]) == {"strategy.max_trade_shares", "strategy.oracle"}
    assert summary["best"]["in_sample"] is not None
    assert summary["best"]["out_of_sample"] is not None
    with (folder / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {"in_sample", "out_of_sample", "median_fold"} <= set(rows[0])
    page = (folder / "report.html").read_text()
    assert page.count("<svg") >= 3
    assert "<script" not in page

    shown = understudy("results", "--results", results, "show", folder.name)
    words = " ".join(shown.output.split())
    assert "in sample" in words
    assert "out of sample" in words
    assert "deflated Sharpe ratio" in words or "nothing can be said of luck" in words
    on_the_page = results_pages.results(results)
    assert "unreadable" not in on_the_page
    assert f'href="/results/{folder.name}"' in on_the_page
    assert all(f">{each}</th>" in on_the_page for each in ("in sample", "out of sample"))
    assert "this was look 1" in on_the_page
    assert results_pages.report(folder.name, results) == page
    listed = understudy("results", "--results", results)
    assert "search-pair" in listed.output.replace("\n", "")


def test_the_same_search_by_two_processes_is_the_same_bytes(
    recordings: Path, space: Path, tmp_path: Path
) -> None:
    folders = []
    for jobs in (1, 2):
        told = search(recordings, space, tmp_path / str(jobs), "--trials", 4, "--jobs", jobs)
        assert told.exit_code == 0, told.output
        folders.append(Path(json.loads(told.stdout)["folder"]))
    one, other = folders

    for name in ("run.json", "summary.json", "trials.csv", "report.html"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[strategy]\nmax_trade = { low = 1, high = 2 }", "did you mean strategy.max_trade_shares"),
        ("[strategy]\nmax_trade_shares = { low = 0, high = 9 }", "max_trade_shares = 0"),
        ("[strategy]\nmax_trade_shares = { low = 9, high = 2 }", "low must be less than high"),
    ],
)
def test_a_space_that_the_settings_do_not_allow_is_one_sentence(
    recordings: Path, tmp_path: Path, text: str, words: str
) -> None:
    space = tmp_path / "space.toml"
    space.write_text(text)
    told = search(recordings, space, tmp_path / "results", "--trials", 1)

    assert told.exit_code == 2
    assert words in told.output
    assert len(told.output.strip().splitlines()) == 1


def test_too_few_windows_are_told_before_anything_is_played(
    recordings: Path, space: Path, tmp_path: Path
) -> None:
    told = search(recordings, space, tmp_path, "--trials", 1, "--folds", 9)

    assert told.exit_code == 2
    assert "4 windows are too few for 9 folds" in told.output
