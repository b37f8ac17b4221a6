from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from torn_journal import crashed_copy

from actors.core import Record, Save
from actors.messages.execution import OrderCancelled
from actors.position.core import LedgerSummary
from actors.runtime import journal as journal_module
from actors.runtime.journal import PAGES_KEPT_KB, Fenced, Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, JournalError, prepare


def position(version: int) -> LedgerSummary:
    return LedgerSummary(version=version, settled_pnl_nanos=10**19, day_pnl_nanos=-5)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def open_journal(data_dir: Path, role: str = "position") -> Journal:
    journal = Journal(data_dir, role)
    journal.claim()
    return journal


def save(version: int, *, key: str = "0xabc", is_open: bool = True) -> Record:
    value = position(version)
    return Record(value, (Save("position", key, value, is_open),))


def test_what_was_saved_is_there_after_a_restart(data_dir: Path) -> None:
    open_journal(data_dir).record(save(7), at_ms=1)
    assert open_journal(data_dir).load("position") == (position(7),)


def test_only_open_rows_are_loaded_and_the_latest_value_wins(data_dir: Path) -> None:
    journal = open_journal(data_dir)
    journal.record(save(1), at_ms=1)
    journal.record(save(2), at_ms=2)
    journal.record(save(3, key="0xold", is_open=False), at_ms=3)
    assert journal.load("position") == (position(2),)
    assert journal.load("position", "0xabc") == (position(2),)
    assert journal.load("position", "0xnone") == ()


def test_a_replaced_actor_is_fenced_and_writes_nothing(data_dir: Path) -> None:
    old = open_journal(data_dir)
    new = open_journal(data_dir)
    with pytest.raises(Fenced, match="position generation 1"):
        old.record(save(1), at_ms=1)
    assert new.load("position") == ()
    new.record(save(2), at_ms=2)
    assert new.generation == 2


def test_event_and_state_are_written_together_or_not_at_all(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(data_dir)

    def fail_on_state(value: object) -> str:
        if isinstance(value, LedgerSummary):
            raise sqlite3.OperationalError("disk full")
        return "{}"

    monkeypatch.setattr(journal_module, "encode", fail_on_state)
    with pytest.raises(JournalError, match="disk full"):
        journal.record(
            Record(OrderCancelled("order_1", "gone"), (Save("position", "k", position(1)),)), 1
        )
    reader = JournalReader(data_dir)
    assert list(reader.events()) == []
    assert reader.states("position", open_only=False) == ()


def test_events_are_read_back_in_order_by_order_and_kind(data_dir: Path) -> None:
    journal = open_journal(data_dir, "order/order_1")
    journal.record(Record(OrderCancelled("order_1", "expired")), at_ms=11)
    journal.record(Record(OrderCancelled("order_2", "halt")), at_ms=12)
    reader = JournalReader(data_dir)
    (event,) = reader.events(order_id="order_1")
    assert (event.at_ms, event.role, event.kind) == (11, "order/order_1", "OrderCancelled")
    assert event.body["reason"] == "expired"
    assert [e.order_id for e in reader.events(kind="OrderCancelled")] == ["order_1", "order_2"]


def test_a_closed_row_stays_for_readers(data_dir: Path) -> None:
    open_journal(data_dir).record(save(3, is_open=False), at_ms=1)
    reader = JournalReader(data_dir)
    assert reader.states("position", open_only=True) == ()
    assert reader.states("position", open_only=False) == (position(3),)


def test_a_directory_without_a_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="nothing has run there yet"):
        JournalReader(tmp_path)


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    path.write_bytes(b"these are my holiday notes" * 100)
    with pytest.raises(JournalError, match="restore it from a copy"):
        prepare(tmp_path)
    assert path.read_bytes() == b"these are my holiday notes" * 100


def test_a_journal_of_a_later_version_is_refused(data_dir: Path) -> None:
    with sqlite3.connect(data_dir / JOURNAL_NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="schema 99"):
        prepare(data_dir)
    with pytest.raises(JournalError, match="schema 99"):
        JournalReader(data_dir)


def test_preparing_twice_changes_nothing(data_dir: Path) -> None:
    open_journal(data_dir).record(save(7), at_ms=1)
    prepare(data_dir)
    assert open_journal(data_dir).load("position") == (position(7),)


@pytest.mark.parametrize("cut_percent", range(0, 101, 5))
def test_a_torn_tail_is_recovered_to_the_last_whole_record(
    data_dir: Path, tmp_path: Path, cut_percent: int
) -> None:
    journal = open_journal(data_dir)
    for version in range(1, 21):
        journal.record(save(version), at_ms=version)
    wal_bytes = (data_dir / f"{JOURNAL_NAME}-wal").stat().st_size
    torn = crashed_copy(data_dir, tmp_path / "torn", wal_bytes=wal_bytes * cut_percent // 100)

    prepare(torn)

    reader = JournalReader(torn)
    events = [event.at_ms for event in reader.events()]
    assert events == list(range(1, len(events) + 1))
    assert reader.states("position", open_only=True) == ((position(len(events)),) if events else ())
    if cut_percent == 100:
        assert len(events) == 20


def test_a_damaged_record_in_the_log_ends_recovery_there(data_dir: Path, tmp_path: Path) -> None:
    journal = open_journal(data_dir)
    for version in range(1, 21):
        journal.record(save(version), at_ms=version)
    torn = crashed_copy(data_dir, tmp_path / "torn")
    wal = torn / f"{JOURNAL_NAME}-wal"
    content = bytearray(wal.read_bytes())
    content[len(content) // 2] ^= 0xFF
    wal.write_bytes(content)

    prepare(torn)

    events = [event.at_ms for event in JournalReader(torn).events()]
    assert events == list(range(1, len(events) + 1))
    assert 0 < len(events) < 20


def test_a_damaged_page_is_refused_with_what_to_do(data_dir: Path, tmp_path: Path) -> None:
    journal = open_journal(data_dir)
    for version in range(1, 200):
        journal.record(save(version, key=f"0x{version}"), at_ms=version)
    journal.close()
    path = data_dir / JOURNAL_NAME
    content = bytearray(path.read_bytes())
    for at in range(4096, len(content), 512):
        content[at] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(JournalError, match="move it and its -wal file away"):
        prepare(data_dir)
    assert path.read_bytes() == content


_FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = {tests!r}
from actors.runtime.journal import Journal
from actors.runtime.journal_file import JournalError
from test_journal import save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path({data_dir!r}), "position")
journal.claim()
journal.record(save(1), at_ms=1)
size = Path({data_dir!r}, "journal.sqlite-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    journal.record(save(2), at_ms=2)
except JournalError as error:
    print(error)
"""


def test_a_full_disk_is_an_error_and_what_was_recorded_stays(data_dir: Path) -> None:
    script = _FILL_THE_DISK.format(
        tests=[str(each) for each in Path(__file__).parents[:2]], data_dir=str(data_dir)
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "was not written" in done.stdout
    assert [event.at_ms for event in JournalReader(data_dir).events()] == [1]


def test_no_turn_to_write_is_an_error_that_names_the_journal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_vain(_connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database is locked")

    journal = open_journal(data_dir)
    monkeypatch.setattr(journal_module, "begin_in_turn", in_vain)
    with pytest.raises(JournalError, match=r"journal\.sqlite was not written: database is locked"):
        journal.record(save(1), at_ms=1)
    assert list(JournalReader(data_dir).events()) == []


def test_a_process_keeps_little_of_the_file_in_memory(tmp_path: Path) -> None:
    prepare(tmp_path)
    kept = open_journal(tmp_path, "desk")._connection.execute("PRAGMA cache_size").fetchone()[0]
    assert kept == -PAGES_KEPT_KB
