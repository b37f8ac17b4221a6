"""A row that is not as it was written is never believed, and spoils no other."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from torn_journal import crashed_copy

from actors.core import Record, Save
from actors.position.core import LedgerSummary
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import (
    JOURNAL_NAME,
    JournalError,
    RowsLost,
    damaged_rows,
    prepare,
)


def value(version: int) -> LedgerSummary:
    return LedgerSummary(version=version, settled_pnl_nanos=10**19, day_pnl_nanos=-5)


def change(data_dir: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(data_dir / JOURNAL_NAME) as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Three open rows, "a", "b" and "c", and the event of each."""
    prepare(tmp_path)
    journal = Journal(tmp_path, "position")
    journal.claim()
    for number, key in enumerate("abc"):
        event = value(number)
        journal.record(Record(event, (Save("position", key, event),)), at_ms=number)
    journal.close()
    return tmp_path


DAMAGES = {
    "a changed value": "UPDATE state SET body = replace(body, '-5', '-6') WHERE key = 'b'",
    "no JSON": "UPDATE state SET body = '{' WHERE key = 'b'",
    "JSON of another shape": "UPDATE state SET body = '[]' WHERE key = 'b'",
    "a wrong checksum": "UPDATE state SET checksum = checksum + 1 WHERE key = 'b'",
    "a checksum that is no number": "UPDATE state SET checksum = 'ff' WHERE key = 'b'",
    "another class": "UPDATE state SET class = 'order' WHERE key = 'b'",
    "an unknown class": "UPDATE state SET class = 'x' WHERE key = 'b'",
    "bytes for text": "UPDATE state SET body = CAST(body AS BLOB) WHERE key = 'b'",
    "a number for text": "UPDATE state SET body = 7 WHERE key = 'b'",
    "another row's content": (
        "UPDATE state SET (body, checksum) = (SELECT body, checksum FROM state WHERE key = 'a') "
        "WHERE key = 'b'"
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_row_is_named_and_the_others_are_read(data_dir: Path, damage: str) -> None:
    change(data_dir, damage)
    with pytest.raises(RowsLost, match="record of position b cannot be read") as lost:
        Journal(data_dir, "position").load("position")
    assert lost.value.readable == (value(0), value(2))
    with pytest.raises(JournalError, match="position b"):
        Journal(data_dir, "position").recall("position", "b")
    assert Journal(data_dir, "position").load("position", "a") == (value(0),)
    (row,) = prepare(data_dir)
    assert (row.kind, row.key) == ("position", "b")


def test_text_that_is_not_utf_8_is_an_error_that_names_the_file(data_dir: Path) -> None:
    change(data_dir, "UPDATE state SET body = CAST(x'22ff22' AS TEXT) WHERE key = 'b'")
    with pytest.raises(JournalError, match=JOURNAL_NAME):
        Journal(data_dir, "position").load("position")
    with pytest.raises(JournalError, match=JOURNAL_NAME):
        prepare(data_dir)


@pytest.mark.parametrize("closed_as", [0, 2])
def test_a_row_that_another_hand_has_closed_is_found_by_whoever_reads_all(
    data_dir: Path, closed_as: int
) -> None:
    change(data_dir, "UPDATE state SET is_open = ? WHERE key = 'b'", closed_as)
    connection = sqlite3.connect(data_dir / JOURNAL_NAME)
    connection.row_factory = sqlite3.Row
    (sentence,) = damaged_rows(connection)
    assert "position b" in sentence
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET body = replace(body, '-5', '-6') WHERE seq = 2",
        "UPDATE events SET at_ms = 99 WHERE seq = 2",
        "UPDATE events SET order_id = 'order_1' WHERE seq = 2",
        "UPDATE events SET body = 'x', checksum = NULL WHERE seq = 2",
        "UPDATE events SET body = '[]', checksum = NULL WHERE seq = 2",
    ],
)
def test_a_damaged_event_is_passed_over_and_noted(data_dir: Path, damage: str) -> None:
    change(data_dir, damage)
    reader = JournalReader(data_dir)
    assert [event.seq for event in reader.events()] == [1, 3]
    assert [event.seq for event in reader.events()] == [1, 3]
    (sentence,) = reader.damage
    assert "record of event 2 cannot be read" in sentence


def test_a_row_written_before_there_were_checksums_is_read_and_gets_one_with_its_next_change(
    data_dir: Path,
) -> None:
    change(data_dir, "ALTER TABLE state DROP COLUMN checksum")
    change(data_dir, "ALTER TABLE events DROP COLUMN checksum")
    change(data_dir, "PRAGMA user_version = 2")
    before = JournalReader(data_dir)
    assert before.states("position", open_only=True) == (value(0), value(1), value(2))
    assert len(list(before.events())) == 3
    before.close()

    assert prepare(data_dir) == ()
    journal = Journal(data_dir, "position")
    assert journal.load("position") == (value(0), value(1), value(2))
    journal.claim()
    journal.record(Record(value(9), (Save("position", "a", value(9)),)), at_ms=9)
    change(data_dir, "UPDATE state SET body = replace(body, '-5', '-6')")
    with pytest.raises(RowsLost, match="position a") as lost:
        journal.load("position")
    assert len(lost.value.readable) == 2  # a change of them is not noticed


def test_a_journal_whose_rollback_fails_is_closed_and_keeps_nobody_waiting(
    data_dir: Path,
) -> None:
    journal = Journal(data_dir, "position")
    journal.claim()
    inner = journal._connection

    class Broken:
        """A connection that can no longer end what it has begun."""

        in_transaction = True

        def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
            if statement in ("COMMIT", "ROLLBACK"):
                raise sqlite3.OperationalError("disk I/O error")
            return inner.execute(statement, *values)

        def close(self) -> None:
            inner.close()

    journal._connection = Broken()  # type: ignore[assignment]
    with pytest.raises(JournalError, match="was not written: disk I/O error"):
        journal.record(Record(value(9)), at_ms=9)
    other = Journal(data_dir, "position")
    other.claim()
    other.record(Record(value(10)), at_ms=10)  # at once: nobody holds the file
    with pytest.raises(JournalError):
        journal.record(Record(value(11)), at_ms=11)


# The file itself


def long_journal(data_dir: Path) -> Journal:
    """Some pages of rows in the file, and the newest of them in its log alone."""
    journal = Journal(data_dir, "position")
    journal.claim()
    for number in range(100):
        event = value(number)
        journal.record(Record(event, (Save("position", f"0x{number:064x}", event),)), at_ms=number)
    with sqlite3.connect(data_dir / JOURNAL_NAME) as other:
        other.execute("PRAGMA wal_checkpoint(PASSIVE)")
    other.close()
    for number in range(100):
        event = value(-number)
        journal.record(Record(event, (Save("position", f"0x{number:064x}", event),)), at_ms=number)
    return journal


def cut_log(data_dir: Path) -> None:
    log = data_dir / f"{JOURNAL_NAME}-wal"
    os.truncate(log, log.stat().st_size // 4)


def cut_file(data_dir: Path) -> None:
    os.truncate(data_dir / JOURNAL_NAME, 3 * 4096)


def zero_pages(data_dir: Path) -> None:
    path = data_dir / JOURNAL_NAME
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(path.stat().st_size - 2 * 4096))


DAMAGED_FILES = pytest.mark.parametrize("damage", [cut_log, cut_file, zero_pages])


def try_to(read: Callable[[], object]) -> object:
    """What it reads, or the error that it is declared to raise."""
    try:
        return read()
    except JournalError as error:
        return error


@DAMAGED_FILES
def test_damage_while_a_run_reads_is_an_error_that_names_the_file(
    data_dir: Path, damage: Callable[[Path], None]
) -> None:
    writer = long_journal(data_dir)
    before = writer.load("position")
    reader = JournalReader(data_dir)
    damage(data_dir)
    states = [
        try_to(lambda: reader.states("position", open_only=True)),
        try_to(lambda: JournalReader(data_dir).states("position", open_only=True)),
        try_to(lambda: Journal(data_dir, "position").load("position")),
    ]
    told = [str(each) for each in (*states, try_to(lambda: tuple(reader.events())))]
    assert all(isinstance(each, JournalError) or each == before for each in states)
    assert [each for each in told if JOURNAL_NAME in each]


@DAMAGED_FILES
def test_after_it_a_start_reads_what_was_recorded_up_to_some_moment_or_is_one_sentence(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory, damage: Callable[[Path], None]
) -> None:
    writer = long_journal(data_dir)
    fallen = crashed_copy(data_dir, tmp_path_factory.mktemp("fallen") / "copy")
    writer.close()
    damage(fallen)
    found = try_to(lambda: prepare(fallen))
    if damage is cut_log:  # as a fall leaves it: no reason not to start
        assert found == ()
        assert len(Journal(fallen, "position").load("position")) > 100
    else:
        assert JOURNAL_NAME in str(found)
