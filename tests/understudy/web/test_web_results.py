"""The page's view of backtests that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.results.stored import StoredRun
from understudy.web import results_pages


def test_a_machine_without_backtests_says_so(tmp_path: Path) -> None:
    assert "no backtest is kept" in str(results_pages.results(tmp_path / "none"))


def test_one_that_cannot_be_read_hides_no_other_and_runs_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad<b>").mkdir()
    (tmp_path / "bad<b>" / "run.json").write_text("{")
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "run.json").write_text('{"format": 1}')
    (tmp_path / "good" / "summary.json").write_text("{}")

    def told(run: StoredRun) -> list[tuple[str, str]]:
        return [("P&L", f"of {run.name}")]

    monkeypatch.setattr(results_pages, "fact_lines", told)
    shown = str(results_pages.results(tmp_path))
    assert "of good" in shown
    assert "Unreadable" in shown
    assert "<b>" not in shown
