"""Keeps the journal's log short, so that no actor has to do it in the middle of an order.

SQLite appends what is recorded to a log beside the file. By default, the actor whose record makes
the log long copies all of it into the file and waits for the disk: 5 to 11 ms, and often an order
waits for it. The foreground process has the time, and its copying does not delay writers (a
*passive* checkpoint, https://sqlite.org/wal.html#ckpt).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

from actors.runtime.journal_file import JOURNAL_NAME, journal_uri

PERIOD_S = 2.0


class JournalUpkeep:
    """Copies the log into the file, every two seconds at most, in a thread of its own.

    A stalled disk delays that thread and nothing else: the foreground goes on checking the kill
    switch and answering commands.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / JOURNAL_NAME
        self._connection: sqlite3.Connection | None = None
        self._due_s = 0.0
        self._problem = ""
        self._told = ""
        self._worker: threading.Thread | None = None

    def beat(self) -> str:
        """Start copying if it is due; return each new problem once.

        A failure loses nothing: the actors copy the log themselves when it has become long.
        """
        now_s = time.monotonic()
        if now_s >= self._due_s and self.settle(0.0):
            self._due_s = now_s + PERIOD_S
            self._worker = threading.Thread(target=self._try_to_copy, name="upkeep", daemon=True)
            self._worker.start()
        problem = self._problem
        is_new, self._told = problem != self._told, problem
        return problem if is_new else ""

    def settle(self, patience_s: float) -> bool:
        """Wait until no copy is running; False if one still is after this long.

        Call it before forking: a child would hold SQLite's locks for ever.
        """
        if self._worker is not None:
            self._worker.join(patience_s)
            return not self._worker.is_alive()
        return True

    def _try_to_copy(self) -> None:
        try:
            self._copy()
            self._problem = ""
        except sqlite3.Error as error:
            self._problem = f"the log of {self._path} was not copied into it: {error}"

    def _copy(self) -> None:
        if self._connection is None:
            # One thread uses it at a time. A connection that has read nothing yet does not know of
            # the log, and would copy nothing.
            uri = journal_uri(self._path, "rw")
            connection = sqlite3.connect(uri, uri=True, timeout=0, check_same_thread=False)
            connection.execute("PRAGMA user_version").fetchone()
            self._connection = connection
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
