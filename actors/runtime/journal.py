"""The journal: one SQLite file that holds what must survive, and fences off actors of the past.

Two kinds of table, written in one transaction: ``events`` is append-only and tells the story;
``state`` holds the present value of each order, paper order, position, window… so that a restart
costs what is open and not what ever was. Every actor opens the file for itself and writes its own
rows.

``durability``: "process" survives any crash but the machine's (SQLite ``synchronous = NORMAL`` in
WAL mode, no fsync per record); "full" adds an fsync to every record (``synchronous = FULL``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from actors.core import Record
from actors.runtime.codec import decode, encode
from actors.runtime.journal_turn import BUSY_LIMIT_S, begin_in_turn

JOURNAL_NAME = "journal.sqlite"
SCHEMA_VERSION = 1
_LOG_PAGES_MOST = 10_000
"""40 MB: a log this long is copied into the file by whoever makes it so. It is some fifty times
what trading writes until understudy/upkeep.py copies it, without anyone waiting."""

_SCHEMA = """
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    role       TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    order_id   TEXT,
    market_id  TEXT,
    body       TEXT    NOT NULL
);
CREATE INDEX events_by_order  ON events (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX events_by_kind   ON events (kind);
CREATE TABLE state (
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    is_open    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    class      TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX state_open ON state (kind) WHERE is_open = 1;
CREATE TABLE owners (
    role       TEXT    PRIMARY KEY,
    generation INTEGER NOT NULL
) WITHOUT ROWID;
"""

_MIGRATIONS: dict[int, str] = {}
"""From a version to the next: the statements that bring an older file up to date."""


class JournalError(Exception):
    """The journal cannot be read or written; the sentence says what to do."""


class Fenced(Exception):
    """A newer actor has this role: whoever is told so must leave and do nothing more."""


class SchemaTooNew(JournalError):
    """The file was written by a later version of this program."""


@attrs.frozen(kw_only=True)
class StoredEvent:
    """One row of the event table, as readers get it."""

    seq: int
    at_ms: int
    role: str
    generation: int
    kind: str
    order_id: str | None
    market_id: str | None
    body: dict[str, Any]


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"file:{path}?mode={mode}", uri=True, timeout=BUSY_LIMIT_S, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        connection.execute("ROLLBACK")
        raise SchemaTooNew(_too_new_sentence(path, version))
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


def prepare(data_dir: Path) -> None:
    """Create the journal or bring it up to date, and check that what is open can be read.

    Called once by the foreground process, before any actor starts.

    Raises:
        JournalError: the file is damaged, not a journal, too new or cannot be written.
    """
    path = data_dir / JOURNAL_NAME
    try:
        connection = _connect(path, read_only=False)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
                _read_what_is_open(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection, path)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise JournalError(_damage_sentence(path, str(error))) from error


def _read_what_is_open(connection: sqlite3.Connection) -> None:
    """Touch every page that recovery needs, so that damage there is found before anything starts.

    A check of the whole file would take as long as the file is large.
    """
    connection.execute("SELECT sum(generation) FROM owners").fetchone()
    connection.execute("SELECT * FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    connection.execute(
        "SELECT sum(length(body)) FROM state INDEXED BY state_open WHERE is_open = 1"
    ).fetchone()


def _damage_sentence(path: Path, problem: str) -> str:
    return (
        f"the journal {path} cannot be used ({problem}): restore it from a copy, or move it and "
        "its -wal file away to start with an empty ledger after checking the venue's own records"
    )


def _too_new_sentence(path: Path, version: int) -> str:
    return (
        f"{path} has schema {version}, this program knows {SCHEMA_VERSION}: "
        "use the newer program that wrote it, or choose another --data-dir"
    )


class Journal:
    """One actor's hand on the journal, under the generation it claimed for its role."""

    def __init__(self, data_dir: Path, role: str, durability: str = "process") -> None:
        self.path = data_dir / JOURNAL_NAME
        self.role = role
        self.generation = 0
        try:
            self._connection = _connect(self.path, read_only=False)
            level = "FULL" if durability == "full" else "NORMAL"
            self._connection.execute(f"PRAGMA synchronous = {level}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES_MOST}")
        except sqlite3.DatabaseError as error:
            raise JournalError(_damage_sentence(self.path, str(error))) from error

    def claim(self) -> int:
        """Take the role under a new generation; whoever had it before is fenced off from now on."""
        with self._transaction() as connection:
            row = connection.execute(
                "INSERT INTO owners (role, generation) VALUES (?, 1) "
                "ON CONFLICT (role) DO UPDATE SET generation = generation + 1 "
                "RETURNING generation",
                (self.role,),
            ).fetchone()
        self.generation = row["generation"]
        return self.generation

    def record(self, record: Record, at_ms: int) -> None:
        """Append the event and store its saves; durable on return.

        Raises:
            Fenced: the role was claimed by a newer actor; nothing was written.
            JournalError: the file could not be written; nothing was.
        """
        event = record.event
        with self._transaction() as connection:
            owner = connection.execute(
                "SELECT generation FROM owners WHERE role = ?", (self.role,)
            ).fetchone()
            if owner is None or owner["generation"] != self.generation:
                raise Fenced(f"{self.role} generation {self.generation} was replaced")
            cursor = connection.execute(
                "INSERT INTO events (at_ms, role, generation, kind, order_id, market_id, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    at_ms,
                    self.role,
                    self.generation,
                    type(event).__name__,
                    getattr(event, "order_id", None),
                    getattr(event, "market_id", None),
                    encode(event),
                ),
            )
            for save in record.saves:
                connection.execute(
                    "INSERT INTO state (kind, key, is_open, seq, class, body) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET "
                    "is_open = excluded.is_open, seq = excluded.seq, "
                    "class = excluded.class, body = excluded.body",
                    (
                        save.kind,
                        save.key,
                        int(save.is_open),
                        cursor.lastrowid,
                        _class_name(save.value),
                        encode(save.value),
                    ),
                )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection, self.path)

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        """Values of a kind whose rows are open, oldest change first; of one key, if given."""
        return load_state(self._connection, kind, key, open_only=True)

    def recall(self, kind: str, key: str) -> object | None:
        """The value of one row, open or closed; None if there is none."""
        found = load_state(self._connection, kind, key, open_only=False)
        return found[0] if found else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, with SQLite's errors turned into ours."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            begin_in_turn(self._connection)
        except sqlite3.Error as error:
            raise self._not_written(error) from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: object, _trace: object) -> None:
        if kind is None:
            self._commit()
            return
        self._roll_back()
        if isinstance(error, sqlite3.Error):
            raise self._not_written(error) from error

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._not_written(error) from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _not_written(self, error: sqlite3.Error) -> JournalError:
        return JournalError(f"the journal {self._path} was not written: {error}")


def _class_name(value: object) -> str:
    return f"{type(value).__module__}:{type(value).__qualname__}"


def load_state(
    connection: sqlite3.Connection, kind: str, key: str | None = None, *, open_only: bool
) -> tuple[object, ...]:
    """Decode the state rows of a kind, oldest change first."""
    # The few open rows are found by their own index, which SQLite would not choose by itself: it
    # cannot know that almost every row of a kind is closed.
    if key is not None:
        source, conditions = "state", ["kind = :kind", "key = :key"]
    else:
        source = "state INDEXED BY state_open" if open_only else "state"
        conditions = ["kind = :kind"]
    if open_only:
        conditions.append("is_open = 1")
    rows = connection.execute(
        f"SELECT class, body FROM {source} WHERE {' AND '.join(conditions)} ORDER BY seq",  # noqa: S608 # our own words
        {"kind": kind, "key": key},
    )
    return tuple(decode(row["class"], row["body"]) for row in rows)


class JournalReader:
    """Reads a journal from outside, whether or not the system runs; writes nothing.

    Raises:
        JournalError: there is no journal in the directory, or it cannot be read.
    """

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / JOURNAL_NAME
        if not path.exists():
            raise JournalError(f"there is no journal in {data_dir}: nothing has run there yet")
        try:
            self._connection = _connect(path, read_only=True)
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise JournalError(_damage_sentence(path, str(error))) from error
        if version > SCHEMA_VERSION:
            self._connection.close()
            raise SchemaTooNew(_too_new_sentence(path, version))
        if version < SCHEMA_VERSION:
            self._connection.close()
            raise JournalError(
                f"{path} has schema {version}, this program reads {SCHEMA_VERSION}: "
                "start `understudy run` once to bring it up to date"
            )

    def states(self, kind: str, key: str | None = None, *, open_only: bool) -> tuple[object, ...]:
        """Values of a kind, oldest change first."""
        return load_state(self._connection, kind, key, open_only=open_only)

    def events(
        self,
        *,
        order_id: str | None = None,
        kind: str | None = None,
        after_seq: int = 0,
    ) -> Iterator[StoredEvent]:
        """Events in the order they were recorded, of one order or one kind if given."""
        wanted = {"order_id": order_id, "kind": kind}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(["seq > :after_seq", *(f"{name} = :{name}" for name in given)])
        rows = self._connection.execute(
            f"SELECT * FROM events WHERE {where} ORDER BY seq",  # noqa: S608 # names are our own
            {"after_seq": after_seq, **given},
        )
        for row in rows:
            yield StoredEvent(
                seq=row["seq"],
                at_ms=row["at_ms"],
                role=row["role"],
                generation=row["generation"],
                kind=row["kind"],
                order_id=row["order_id"],
                market_id=row["market_id"],
                body=json.loads(row["body"]),
            )

    def last_event(self) -> tuple[int, int]:
        """Number and venue time of the newest event; (0, 0) of an empty journal."""
        row = self._connection.execute(
            "SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return (0, 0) if row is None else (row["seq"], row["at_ms"])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
