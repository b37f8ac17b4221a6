from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from actors import journal as journal_module
from actors.core import Record, Save
from actors.execution.messages import OrderCancelled
from actors.journal import Fenced, Journal, JournalError, JournalReader, prepare
from actors.position.messages import Holding, PositionSnapshot


def position(version: int, quantity_units: int = 0) -> PositionSnapshot:
    return PositionSnapshot(
        market_id="0xabc",
        version=version,
        yes=Holding(quantity_units=quantity_units, cost_nanos=10**19),
        no=Holding(),
        fees_nanos=0,
        realized_nanos=-5,
    )


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
        if isinstance(value, PositionSnapshot):
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
    path = tmp_path / journal_module.JOURNAL_NAME
    path.write_bytes(b"these are my holiday notes" * 100)
    with pytest.raises(JournalError, match="restore it from a copy"):
        prepare(tmp_path)
    assert path.read_bytes() == b"these are my holiday notes" * 100


def test_a_journal_of_a_later_version_is_refused(data_dir: Path) -> None:
    with sqlite3.connect(data_dir / journal_module.JOURNAL_NAME) as connection:
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
