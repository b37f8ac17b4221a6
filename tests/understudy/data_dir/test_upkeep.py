"""The journal's log is copied by whoever has the time, and not by the actor that records."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from actors.core import Record
from actors.runtime.journal import Journal
from actors.runtime.journal_file import JOURNAL_NAME, prepare
from understudy.data_dir import upkeep
from understudy.data_dir.upkeep import PERIOD_S, JournalUpkeep

LOG_PAGES_BY_DEFAULT = 1_000
PAGE_BYTES = 4_096
LIMIT_S = 60.0


@attrs.frozen
class Happened:
    """Something to record."""

    text: str


class Hours:
    """A clock that only a test moves."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    hours = Hours()
    monkeypatch.setattr(upkeep, "time", hours)
    return hours


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    prepare(tmp_path)
    journal = Journal(tmp_path, "desk")
    journal.claim()
    yield journal
    journal.close()


def record(journal: Journal, count: int = 1, text: str = "a word") -> None:
    for _ in range(count):
        journal.record(Record(Happened(text)), at_ms=1)


def beat(keeper: JournalUpkeep) -> str:
    """Let one beat be over; what went wrong is known then."""
    before = keeper.beat()
    assert keeper.settle(LIMIT_S)
    return before or keeper.beat()


def count_without_log(journal: Journal) -> int:
    """How many events the file has by itself."""
    alone = journal.path.with_name("alone.sqlite")
    shutil.copy(journal.path, alone)
    connection = sqlite3.connect(alone)
    (count,) = connection.execute("SELECT count(*) FROM events").fetchone()
    connection.close()
    return int(count)


def test_what_was_recorded_is_copied_while_the_actor_goes_on(
    journal: Journal, tmp_path: Path, hours: Hours
) -> None:
    keeper = JournalUpkeep(tmp_path)
    record(journal, 50)
    assert count_without_log(journal) == 0
    assert beat(keeper) == ""
    assert count_without_log(journal) == 50
    record(journal, 5)
    hours.now_s += PERIOD_S
    assert beat(keeper) == ""
    assert count_without_log(journal) == 55


def test_it_is_done_every_two_seconds_at_most(
    journal: Journal, tmp_path: Path, hours: Hours
) -> None:
    keeper = JournalUpkeep(tmp_path)
    beat(keeper)
    record(journal)
    hours.now_s += PERIOD_S / 2
    beat(keeper)
    assert count_without_log(journal) == 0


def test_f52_a_disk_that_stalls_holds_up_neither_the_beat_nor_the_next_ones(
    journal: Journal, tmp_path: Path, hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_met, goes_on = threading.Event(), threading.Event()
    copy = JournalUpkeep._copy

    def stall(keeper: JournalUpkeep) -> None:
        is_met.set()
        assert goes_on.wait(LIMIT_S)
        copy(keeper)

    monkeypatch.setattr(JournalUpkeep, "_copy", stall)
    record(journal, 3)
    keeper = JournalUpkeep(tmp_path)
    assert keeper.beat() == ""
    assert is_met.wait(LIMIT_S)
    for _ in range(3):
        hours.now_s += PERIOD_S
        assert keeper.beat() == ""
        assert not keeper.settle(0.0)
    goes_on.set()
    assert keeper.settle(LIMIT_S)
    assert count_without_log(journal) == 3


def test_a_record_that_is_being_written_is_not_waited_for(
    journal: Journal, tmp_path: Path, hours: Hours
) -> None:
    record(journal, 7)
    writer = sqlite3.connect(journal.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM events")
    assert beat(JournalUpkeep(tmp_path)) == ""
    assert count_without_log(journal) == 7
    writer.execute("ROLLBACK")
    writer.close()


def test_what_goes_wrong_is_said_once_and_tried_again(
    journal: Journal, tmp_path: Path, hours: Hours
) -> None:
    away = tmp_path / "away.sqlite"
    record(journal, 3)
    journal.path.rename(away)
    keeper = JournalUpkeep(tmp_path)
    assert JOURNAL_NAME in beat(keeper)
    hours.now_s += PERIOD_S
    assert beat(keeper) == ""
    away.rename(journal.path)
    hours.now_s += PERIOD_S
    assert beat(keeper) == ""
    assert count_without_log(journal) == 3


def test_an_actor_leaves_a_log_alone_that_sqlite_would_have_it_copy(journal: Journal) -> None:
    record(journal, 60, "x" * PAGE_BYTES * 20)
    log = journal.path.with_name(JOURNAL_NAME + "-wal")
    assert log.stat().st_size > LOG_PAGES_BY_DEFAULT * PAGE_BYTES
    assert count_without_log(journal) == 0
