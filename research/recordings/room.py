"""Keeps recordings within their disk limits by removing the oldest, never one in progress."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path

import attrs

from research.recordings.model import SUFFIX

_START = re.compile(r"-(\d+)$")


@attrs.frozen(kw_only=True)
class RoomLimits:
    """Limits on the disk space of recordings."""

    max_bytes: int
    """All recordings of the folder together."""
    min_free_bytes: int
    """Minimum free space on the disk."""


class NoRoom(Exception):
    """The disk is too full to record; one sentence says how full."""


def make_room(folder: Path, limits: RoomLimits, in_progress: Collection[Path]) -> list[Path]:
    """Remove the oldest recordings until the limits are met; return what was removed.

    Only recordings are removed, and none that is in progress.

    Raises:
        NoRoom: too little is free and there is nothing left to remove.
        OSError: the folder cannot be read, or a file cannot be removed.
    """
    sizes = {path: path.stat().st_size for path in folder.glob(f"*{SUFFIX}")}
    removable = sorted((path for path in sizes if path not in in_progress), key=_age)
    total_bytes = sum(sizes.values())
    free_bytes = shutil.disk_usage(folder).free
    removed: list[Path] = []
    while total_bytes > limits.max_bytes or free_bytes < limits.min_free_bytes:
        if not removable:
            break
        path = removable.pop(0)
        path.unlink()
        removed.append(path)
        total_bytes -= sizes[path]
        free_bytes = shutil.disk_usage(folder).free
    if free_bytes < limits.min_free_bytes:
        raise NoRoom(
            f"only {free_bytes / 1e9:.1f} GB of the disk of {folder} are free, "
            f"and {limits.min_free_bytes / 1e9:g} GB are to stay so (recording.min_free_gb)"
        )
    return removed


def _age(path: Path) -> tuple[int, str]:
    """Sort key: the window's start, with which the name ends."""
    found = _START.search(path.name.removesuffix(SUFFIX))
    return (int(found[1]) if found else 0, path.name)
