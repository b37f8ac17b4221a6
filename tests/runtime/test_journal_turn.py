from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_journal import open_journal, save

from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import prepare
from actors.runtime.journal_turn import BUSY_LIMIT_S, begin_in_turn, patient

IN_VAIN = "database is locked"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


@pytest.fixture
def other(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Another who is writing."""
    connection = open_journal(data_dir, "desk")._connection
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def record_elsewhere(data_dir: Path) -> None:
    open_journal(data_dir, "executor").record(save(1), at_ms=1)


def test_whoever_finds_another_writing_waits_for_its_turn(
    data_dir: Path, other: sqlite3.Connection
) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(record_elsewhere, data_dir)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.05)
        other.execute("COMMIT")
        waiting.result(timeout=BUSY_LIMIT_S * 6)
    assert [event.role for event in JournalReader(data_dir).events()] == ["executor"]


def patience_ms(connection: sqlite3.Connection) -> int:
    """What SQLite itself would wait."""
    found: int = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    return found


def test_nobody_waits_without_end_and_sqlite_waits_only_where_it_reads(
    data_dir: Path, other: sqlite3.Connection
) -> None:
    connection = Journal(data_dir, "position")._connection
    with pytest.raises(sqlite3.OperationalError, match=IN_VAIN):
        begin_in_turn(connection, limit_s=0.01)
    with patient(connection):
        assert patience_ms(connection) == BUSY_LIMIT_S * 1000
    assert patience_ms(connection) == 0
    other.execute("ROLLBACK")
    begin_in_turn(connection)
    assert connection.in_transaction


def test_what_is_no_matter_of_turns_is_said_at_once(data_dir: Path) -> None:
    connection = Journal(data_dir, "position")._connection
    begin_in_turn(connection)
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        begin_in_turn(connection)
