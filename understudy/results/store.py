"""A folder a run: everything that made it, its tables, its numbers and its page.

What a run is made of and what it came to are the same bytes on every machine and with any number
of jobs; when it ran and how long it took stand in ``timing.json``, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from actors.settings import Settings
from research.backtest.outcome import WindowOutcome
from research.backtest.runner import BacktestPlan, PlayedWindow
from understudy.reading.csv_rows import csv_text
from understudy.results.numbers import model_numbers, numbers_of
from understudy.results.stored import BadResults, StoredRun
from understudy.results.tables import (
    NUMBER_COLUMNS,
    Row,
    equity_rows,
    fill_rows,
    order_rows,
    prediction_rows,
    window_rows,
)
from understudy.results.trades import window_of
from understudy.settings.config import config_of

RESULTS_FORMAT = 1
"""Version of the folder; a reader reads every format up to its own."""
_RUN, _SUMMARY, _TIMING, _PAGE = "run.json", "summary.json", "timing.json", "report.html"
_NAME_DIGITS = 8


def run_facts(
    plan: BacktestPlan, played: Sequence[PlayedWindow], planned_count: int
) -> dict[str, Any]:
    """Everything that a run is made of."""
    strategy = strategy_facts(plan.settings)
    return {
        "format": RESULTS_FORMAT,
        "kind": "backtest",
        "program": f"understudy {version('understudy')}",
        "strategy": strategy,
        "settings": settings_facts(plan.settings),
        "seed": plan.seed,
        "is_continuous": plan.is_continuous,
        "recordings": [
            {"slug": each.outcome.slug, "sha256": each.sha256, "derived": each.outcome.derived}
            for each in played
        ],
        "left_out": planned_count - len(played),
    }


def strategy_facts(settings: Settings) -> dict[str, Any]:
    """Which strategy, and the digest of its file if it has one of its own."""
    file = settings.strategy.file
    if file is None:
        return {"use": settings.strategy.use, "sha256": None}
    return {"use": f"{Path(file.path).name}:{file.class_name}", "sha256": file.sha256}


def summary_of(plan: BacktestPlan, outcomes: Sequence[WindowOutcome]) -> dict[str, Any]:
    """Everything that a run came to, in numbers."""
    refusals: dict[str, int] = {}
    for outcome in outcomes:
        for reason, count in outcome.refusals:
            refusals[reason] = refusals.get(reason, 0) + count
    settled = [(each.winner, each.predictions) for each in outcomes if each.is_settled]
    return {
        "format": RESULTS_FORMAT,
        **numbers_of([window_of(each) for each in outcomes], plan.seed),
        "model": model_numbers(settled),
        "signals": sum(each.signals_count for each in outcomes),
        "stop_losses": sum(each.stop_loss_count for each in outcomes),
        "refusals": dict(sorted(refusals.items(), key=lambda each: (-each[1], each[0]))),
        "events": sum(each.events_count for each in outcomes),
        "public_trades": sum(each.trades_count for each in outcomes),
        "gaps": sum(each.gaps_count for each in outcomes),
        "errors": [error for each in outcomes for error in each.errors],
    }


def run_name(facts: Mapping[str, Any]) -> str:
    """Name a run's folder after its first window, its strategy and all that it is made of."""
    text = json.dumps(facts, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]
    use = facts["strategy"]["use"]
    strategy = use.rpartition(":")[2].rpartition("/")[2].removesuffix(".py")
    recordings = facts["recordings"]
    first = recordings[0]["slug"] if recordings else "nothing"
    return f"{strategy}-{first}-{len(recordings)}-{digest}"


def write_run(
    results_dir: Path,
    plan: BacktestPlan,
    played: Sequence[PlayedWindow],
    planned_count: int,
    timing: Mapping[str, Any],
) -> StoredRun:
    """Write a run's folder; one of the same name is of the same run, and is written anew.

    Raises:
        BadResults: it cannot be written.
    """
    outcomes = [each.outcome for each in played]
    facts = run_facts(plan, played, planned_count)
    summary = summary_of(plan, outcomes)
    folder = results_dir / run_name(facts)
    stored = StoredRun(folder=folder, run=facts, summary=summary, timing=dict(timing))
    windows = [window_of(outcome) for outcome in outcomes]
    tables: dict[str, list[Row]] = {
        "windows": list(window_rows(outcomes)),
        "orders": list(order_rows(windows)),
        "fills": list(fill_rows(windows)),
        "equity": list(equity_rows(outcomes)),
        "predictions": list(prediction_rows(outcomes)),
    }
    # The plotting library is large, and only this needs it.
    from understudy.results.page import run_page

    page = run_page(stored, outcomes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            (folder / f"{name}.csv").write_text(csv_text(rows), encoding="utf-8")
        _write_parquet(folder, tables)
        (folder / _PAGE).write_text(page, encoding="utf-8")
        for name, value in ((_SUMMARY, summary), (_TIMING, timing), (_RUN, facts)):
            (folder / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        raise BadResults(f"{folder} cannot be written: {problem.strerror}") from None
    return stored


def _write_parquet(folder: Path, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write Parquet beside the CSV where the library for it is installed."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        return
    for name, rows in tables.items():
        if rows:
            columns = {key: [_cell(key, row[key]) for row in rows] for key in rows[0]}
            parquet.write_table(arrow.table(columns), folder / f"{name}.parquet")


def _cell(key: str, value: Any) -> Any:
    return float(value) if key in NUMBER_COLUMNS and isinstance(value, str) else value


def read_run(folder: Path) -> StoredRun:
    """Read what a run is made of and what it came to.

    Raises:
        BadResults: the folder is no result, of a later format, or damaged.
    """
    run, summary = _json(folder / _RUN), _json(folder / _SUMMARY)
    if not isinstance(run.get("format"), int) or run["format"] > RESULTS_FORMAT:
        raise BadResults(f"{folder} has format {run.get('format')}, which this version cannot read")
    timing = _json(folder / _TIMING) if (folder / _TIMING).is_file() else {}
    return StoredRun(folder=folder, run=run, summary=summary, timing=timing)


def list_runs(results_dir: Path) -> Iterable[StoredRun | BadResults]:
    """Every run of a directory, the newest first; what cannot be read is told, and passed over.

    Raises:
        BadResults: the directory cannot be read.
    """
    found: list[StoredRun | BadResults] = []
    try:
        folders = sorted(each for each in results_dir.iterdir() if (each / _RUN).is_file())
    except OSError as problem:
        raise BadResults(f"{results_dir} cannot be read: {problem.strerror}") from None
    for folder in folders:
        try:
            found.append(read_run(folder))
        except BadResults as problem:
            found.append(problem)
    return sorted(found, key=_began, reverse=True)


def _began(run: StoredRun | BadResults) -> str:
    return str(run.timing.get("began", "")) if isinstance(run, StoredRun) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadResults(f"{path} cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise BadResults(f"{path} is damaged: {problem}") from None
    if not isinstance(value, dict):
        raise BadResults(f"{path} is damaged: it is no JSON object")
    return value


def settings_facts(settings: Settings) -> dict[str, Any]:
    """Every setting; a strategy's file without its folder, which differs between machines."""
    values = {each.key.full_name: each.value for each in config_of(settings).effective}
    return {**values, "strategy.use": strategy_facts(settings)["use"]}
