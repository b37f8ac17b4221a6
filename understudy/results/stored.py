"""A run as its folder has it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import attrs


class BadResults(Exception):
    """A folder is no result, or cannot be read or written; one sentence says which and why."""


@attrs.frozen(kw_only=True)
class StoredRun:
    """A run as its folder has it."""

    folder: Path
    run: dict[str, Any]
    """What it was made of."""
    summary: dict[str, Any]
    """What it came to."""
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
