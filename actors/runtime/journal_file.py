"""The journal's file: its tables, migrations of older files, and reading of rows."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from actors.runtime.disk_trouble import trouble_of
from actors.runtime.journal_rows import DamagedRow, check_event, decoded
from actors.runtime.journal_rows import (
    JournalError as JournalError,
)  # many modules import it from here
from actors.runtime.journal_turn import BUSY_LIMIT_S
from actors.runtime.private_files import open_plain, why_not_plain
from actors.runtime.row_tags import SCHEMA_1_NAMES

JOURNAL_NAME = "journal.sqlite"
SCHEMA_VERSION = 3
READABLE = (1, 2, SCHEMA_VERSION)
"""Rows of all these are read alike; `understudy run` migrates a file."""
SIDE_FILES = ("-wal", "-shm")
"""SQLite's log beside the file, and its index."""
LOG_PAGES_MOST = 10_000
"""40 MB: whichever actor fills the log to this length copies it into the file. It is about fifty
times what trading writes until understudy/data_dir/upkeep.py copies it, which delays nobody."""

_SCHEMA = """
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    role       TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    order_id   TEXT,
    market_id  TEXT,
    body       TEXT    NOT NULL,
    checksum   INTEGER           -- journal_rows.py; NULL: written before schema 3
);
CREATE INDEX events_by_order  ON events (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX events_by_kind   ON events (kind);
CREATE TABLE state (
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    is_open    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    class      TEXT    NOT NULL, -- tag of row_tags.py
    body       TEXT    NOT NULL,
    checksum   INTEGER,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX state_open ON state (kind) WHERE is_open = 1;
CREATE TABLE owners (
    role       TEXT    PRIMARY KEY,
    generation INTEGER NOT NULL
) WITHOUT ROWID;
"""

_MIGRATIONS: dict[int, str] = {
    # Version 1 named a row's class by its module.
    1: "".join(
        f"UPDATE state SET class = '{tag}' WHERE class = '{name}';\n"  # noqa: S608 # our own words
        for name, tag in SCHEMA_1_NAMES.items()
    ),
    # Version 2 had no checksums. Its rows get none, so that the migration takes no time.
    2: "ALTER TABLE events ADD COLUMN checksum INTEGER;\n"
    "ALTER TABLE state ADD COLUMN checksum INTEGER;\n",
}
"""The statements that migrate a file from each version to the next."""


class SchemaTooNew(JournalError):
    """The file was written by a later version of this program."""


def journal_uri(path: Path, mode: str) -> str:
    """Return a file's URI for SQLite, quoting characters with a meaning in URIs, such as ``#``.

    Args:
        path: path of the file.
        mode: "ro" or "rw" (https://sqlite.org/uri.html).
    """
    return f"{path.absolute().as_uri()}?mode={mode}"


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file, which must exist.

    Raises:
        JournalError: the file, or its log, is a link or not a plain file.
        sqlite3.Error: it cannot be opened.
    """
    for each in (path, *(path.with_name(path.name + ending) for ending in SIDE_FILES)):
        problem = why_not_plain(each)
        if problem:
            raise JournalError(f"the journal {path} is not opened: {each.name}: {problem}")
    uri = journal_uri(path, "ro" if read_only else "rw")
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_LIMIT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        connection.execute("ROLLBACK")
        raise SchemaTooNew(too_new_sentence(path, version))
    if version == 0:
        _run_script(connection, _SCHEMA)
        version = SCHEMA_VERSION
    while version < SCHEMA_VERSION:
        _run_script(connection, _MIGRATIONS[version])
        version += 1
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def prepare(data_dir: Path) -> tuple[DamagedRow, ...]:
    """Create or migrate the journal, and read everything that recovery needs.

    Called once by the foreground process, before any actor starts.

    Returns:
        The damaged open rows. If there are any, nothing may start before each of them was dealt
        with (understudy/data_dir/damage.py).

    Raises:
        JournalError: the file is damaged, not a journal, too new or cannot be written.
    """
    path = data_dir / JOURNAL_NAME
    damaged: tuple[DamagedRow, ...] = ()
    try:
        # SQLite gives its other files the same permissions.
        os.close(open_plain(path, os.O_RDWR | os.O_CREAT))
        connection = connect(path, read_only=False)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] in READABLE:
                damaged = _read_what_is_open(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection, path)
        finally:
            connection.close()
    except OSError as error:
        cause = trouble_of(error, data_dir) or f"{path} cannot be written: {error.strerror}"
        raise JournalError(cause) from error
    except sqlite3.Error as error:
        raise JournalError(unusable_sentence(path, error)) from error
    return damaged


def _read_what_is_open(connection: sqlite3.Connection) -> tuple[DamagedRow, ...]:
    """Read everything that recovery needs, so that damage is found before anything starts.

    A check of the whole file would take time proportional to its size.
    """
    connection.execute("SELECT sum(generation) FROM owners").fetchone()
    connection.execute("SELECT * FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    damaged = []
    for row in connection.execute("SELECT * FROM state INDEXED BY state_open WHERE is_open = 1"):
        try:
            decoded(row)
        except DamagedRow as damage:
            damaged.append(damage)
    return tuple(damaged)


def damaged_rows(connection: sqlite3.Connection, *, limit_s: float | None = None) -> list[str]:
    """Return a sentence for each damaged row; first the current rows, then the history.

    Args:
        connection: connection to the file.
        limit_s: how long to read; rows not reached by then are not checked.

    Raises:
        sqlite3.Error: the file is damaged, or not one of this program's.
    """
    ends_at = math.inf if limit_s is None else time.monotonic() + limit_s
    found = []
    for table, check in (("state", decoded), ("events", check_event)):
        for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 # our own words
            try:
                check(row)
            except DamagedRow as damage:
                found.append(str(damage))
            if time.monotonic() > ends_at:
                return found
    return found


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Convert SQLite's exceptions within the block to JournalError."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(unusable_sentence(path, error)) from error


def unusable_sentence(path: Path, error: sqlite3.Error) -> str:
    """Return why a journal cannot be used: a problem of the disk, or of the file."""
    return trouble_of(error, path.parent) or damage_sentence(path, str(error))


def damage_sentence(path: Path, problem: str) -> str:
    """Return the sentence for a damaged file or one that is not a journal, and what to do."""
    return (
        f"the journal {path} cannot be used ({problem}): restore it from a copy, or move it and "
        "its -wal file away to start with an empty ledger after checking the venue's own records"
    )


def too_new_sentence(path: Path, version: int) -> str:
    """Return the sentence for a file that a later program wrote, and what to do."""
    return (
        f"{path} has schema {version}, this program knows {SCHEMA_VERSION}: "
        "use the newer program that wrote it, or choose another --data-dir"
    )


class RowsLost(JournalError):
    """Some of the requested rows cannot be read."""

    def __init__(self, sentence: str, readable: tuple[object, ...]) -> None:
        super().__init__(sentence)
        self.readable = readable
        """The values of the other rows."""


def load_state(
    connection: sqlite3.Connection, kind: str, key: str | None = None, *, open_only: bool
) -> tuple[object, ...]:
    """Decode the state rows of a kind, oldest change first.

    Raises:
        RowsLost: a row is damaged; the first is named.
        sqlite3.Error: the file is damaged.
    """
    # The few open rows have an index of their own. SQLite would not choose it by itself, because it
    # cannot know that almost every row of a kind is closed.
    if key is not None:
        source, conditions = "state", ["kind = :kind", "key = :key"]
    else:
        source = "state INDEXED BY state_open" if open_only else "state"
        conditions = ["kind = :kind"]
    if open_only:
        conditions.append("is_open = 1")
    rows = connection.execute(
        f"SELECT * FROM {source} WHERE {' AND '.join(conditions)} ORDER BY seq",  # noqa: S608 # our own words
        {"kind": kind, "key": key},
    )
    values, damage = [], ""
    for row in rows:
        try:
            values.append(decoded(row))
        except DamagedRow as damaged:
            damage = damage or str(damaged)
    if damage:
        raise RowsLost(damage, tuple(values))
    return tuple(values)
