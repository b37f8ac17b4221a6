"""Explains in one sentence why a file cannot be written, and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

import attrs

_SAFE = "what was recorded is safe, and a run on the same data directory goes on from it"
_TROUBLES = {
    errno.ENOSPC: ("the disk of {place} is full", "free some space"),
    errno.EDQUOT: (
        "this user's quota on the disk of {place} is used up",
        "free some space, or have the quota raised",
    ),
    errno.EROFS: (
        "the disk of {place} is mounted read-only",
        "mount it for writing; if the kernel has done that by itself, dmesg says why",
    ),
    errno.EMFILE: (
        "this process may not open more files, and {place} needs some",
        "raise the limit that `ulimit -n` shows",
    ),
    errno.ENFILE: (
        "the system may not open more files, and {place} needs some",
        "raise fs.file-max, or end what holds so many",
    ),
}
_PROBE_BYTES = 65_536
_MAY_BE_TROUBLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}


@attrs.frozen
class Trouble:
    """Why nothing can be written, and what to do."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}; {self.advice}"


def find_trouble(error: BaseException, place: Path) -> Trouble | None:
    """Return the trouble of a full or read-only disk; None if the file itself is damaged.

    Args:
        error: the exception; SQLite does not tell why it could not write, so the place is tried.
        place: the directory in which something could not be written.
    """
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        number = _number_by_trying(place) if code in _MAY_BE_TROUBLE else None
        if number is None and code == sqlite3.SQLITE_FULL:
            number = (
                errno.ENOSPC
            )  # the space may be too small for a record, but enough for some trial writes
    found = _TROUBLES.get(number) if number is not None else None
    if found is None:
        return None
    what, advice = found
    return Trouble(f"{what.format(place=place)}: {_SAFE}", advice)


def trouble_of(error: BaseException, place: Path) -> str:
    """Return the trouble as one sentence; empty if it is something else."""
    trouble = find_trouble(error, place)
    return "" if trouble is None else str(trouble)


def _number_by_trying(place: Path) -> int | None:
    """Return the errno of a trial write to the place; None if it can be written."""
    try:
        with tempfile.TemporaryFile(dir=place, prefix=".understudy-") as probe:
            probe.write(os.urandom(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno
    return None
