"""Copies of a journal: made while the system runs, and restored while it does not.

A journal is a file and a log beside it, which belong together. Copying one without the other, or
both at different moments, gives a damaged or an older journal. SQLite's own backup copies what one
reader sees at one moment, and no writer waits for it (https://sqlite.org/backup.html).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import attrs

from actors.runtime.journal_file import (
    JOURNAL_NAME,
    READABLE,
    SIDE_FILES,
    connect,
    damaged_rows,
    too_new_sentence,
)
from actors.runtime.journal_rows import JournalError
from understudy.data_dir.kill_switch import pull_kill_switch
from understudy.data_dir.ownership import DataDirLock
from understudy.data_dir.privacy import NotPrivate, make_private


class BackupFailed(Exception):
    """No copy was made or restored; one sentence says why, and what is there now."""


@attrs.frozen(kw_only=True)
class Copy:
    """A whole journal in one file."""

    path: Path
    size_bytes: int
    last_seq: int
    """Number of its newest event; 0 if it has none."""
    damage: tuple[str, ...] = ()
    """One sentence for each damaged row; the others are intact."""


def back_up(data_dir: Path, target: Path) -> Copy:
    """Copy a journal, whether or not a run writes it, into one file that is complete or not there.

    Raises:
        BackupFailed: there is none, it is damaged, or the target cannot be written or exists.
    """
    source = data_dir / JOURNAL_NAME
    if not source.exists():
        raise BackupFailed(f"there is no journal in {data_dir}")
    if target.exists():
        raise BackupFailed(f"{target} exists already: choose another name")
    fresh = target.with_name(f".{target.name}.new")
    try:
        _copy(source, fresh)
        found = examine(fresh)
        fresh.rename(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error, JournalError) as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise BackupFailed(f"{source} was not copied to {target}: {error}") from None
    return attrs.evolve(found, path=target)


def _copy(source: Path, target: Path) -> None:
    """Copy what one reader sees into a private file, and sync it to the disk."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        contextlib.closing(connect(source, read_only=True)) as reader,
        contextlib.closing(sqlite3.connect(target)) as writer,
    ):
        reader.backup(writer)  # all pages in one step, and so as of one moment
        # A copy must be one file: with a log of its own it would be two again.
        writer.execute("PRAGMA journal_mode = DELETE")
    _sync(target)


def examine(path: Path) -> Copy:
    """Check that a file is a whole journal that this program can read.

    Raises:
        JournalError: it is not.
    """
    try:
        with contextlib.closing(connect(path.resolve(), read_only=True)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > max(READABLE):
                raise JournalError(too_new_sentence(path, version))
            if version not in READABLE:
                raise JournalError(f"{path} is not a journal")
            problem = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if problem != "ok":
                raise JournalError(f"{path} is damaged: {problem}")
            row = connection.execute("SELECT max(seq) FROM events").fetchone()
            damage = tuple(damaged_rows(connection))
    except sqlite3.Error as error:
        raise JournalError(f"{path} is not a readable journal: {error}") from None
    size_bytes = path.stat().st_size
    return Copy(path=path, size_bytes=size_bytes, last_seq=row[0] or 0, damage=damage)


def restore(copy: Path, data_dir: Path) -> tuple[Copy, Path | None]:
    """Replace a journal by a copy while nothing runs there; the previous one is kept aside.

    A HALT file is written beside it: the copy lacks what happened after it was made, so the next
    run begins halted, and a person decides.

    Raises:
        BackupFailed: the copy is not a journal, or the directory cannot be written.
        DirectoryLocked: a run holds the directory.
    """
    try:
        found = examine(copy)
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # otherwise root could restore a copy for another user
        if data_dir.stat().st_uid == os.geteuid():
            make_private(data_dir)
        lock = DataDirLock(data_dir)
    except (JournalError, NotPrivate, OSError) as error:
        raise BackupFailed(f"{copy} was not restored: {error}") from None
    try:
        place = data_dir / JOURNAL_NAME
        fresh = place.with_suffix(".new")
        _copy(copy.resolve(), fresh)
        pull_kill_switch(data_dir, f"the journal was restored from {copy.name}")
        aside = _put_aside(data_dir)
        fresh.rename(place)
        _sync(data_dir)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{copy} was not restored: {error}") from None
    finally:
        lock.release()
    return attrs.evolve(found, path=data_dir / JOURNAL_NAME), aside


def _put_aside(data_dir: Path) -> Path | None:
    place = data_dir / JOURNAL_NAME
    if not place.exists():
        return None
    aside = place.with_name(
        f"{JOURNAL_NAME}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    )
    for ending in SIDE_FILES:
        beside = place.with_name(place.name + ending)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + ending))
    place.rename(aside)
    return aside


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
