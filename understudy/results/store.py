"""A folder per run: all its inputs, its tables, its numbers and its page.

Inputs and results are the same bytes on every machine and with any number of jobs. Only
``timing.json`` says when it ran and how long it took.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from actors.settings import Settings
from understudy.settings.config import config_of

RESULTS_FORMAT = 1
"""Version of the folder; a reader reads every format up to its own."""
RUN_FILE, SUMMARY_FILE = "run.json", "summary.json"
TIMING_FILE, PAGE_FILE = "timing.json", "report.html"
_NAME_DIGITS = 8


class BadResults(Exception):
    """A folder is not a result, or cannot be read or written; one sentence says which and why."""


@attrs.frozen(kw_only=True)
class StoredRun:
    """A run as stored in its folder."""

    folder: Path
    run: dict[str, Any]
    """Its inputs."""
    summary: dict[str, Any]
    """Its results."""
    timing: dict[str, Any]
    """When, and how long; empty if that was lost."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def rows(self, table: str) -> list[dict[str, str]]:
        """Read one of its tables, such as ``windows``.

        Raises:
            BadResults: it cannot be read.
        """
        path = self.folder / f"{table}.csv"
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        except OSError as problem:
            raise BadResults(f"{path} cannot be read: {problem.strerror}") from None


def made_of(kind: str, settings: Settings, seed: int) -> dict[str, Any]:
    """The inputs common to backtests and searches."""
    strategy = _strategy(settings)
    values = {each.key.full_name: each.value for each in config_of(settings).effective}
    return {
        "format": RESULTS_FORMAT,
        "kind": kind,
        "program": f"understudy {version('understudy')}",
        "strategy": strategy,
        "settings": {**values, "strategy.use": strategy["use"]},
        "seed": seed,
    }


def _strategy(settings: Settings) -> dict[str, Any]:
    """The strategy; for a file, its name and digest, since its folder differs by machine."""
    file = settings.strategy.file
    if file is None:
        return {"use": settings.strategy.use, "sha256": None}
    return {"use": f"{Path(file.path).name}:{file.class_name}", "sha256": file.sha256}


def run_name(facts: Mapping[str, Any]) -> str:
    """Name a run's folder after its first window, its strategy and a digest of its inputs."""
    text = json.dumps(facts, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]
    use = facts["strategy"]["use"]
    strategy = use.rpartition(":")[2].rpartition("/")[2].removesuffix(".py")
    recordings = facts["recordings"]
    first = recordings[0]["slug"] if recordings else "nothing"
    return f"{strategy}-{first}-{len(recordings)}-{digest}"


def read_run(folder: Path) -> StoredRun:
    """Read a run's inputs and results.

    Raises:
        BadResults: the folder is not a result, is of a later format, or is damaged.
    """
    run, summary = _json(folder / RUN_FILE), _json(folder / SUMMARY_FILE)
    if not isinstance(run.get("format"), int) or run["format"] > RESULTS_FORMAT:
        raise BadResults(f"{folder} has format {run.get('format')}, which this version cannot read")
    timing = _json(folder / TIMING_FILE) if (folder / TIMING_FILE).is_file() else {}
    return StoredRun(folder=folder, run=run, summary=summary, timing=timing)


def list_runs(results_dir: Path) -> Iterable[StoredRun | BadResults]:
    """Every run of a directory, newest first; unreadable ones are reported and skipped.

    Raises:
        BadResults: the directory cannot be read.
    """
    found: list[StoredRun | BadResults] = []
    try:
        folders = sorted(each for each in results_dir.iterdir() if (each / RUN_FILE).is_file())
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
        raise BadResults(f"{path} is damaged: it is not a JSON object")
    return value
