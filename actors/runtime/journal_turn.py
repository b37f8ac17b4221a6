"""Waiting for one's turn to write the journal, which every actor writes and one at a time.

SQLite's own patience sleeps 1, 2, 5, 10 ms and more between its tries (its source, function
``sqliteDefaultBusyCallback``), where another's record takes a tenth of the first. Here tries are
closer. So a connection that writes has no patience of its own, and whoever reads through it gives
it some: changing it has SQLite compile a statement, which is too much for each record.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator

from actors.runtime.disk_waits import WAIT_LIMIT_MS

BUSY_LIMIT_S = WAIT_LIMIT_MS / 1000
"""Nobody writes for so long: whoever has not had a turn by then gives up."""
_PAUSE_S = 0.0002
_LONGEST_PAUSE_S = 0.02
_PAUSE_SHARE = 50
"""A pause is at least this part of the wait so far: a disk that stalls is no reason to be busy."""


def begin_in_turn(connection: sqlite3.Connection, limit_s: float = BUSY_LIMIT_S) -> None:
    """Begin a transaction that writes, as soon as nobody else does.

    Raises:
        sqlite3.Error: it has not begun, for want of a turn within the limit or for another reason.
    """
    began_at = time.monotonic()
    give_up_at = began_at + limit_s
    while not _has_begun(connection, is_last_try=time.monotonic() >= give_up_at):
        waited_s = time.monotonic() - began_at
        time.sleep(max(_PAUSE_S, min(waited_s / _PAUSE_SHARE, _LONGEST_PAUSE_S)))


def set_patience(connection: sqlite3.Connection, seconds: float) -> None:
    """Let SQLite itself wait so long in a statement."""
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")


@contextlib.contextmanager
def patient(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a connection that otherwise has no patience wait in what is read here."""
    set_patience(connection, BUSY_LIMIT_S)
    try:
        yield
    finally:
        set_patience(connection, 0.0)


def _has_begun(connection: sqlite3.Connection, *, is_last_try: bool) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if is_last_try or not is_busy(error):
            raise
        return False
    return True


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another has what was asked for; extended codes keep the primary in a low byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
