"""A damaged row ends nothing that can go on without it, and is named by whoever meets it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from chronicle import Chronicle, intent, window
from reading import understudy

from actors.core import Record, Save
from actors.execution.paper import PaperEnd, PaperLiquidity, PaperOrder, PaperPhase
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import OrderSigned
from actors.execution.real.orders import TakenBack
from actors.messages.execution import OrderState, OrderStatus
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, JournalError, prepare
from understudy.data_dir.backup import back_up
from understudy.data_dir.damage import refuse_emptied, see_to_damage
from understudy.data_dir.last_run import note_begin
from understudy.processes.exit_codes import ExitCode

POISON = "UPDATE state SET body = replace(body, 'size_units', 'size_unit5') WHERE kind = ?"
FIRST, SECOND = "order_1_0badcafe", "order_2_0badcafe"


def change(data_dir: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(data_dir / JOURNAL_NAME) as connection:
        connection.execute(statement, values)
    connection.close()


def executors_rows(data_dir: Path, *records: Record) -> None:
    journal = Journal(data_dir, "executor")
    journal.claim()
    for record in records:
        journal.record(record, at_ms=1)
    journal.close()


def paper(number: int) -> Record:
    order = PaperOrder(intent=intent(number), phase=PaperPhase.RESTING, due_at_ms=9)
    return Record(order, (Save("paper", order.order_id, order),))


def real(number: int) -> Record:
    order = LiveOrder(intent=intent(number), venue_order_id=f"0x{number}", posted_at_ms=1)
    signed = OrderSigned(
        order_id=order.order_id, venue_order_id=f"0x{number}", payload="{}", offered_units=1
    )
    return Record(signed, (Save("live", order.order_id, order),))


def test_a_file_emptied_after_a_run_is_no_new_ledger(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    path.touch()
    refuse_emptied(tmp_path)  # killed before it wrote anything
    prepare(tmp_path)
    assert note_begin(tmp_path) == ""
    refuse_emptied(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(JournalError, match="it is empty, although there has been a run here"):
        refuse_emptied(tmp_path)
    path.unlink()
    refuse_emptied(tmp_path)  # whoever removes it wants a new one


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Two open orders."""
    chronicle = Chronicle(tmp_path)
    chronicle.create(intent(1))
    chronicle.create(intent(2))
    chronicle.close()
    return tmp_path


def mended(data_dir: Path) -> tuple[str, ...]:
    found = see_to_damage(data_dir, prepare(data_dir), "process")
    assert prepare(data_dir) == ()  # a run after that finds nothing
    return found


def rows(data_dir: Path, kind: str, *, open_only: bool = True) -> tuple[object, ...]:
    return JournalReader(data_dir).states(kind, open_only=open_only)


def test_an_undamaged_journal_is_left_alone(data_dir: Path) -> None:
    before = JournalReader(data_dir).last_event()
    assert mended(data_dir) == ()
    assert JournalReader(data_dir).last_event() == before


@pytest.mark.parametrize("execution", [paper, real])
def test_an_orders_own_row_is_made_anew_from_its_creation(data_dir: Path, execution) -> None:
    executors_rows(data_dir, execution(1), execution(2))
    change(data_dir, POISON + " AND key = ?", "order", FIRST)
    (sentence,) = mended(data_dir)
    assert sentence.startswith(f"{FIRST} goes on from its creation: ")
    orders = {o.intent.order_id: o for o in rows(data_dir, "order") if isinstance(o, OrderState)}
    assert orders.keys() == {FIRST, SECOND}
    assert orders[FIRST].intent == intent(1)
    assert orders[FIRST].status is OrderStatus.PENDING


def test_a_paper_order_whose_execution_is_lost_is_set_aside_and_the_rest_stays(
    data_dir: Path,
) -> None:
    executors_rows(data_dir, paper(1), paper(2))
    change(data_dir, POISON + " AND key = ?", "paper", FIRST)
    (sentence,) = mended(data_dir)
    assert sentence.startswith(f"{FIRST} is set aside, nobody follows it any more: ")
    (order,) = rows(data_dir, "order")
    (execution,) = rows(data_dir, "paper")
    assert isinstance(order, OrderState)
    assert isinstance(execution, PaperOrder)
    assert order.intent.order_id == execution.order_id == SECOND
    ended = JournalReader(data_dir).states("order", FIRST, open_only=False)
    assert [o.status for o in ended if isinstance(o, OrderState)] == [OrderStatus.UNKNOWN]
    assert [type(each) for each in rows(data_dir, "paper", open_only=False)] == [
        PaperOrder,
        PaperEnd,
    ]
    assert "set aside" in understudy(data_dir, "explain", "1").output


@pytest.mark.parametrize("also", ["", "order"])
def test_a_real_order_whose_execution_is_lost_leaves_the_executor_a_note_with_its_id(
    data_dir: Path, also: str
) -> None:
    executors_rows(data_dir, real(1), real(2))
    change(data_dir, POISON + " AND key = ?", "live", FIRST)
    change(data_dir, POISON + " AND key = ?", also, FIRST)
    mended(data_dir)
    notes = [each for each in rows(data_dir, "live") if isinstance(each, TakenBack)]
    assert [(n.report.order_id, n.is_set_aside, n.venue_order_id) for n in notes] == [
        (FIRST, True, "0x1")
    ]
    assert [o.intent.order_id for o in rows(data_dir, "order") if isinstance(o, OrderState)] == [
        SECOND
    ]


def test_without_the_event_of_its_signing_the_note_has_no_id(data_dir: Path) -> None:
    executors_rows(data_dir, real(1))
    change(data_dir, POISON, "live")
    change(data_dir, "UPDATE events SET body = '{}' WHERE kind = 'OrderSigned'")
    mended(data_dir)
    (note,) = rows(data_dir, "live")
    assert isinstance(note, TakenBack)
    assert note.venue_order_id == ""


def test_an_order_of_which_nothing_can_be_read_keeps_the_run_from_starting(data_dir: Path) -> None:
    change(data_dir, POISON, "order")
    change(data_dir, "UPDATE events SET body = '{}' WHERE kind = 'OrdersCreated'")
    with pytest.raises(JournalError, match=f"record of order {FIRST} cannot be read"):
        see_to_damage(data_dir, prepare(data_dir), "process")


def test_what_was_taken_of_the_books_begins_anew(data_dir: Path) -> None:
    before = PaperLiquidity()
    executors_rows(data_dir, Record(before, (Save("paper", "liquidity", before),)))
    change(data_dir, "UPDATE state SET body = '{' WHERE kind = 'paper'")
    (sentence,) = mended(data_dir)
    assert sentence.startswith("paper liquidity starts over: ")
    assert rows(data_dir, "paper") == (PaperLiquidity(),)


# Who reads a damaged journal


@pytest.mark.parametrize("command", [("orders",), ("report",), ("orders", "--market", "btc")])
def test_what_can_be_read_is_shown_and_what_cannot_is_named(
    data_dir: Path, command: tuple[str, ...]
) -> None:
    change(data_dir, "UPDATE state SET body = 'torn' WHERE key = ?", FIRST)
    result = understudy(data_dir, *command, columns=200)
    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert f"record of order {FIRST} cannot be read" in result.output
    if command[0] == "orders":
        assert SECOND in result.output


def test_a_program_gets_what_can_be_read_on_stdout_alone(data_dir: Path) -> None:
    change(data_dir, "UPDATE state SET body = 'torn' WHERE key = ?", FIRST)
    result = understudy(data_dir, "orders", "--json")
    assert [order["order"] for order in json.loads(result.stdout)["orders"]] == [SECOND]
    assert FIRST in result.stderr


def test_a_damaged_order_is_explained_from_its_creation(data_dir: Path) -> None:
    change(data_dir, "UPDATE state SET body = 'torn' WHERE key = ?", FIRST)
    result = understudy(data_dir, "explain", "1", columns=200)
    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "bootstrap: YES ask 480" in result.output
    assert f"record of order {FIRST} cannot be read" in result.output


def test_a_damaged_window_is_left_out_of_the_positions_and_named(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path)
    chronicle.settle(window(0))
    chronicle.settle(window(1))
    chronicle.close()
    change(tmp_path, "UPDATE state SET body = 'torn' WHERE kind = 'position' AND key = '0x000'")
    result = understudy(tmp_path, "positions", columns=200)
    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "record of position 0x000 cannot be read" in result.output


def test_a_backup_is_made_and_names_what_it_copied_unchanged(data_dir: Path) -> None:
    change(data_dir, "UPDATE state SET body = 'torn' WHERE key = ?", FIRST)
    copy = back_up(data_dir, data_dir / "copy.sqlite")
    (sentence,) = copy.damage
    assert FIRST in sentence
    result = understudy(data_dir, "backup", str(data_dir / "other.sqlite"))
    assert result.exit_code == ExitCode.OK
    assert f"copied unchanged: the journal's record of order {FIRST}" in result.output
