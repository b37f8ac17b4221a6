"""What backtests have come to, as they are kept on this machine."""

from __future__ import annotations

import itertools
from pathlib import Path

from understudy.results.store import list_runs
from understudy.results.stored import BadResults, StoredRun
from understudy.results.view import fact_lines
from understudy.settings.options import DEFAULT_DATA_DIR
from understudy.web.html import Html, facts, join, nothing, panel, tag

RESULTS_DIR = DEFAULT_DATA_DIR / "results"
RUNS_MAX = 30
"""The newest; older ones: ``understudy results``."""


def results(folder: Path = RESULTS_DIR) -> Html:
    """Each run's facts, the newest run first."""
    folder = folder.expanduser()
    try:
        runs = list(itertools.islice(list_runs(folder), RUNS_MAX)) if folder.is_dir() else []
    except BadResults as problem:
        return panel("results", "Results", tag("p", str(problem)))
    if not runs:
        return panel("results", "Results", nothing(f"no backtest is kept in {folder}"))
    return join(*(_card(number, run) for number, run in enumerate(runs)))


def _card(number: int, run: StoredRun | BadResults) -> Html:
    if isinstance(run, BadResults):
        return panel(f"run-{number}", "Unreadable", tag("p", str(run)))
    try:
        lines = list(fact_lines(run))
    except (KeyError, TypeError, ValueError) as problem:
        lines = [("unreadable", f"its summary is not of this version: {problem!r}")]
    return panel(f"run-{number}", run.name, facts(lines))
