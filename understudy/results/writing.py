"""Writes a run's folder while it is played: tables window by window, numbers and page at the end.

A window's results are written when it is added, to unnamed files, and then dropped. Memory holds
only figures, and a run that is killed leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from research.backtest.outcome import WindowOutcome
from research.backtest.runner import BacktestPlan, PlayedWindow
from understudy.reading.csv_rows import csv_text
from understudy.results.numbers import ModelNumbers, RunNumbers
from understudy.results.store import (
    PAGE_FILE,
    RESULTS_FORMAT,
    RUN_FILE,
    SUMMARY_FILE,
    TIMING_FILE,
    BadResults,
    StoredRun,
    made_of,
    run_name,
)
from understudy.results.tables import (
    COUNT_COLUMNS,
    FLAG_COLUMNS,
    NUMBER_COLUMNS,
    TABLES,
    Row,
    table_rows,
    window_of,
)

_PARQUET_ROWS = 1_024
"""Rows written at a time; each takes about 2 KB."""


class RunWriter:
    """One run's folder: a context within which windows are added and the run is finished."""

    def __init__(self, results_dir: Path, plan: BacktestPlan, planned_count: int) -> None:
        """Begin a run of this many windows.

        Raises:
            BadResults: nothing can be written there.
        """
        self._files = contextlib.ExitStack()
        self._results_dir = results_dir
        self._plan = plan
        self._planned_count = planned_count
        self._numbers, self._model = RunNumbers(), ModelNumbers()
        self._recordings: list[dict[str, str]] = []
        self._refusals: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._errors: list[str] = []
        self._total_nanos = 0
        """Total result of the windows so far."""
        try:
            results_dir.mkdir(parents=True, exist_ok=True)
            self._tables = {name: _Table(self._files, results_dir) for name in TABLES}
        except OSError as problem:
            raise BadResults(f"{results_dir} cannot be written: {problem.strerror}") from None

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._files.close()

    @property
    def windows_count(self) -> int:
        """Number of windows added."""
        return len(self._numbers.windows)

    @property
    def events_count(self) -> int:
        """Number of market channel events in them."""
        return self._counts["events"]

    def add(self, played: PlayedWindow) -> None:
        """Add the next window.

        Raises:
            BadResults: it cannot be written.
        """
        outcome = played.outcome
        window = window_of(outcome)
        self._numbers.add(window)
        if outcome.winner is not None:
            self._model.add(outcome.winner, outcome.predictions)
        self._recordings.append(
            {"slug": outcome.slug, "sha256": played.sha256, "derived": outcome.derived}
        )
        self._refusals.update(dict(outcome.refusals))
        self._errors += outcome.errors
        self._count(outcome)
        try:
            for name, rows in table_rows(outcome, window, self._total_nanos).items():
                self._tables[name].add(rows)
        except OSError as problem:
            raise BadResults(f"{self._results_dir}: {problem.strerror}") from None
        self._total_nanos += outcome.pnl_nanos

    def _count(self, outcome: WindowOutcome) -> None:
        self._counts["signals"] += outcome.signals_count
        self._counts["stop_losses"] += outcome.stop_loss_count
        self._counts["events"] += outcome.events_count
        self._counts["public_trades"] += outcome.trades_count
        self._counts["gaps"] += outcome.gaps_count

    def finish(self, timing: Mapping[str, Any]) -> StoredRun:
        """Write the folder; an existing one of the same name is the same run, and is replaced.

        Raises:
            BadResults: it cannot be written.
        """
        facts, summary = self._facts(), self._summary()
        folder = self._results_dir / run_name(facts)
        stored = StoredRun(folder=folder, run=facts, summary=summary, timing=dict(timing))
        # The plotting library is large, and only needed here.
        from understudy.results.page import run_page

        page = run_page(stored, self._numbers.windows)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, table in self._tables.items():
                table.keep(folder / name)
            (folder / PAGE_FILE).write_text(page, encoding="utf-8")
            for file, value in ((SUMMARY_FILE, summary), (TIMING_FILE, timing), (RUN_FILE, facts)):
                (folder / file).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        except OSError as problem:
            raise BadResults(f"{folder} cannot be written: {problem.strerror}") from None
        return stored

    def _facts(self) -> dict[str, Any]:
        """All inputs of the run."""
        return {
            **made_of("backtest", self._plan.settings, self._plan.seed),
            "is_continuous": self._plan.is_continuous,
            "recordings": self._recordings,
            "left_out": self._planned_count - self.windows_count,
        }

    def _summary(self) -> dict[str, Any]:
        """All results of the run, in numbers."""
        counts = self._counts
        refusals = sorted(self._refusals.items(), key=lambda each: (-each[1], each[0]))
        return {
            "format": RESULTS_FORMAT,
            **self._numbers.numbers(self._plan.seed),
            "model": self._model.numbers(),
            "signals": counts["signals"],
            "stop_losses": counts["stop_losses"],
            "refusals": dict(refusals),
            "events": counts["events"],
            "public_trades": counts["public_trades"],
            "gaps": counts["gaps"],
            "errors": self._errors,
        }


class _Table:
    """One table being written: as CSV, and as Parquet if the library for it is installed."""

    def __init__(self, files: contextlib.ExitStack, folder: Path) -> None:
        self._csv = _nameless_file(files, folder)
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ModuleNotFoundError:
            self._parquet: _ParquetFile | None = None
        else:
            self._parquet = _ParquetFile(_nameless_file(files, folder), arrow, parquet)

    def add(self, rows: Sequence[Row]) -> None:
        self._csv.write(csv_text(rows, has_names=not self._csv.tell()).encode())
        if self._parquet is not None:
            self._parquet.add(rows)

    def keep(self, path: Path) -> None:
        """Write the files of this path, each with its suffix."""
        _copy(self._csv, path.with_suffix(".csv"))
        if self._parquet is not None and self._parquet.end():
            _copy(self._parquet.file, path.with_suffix(".parquet"))


class _ParquetFile:
    def __init__(self, file: IO[bytes], arrow: Any, parquet: Any) -> None:
        self.file = file
        self._arrow, self._parquet = arrow, parquet
        self._waiting: list[Row] = []
        self._writer: Any = None

    def add(self, rows: Sequence[Row]) -> None:
        self._waiting += rows
        if len(self._waiting) >= _PARQUET_ROWS:
            self._write()

    def end(self) -> bool:
        """Write the rest; return whether there were any rows."""
        if self._waiting:
            self._write()
        if self._writer is not None:
            self._writer.close()
        return self._writer is not None

    def _write(self) -> None:
        rows, self._waiting = self._waiting, []
        columns = {key: [_cell(key, row[key]) for row in rows] for key in rows[0]}
        schema = self._arrow.schema([(key, self._type(key)) for key in columns])
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self.file, schema)
        self._writer.write_table(self._arrow.table(columns, schema=schema))

    def _type(self, key: str) -> Any:
        if key in NUMBER_COLUMNS:
            return self._arrow.float64()
        if key in COUNT_COLUMNS:
            return self._arrow.int64()
        return self._arrow.bool_() if key in FLAG_COLUMNS else self._arrow.string()


def _nameless_file(files: contextlib.ExitStack, folder: Path) -> IO[bytes]:
    return files.enter_context(tempfile.TemporaryFile(dir=folder))  # the stack closes it


def _cell(key: str, value: Any) -> Any:
    return float(value) if key in NUMBER_COLUMNS and isinstance(value, str) else value


def _copy(source: IO[bytes], path: Path) -> None:
    source.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)
