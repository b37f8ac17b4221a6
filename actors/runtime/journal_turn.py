"""Turns at writing the journal, which every actor writes and only one at a time.

SQLite's own busy handler sleeps 1, 2, 5, 10 ms and more between its attempts (its source, function
``sqliteDefaultBusyCallback``), while another actor's record takes a tenth of the first delay. Here
attempts are closer together. So a writing connection has no busy timeout, and code that reads
through it sets one: changing it makes SQLite compile a statement, which is too slow for each
record.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator

from actors.runtime.disk_waits import WAIT_LIMIT_MS

BUSY_LIMIT_S = WAIT_LIMIT_MS / 1000
"""An actor that has had no turn for this long gives up."""
_PAUSE_S = 0.0002
_LONGEST_PAUSE_S = 0.02
_PAUSE_SHARE = 50
"""A pause is at least this fraction of the wait so far, to avoid busy waiting on a stalled disk."""


def begin_in_turn(connection: sqlite3.Connection, limit_s: float = BUSY_LIMIT_S) -> None:
    """Begin a write transaction as soon as no other connection has one.

    Raises:
        sqlite3.Error: no turn within the limit, or another problem.
    """
    began_at = time.monotonic()
    give_up_at = began_at + limit_s
    while not _has_begun(connection, is_last_try=time.monotonic() >= give_up_at):
        waited_s = time.monotonic() - began_at
        time.sleep(max(_PAUSE_S, min(waited_s / _PAUSE_SHARE, _LONGEST_PAUSE_S)))


def set_patience(connection: sqlite3.Connection, seconds: float) -> None:
    """Set SQLite's own busy timeout."""
    connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")


@contextlib.contextmanager
def patient(connection: sqlite3.Connection) -> Iterator[None]:
    """Give a connection a busy timeout for the reads within the block."""
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
    """Return whether the file is locked; extended codes have the primary code in the low byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
