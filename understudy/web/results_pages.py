"""Pages of the backtests and searches kept on this machine."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

from understudy.display.html import Html, facts, join, nothing, panel, table, tag
from understudy.results.search_view import CAPTION, best_trials, search_lines
from understudy.results.store import BadResults, StoredRun, list_runs
from understudy.results.view import fact_lines
from understudy.settings.options import DEFAULT_DATA_DIR

RESULTS_DIR = DEFAULT_DATA_DIR / "results"
RUNS_MAX = 30
"""The newest runs shown; for older ones there is ``understudy results``."""
TRIALS_MAX = 10
"""The best trials of a search shown; its report has all."""
_REPORT = "report.html"


def results(folder: Path | None = None) -> Html:
    """Facts of each backtest and search, newest first."""
    folder = (folder or RESULTS_DIR).expanduser()
    try:
        runs = list(itertools.islice(list_runs(folder), RUNS_MAX)) if folder.is_dir() else []
    except BadResults as problem:
        return panel("results", "Results", tag("p", str(problem)))
    if not runs:
        none = nothing(f"no backtest and no search is kept in {folder}")
        return panel("results", "Results", none, _missing_extra())
    cards = (_card(number, run) for number, run in enumerate(runs))
    return join(_missing_extra(), *cards)


def report(name: str, folder: Path | None = None) -> str | None:
    """The report page of a backtest or a search, with its plots; None without one.

    Raises:
        OSError: it cannot be read.
    """
    folder = (folder or RESULTS_DIR).expanduser()
    path = folder / name / _REPORT
    if path.resolve().parent.parent != folder.resolve() or not path.is_file():
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def _missing_extra() -> Html | None:
    if importlib.util.find_spec("optuna") is not None:
        return None
    install = tag("code", "pip install 'understudy[research]'")
    return tag("p", "Searches need the research extra, which is not installed here: ", install)


def _card(number: int, run: StoredRun | BadResults) -> Html:
    if isinstance(run, BadResults):
        return panel(f"run-{number}", "Unreadable", tag("p", str(run)))
    trials: Html | None = None
    is_search = run.run.get("kind") == "search"
    try:
        lines = list(search_lines(run) if is_search else fact_lines(run))
        trials = _trials(run) if is_search else None
    except (BadResults, KeyError, TypeError, ValueError) as problem:
        lines = [("unreadable", f"its summary is not of this version: {problem!r}")]
    words = (
        (name, tag("span", words, class_="warning") if name == "caution" else words)
        for name, words in lines
    )
    note = "search" if is_search else "backtest"
    return panel(f"run-{number}", run.name, facts(words), trials, _link(run), note=note)


def _trials(run: StoredRun) -> Html | None:
    headings, rows = best_trials(run)
    if not rows:
        return None
    title = f"best trials of {run.name}, {CAPTION}"
    body = table(title, headings, rows[:TRIALS_MAX], numeric=headings)
    shown = f"the best {min(TRIALS_MAX, len(rows))} of {len(rows):,}, {CAPTION}"
    return join(body, tag("p", shown, class_="muted"))


def _link(run: StoredRun) -> Html | None:
    if not (run.folder / _REPORT).is_file():
        return None
    words = tag("span", f" of {run.name}", class_="unseen")
    link = tag("a", "report with plots", words, href=f"/results/{run.name}")
    return tag("p", link)
