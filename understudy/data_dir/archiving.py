"""Moves old events out of the journal, after copying the whole journal to a file.

The current state (orders, windows, ledgers: the table ``state``) stays, and with it everything that
reports, lists and restarts read. Events only record how it came about; those of open orders stay as
well.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import attrs

from actors.execution.desk_state import OrdersCreated
from actors.messages.settings import SettingsChanged
from actors.runtime.journal_file import JOURNAL_NAME, connect
from actors.runtime.journal_rows import JournalError
from actors.runtime.journal_turn import begin_in_turn
from understudy.data_dir.backup import BackupFailed, Copy, back_up
from understudy.data_dir.ownership import DataDirLock, DirectoryLocked
from understudy.reading.archive import Archive

_AT_ONCE = 500
"""Events removed per transaction, which takes a few milliseconds; an order may have to wait for it.
"""
_PAUSE_S = 0.02


@attrs.frozen(kw_only=True)
class Archived:
    """The result of archiving a journal's old events."""

    copy: Copy
    """The whole journal as it was before."""
    removed: int
    left: int
    is_shrunk: bool
    """Whether the file became smaller; while a run holds it, its freed pages are only reused."""
    size_bytes: int


def archive(data_dir: Path, target: Path, before_ms: int) -> Archived:
    """Copy the whole journal, and remove from it what happened before an instant.

    Args:
        data_dir: where the journal is, whether or not a run writes it.
        target: the copy's file, which must not exist.
        before_ms: venue time. Events of an open order, and all since its creation, are kept.

    Raises:
        BackupFailed: no copy was made, or the copied events were not removed; the sentence says
            so.
    """
    copy = back_up(data_dir, target)
    path = data_dir / JOURNAL_NAME
    try:
        end_seq = min(copy.last_seq, _first_needed(data_dir, before_ms))
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(contextlib.closing(connect(path, read_only=False)))
            try:
                lock = DataDirLock(data_dir)
                stack.callback(lock.release)
                is_stopped = True
            except DirectoryLocked:
                is_stopped = False
            removed = _remove(connection, end_seq, pause_s=0.0 if is_stopped else _PAUSE_S)
            if is_stopped and removed:
                connection.execute("VACUUM")
            left = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    except (OSError, sqlite3.Error, JournalError) as error:
        raise BackupFailed(
            f"{target} is a whole copy, but {path} was left as it is: {error}"
        ) from None
    return Archived(
        copy=copy,
        removed=removed,
        left=left,
        is_shrunk=is_stopped and removed > 0,
        size_bytes=path.stat().st_size,
    )


def _first_needed(data_dir: Path, before_ms: int) -> int:
    """Number of the first event that must stay."""
    archive = Archive(data_dir)
    try:
        last_seq, _ = archive.last_event()
        young = next((each.seq for each in archive.events() if each.at_ms >= before_ms), last_seq)
        stories = [archive.story(order.intent.order_id) for order in archive.open_orders()]
        return min([young, *(event.seq for story in stories for event in story)])
    finally:
        archive.close()


def _remove(connection: sqlite3.Connection, end_seq: int, *, pause_s: float) -> int:
    """Remove events below a number, except those that record settings, and the last creation.

    A directory without any order may be given to another account, so one creation must stay.
    """
    total = 0
    while True:
        begin_in_turn(connection)
        removed = connection.execute(
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ? AND kind <> ? "
            "AND seq <> (SELECT ifnull(max(seq), 0) FROM events WHERE kind = ?) LIMIT ?)",
            (end_seq, SettingsChanged.__name__, OrdersCreated.__name__, _AT_ONCE),
        ).rowcount
        connection.execute("COMMIT")
        total += removed
        if removed < _AT_ONCE:
            return total
        time.sleep(pause_s)
