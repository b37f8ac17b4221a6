"""The journal: one SQLite file with everything that must survive; it also fences old actors.

Two kinds of table are written in one transaction. ``events`` is the append-only history. ``state``
holds the present value of each order, paper order, position, window and so on, so that the duration
of a restart depends on open work, not on history. Every actor writes its own rows.

``durability``: "process" survives any crash but the machine's (SQLite ``synchronous = NORMAL`` in
WAL mode, no fsync per record); "full" adds an fsync to every record (``synchronous = FULL``).
"""

from __future__ import annotations

import contextlib
import copy
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from actors.core import Record
from actors.runtime.codec import encode, tag_of
from actors.runtime.disk_trouble import trouble_of
from actors.runtime.disk_waits import waiting_for_disk
from actors.runtime.journal_file import (
    JOURNAL_NAME,
    LOG_PAGES_MOST,
    READABLE,
    SCHEMA_VERSION,
    SchemaTooNew,
    connect,
    load_state,
    reading,
    too_new_sentence,
    unusable_sentence,
)
from actors.runtime.journal_rows import Column, DamagedRow, JournalError, check_event, checksum
from actors.runtime.journal_turn import BUSY_LIMIT_S, begin_in_turn, is_busy, patient, set_patience


class Fenced(Exception):
    """A newer actor has this role: the actor that gets this must stop acting."""


PAGES_KEPT_KB = 512
"""Page cache of each process that writes the file. SQLite's default of 2 MB would fill up with
pages that a record of a few rows does not need; records are no slower with this."""


@attrs.frozen(kw_only=True)
class StoredEvent:
    """One row of the event table, as readers see it."""

    seq: int
    at_ms: int
    role: str
    generation: int
    kind: str
    order_id: str | None
    market_id: str | None
    body: dict[str, Any]


class Journal:
    """One actor's access to the journal, under the generation that it claimed for its role."""

    def __init__(self, data_dir: Path, role: str, durability: str = "process") -> None:
        self.path = data_dir / JOURNAL_NAME
        self.role = role
        self.generation = 0
        try:
            self._connection = connect(self.path, read_only=False)
            level = "FULL" if durability == "full" else "NORMAL"
            self._connection.execute(f"PRAGMA synchronous = {level}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES_MOST}")
            self._connection.execute(f"PRAGMA cache_size = -{PAGES_KEPT_KB}")
            set_patience(self._connection, 0.0)
        except sqlite3.DatabaseError as error:
            raise JournalError(unusable_sentence(self.path, error)) from error

    def for_role(self, role: str) -> Journal:
        """Another actor's access to the same file, through the same connection.

        Actors of one process take turns anyway, and a thousand orders are too many for a thousand
        connections. Close only the first of them: that closes all.
        """
        other = copy.copy(self)
        other.role, other.generation = role, 0
        return other

    def claim(self) -> int:
        """Take the role under a new generation; the previous actor is fenced from now on."""
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
            Fenced: a newer actor has claimed the role; nothing was written.
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
                "INSERT INTO events (at_ms, role, generation, kind, order_id, market_id, body, "
                "checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                _with_checksum(
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
                    "INSERT INTO state (kind, key, is_open, seq, class, body, checksum) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET "
                    "is_open = excluded.is_open, seq = excluded.seq, class = excluded.class, "
                    "body = excluded.body, checksum = excluded.checksum",
                    _with_checksum(
                        save.kind,
                        save.key,
                        int(save.is_open),
                        cursor.lastrowid,
                        tag_of(type(save.value)),
                        encode(save.value),
                    ),
                )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with waiting_for_disk(), _Transaction(self._connection, self.path) as connection:
            yield connection

    def load(self, kind: str, key: str | None = None) -> tuple[object, ...]:
        """Values of a kind whose rows are open, oldest change first; of one key, if given.

        Raises:
            RowsLost: some are damaged.
            JournalError: the file is.
        """
        with waiting_for_disk(), reading(self.path), patient(self._connection):
            return load_state(self._connection, kind, key, open_only=True)

    def recall(self, kind: str, key: str) -> object | None:
        """The value of one row, open or closed; None if there is none.

        Raises:
            JournalError: it, or the file, is damaged.
        """
        with waiting_for_disk(), reading(self.path), patient(self._connection):
            found = load_state(self._connection, kind, key, open_only=False)
        return found[0] if found else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _with_checksum(*columns: Column) -> tuple[Column, ...]:
    return (*columns, checksum(*columns))


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
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The transaction is still open: others would wait for it, and the next record would
            # join it.
            self._connection.close()

    def _not_written(self, error: sqlite3.Error) -> JournalError:
        problem = trouble_of(error, self._path.parent) or f"{error}"
        if is_busy(error):
            problem = f"the disk has completed no record for {BUSY_LIMIT_S:g} s"
        return JournalError(f"the journal {self._path} was not written: {problem}")


class JournalReader:
    """Reads a journal from outside, whether or not the system runs; writes nothing.

    Raises:
        JournalError: there is no journal in the directory, or it cannot be read.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = path = data_dir / JOURNAL_NAME
        self.damage: dict[str, None] = {}
        """A sentence for each damaged row that was skipped."""
        if not path.exists():
            raise JournalError(f"there is no journal in {data_dir}: nothing has run there yet")
        with reading(path):
            self._connection = connect(path, read_only=True)
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            self._connection.close()
            raise SchemaTooNew(too_new_sentence(path, version))
        if version not in READABLE:
            self._connection.close()
            raise JournalError(f"{path} is empty: its creation was interrupted")

    def states(self, kind: str, key: str | None = None, *, open_only: bool) -> tuple[object, ...]:
        """Values of a kind, oldest change first.

        Raises:
            RowsLost: some are damaged.
            JournalError: the file is.
        """
        with reading(self._path):
            return load_state(self._connection, kind, key, open_only=open_only)

    def events(
        self,
        *,
        order_id: str | None = None,
        kind: str | None = None,
        after_seq: int = 0,
    ) -> Iterator[StoredEvent]:
        """Events in the order of recording; of one order or kind, if given.

        A damaged event is skipped and noted in ``damage``, since events are only history.

        Raises:
            JournalError: the file is damaged.
        """
        wanted = {"order_id": order_id, "kind": kind}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(["seq > :after_seq", *(f"{name} = :{name}" for name in given)])
        with reading(self._path):
            rows = self._connection.execute(
                f"SELECT * FROM events WHERE {where} ORDER BY seq",  # noqa: S608 # names are our own
                {"after_seq": after_seq, **given},
            )
            for row in rows:
                try:
                    event = _event(row)
                except DamagedRow as damage:
                    self.damage[str(damage)] = None
                else:
                    yield event

    def last_event(self) -> tuple[int, int]:
        """Number and venue time of the newest event; (0, 0) of an empty journal.

        Raises:
            JournalError: the file is damaged.
        """
        with reading(self._path):
            row = self._connection.execute(
                "SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        return (0, 0) if row is None else (row["seq"], row["at_ms"])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _event(row: sqlite3.Row) -> StoredEvent:
    check_event(row)
    try:
        body = json.loads(row["body"])
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedRow("event", str(row["seq"]), str(row["kind"]), str(error)) from error
    if not isinstance(body, dict):
        raise DamagedRow("event", str(row["seq"]), str(row["kind"]), "it is not an object")
    return StoredEvent(
        seq=row["seq"],
        at_ms=row["at_ms"],
        role=row["role"],
        generation=row["generation"],
        kind=row["kind"],
        order_id=row["order_id"],
        market_id=row["market_id"],
        body=body,
    )
