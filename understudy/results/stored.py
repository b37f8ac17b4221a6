"""A run as its folder has it."""

from __future__ import annotations

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
