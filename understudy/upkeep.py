"""Keeps the journal's log short, so that no actor has to do it in the middle of an order.

SQLite appends what is recorded to a log beside the file. Left alone, the actor whose record makes
the log long copies all of it into the file and waits for the disk: 5 to 11 ms, and as often as not
it is an order that waits. The foreground process has the time, and copying does not hold up who
records meanwhile (a *passive* checkpoint, https://sqlite.org/wal.html#ckpt).
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from actors.runtime.journal_file import JOURNAL_NAME, journal_uri

PERIOD_S = 2.0


class JournalUpkeep:
    """Copies the log into the file, every two seconds at most."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / JOURNAL_NAME
        self._connection: sqlite3.Connection | None = None
        self._due_s = 0.0
        self._told = ""

    def beat(self) -> str:
        """Copy, if it is time to; returns what went wrong, once for each thing that does.

        Nothing is lost by a failure: the actors copy the log themselves when it has become long.
        """
        now_s = time.monotonic()
        if now_s < self._due_s:
            return ""
        self._due_s = now_s + PERIOD_S
        problem = ""
        try:
            self._copy()
        except sqlite3.Error as error:
            problem = f"the log of {self._path} was not copied into it: {error}"
        is_new, self._told = problem != self._told, problem
        return problem if is_new else ""

    def _copy(self) -> None:
        if self._connection is None:
            # One that has read nothing yet does not know of the log, and would copy nothing.
            connection = sqlite3.connect(journal_uri(self._path, "rw"), uri=True, timeout=0)
            connection.execute("PRAGMA user_version").fetchone()
            self._connection = connection
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
