"""The page's view of backtests and searches; tests of both commands show it what they have kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from page_visitor import visit
from yarl import URL

from actors.runtime.journal_file import prepare
from understudy.results.store import StoredRun
from understudy.web import results_pages


def test_a_machine_without_backtests_says_so(tmp_path: Path) -> None:
    assert "no backtest and no search is kept" in results_pages.results(tmp_path / "none")


def test_a_machine_without_the_research_extra_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_pages.importlib.util, "find_spec", lambda _name: None)
    shown = results_pages.results(tmp_path)
    assert "Searches need the research extra, which is not installed here" in shown
    assert "pip install &#x27;understudy[research]&#x27;" in shown


def test_a_report_is_shown_by_itself_and_can_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, kept = tmp_path / "results", tmp_path / "results" / "search-pair-btc"
    kept.mkdir(parents=True)
    (kept / "report.html").write_text("<svg>its plots</svg>")
    outside = tmp_path / "report.html"
    outside.write_text("a secret")
    (results / "linked").symlink_to(tmp_path)
    monkeypatch.setattr(results_pages, "RESULTS_DIR", results)
    prepare(tmp_path)

    async def look(client: TestClient[Any, Any]) -> None:
        answer = await client.get("/results/search-pair-btc")
        assert await answer.text() == "<svg>its plots</svg>"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert policy.endswith("sandbox")
        assert answer.headers["X-Frame-Options"] == "DENY"
        for name in ("linked", "none", "..%2fresults%2fsearch-pair-btc"):
            assert (await client.get(URL(f"/results/{name}", encoded=True))).status == 404, name

    visit(tmp_path, look)


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
