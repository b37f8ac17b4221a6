from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from chronicle import Chronicle, intent, trade, window
from reading import READING_COMMANDS, understudy

from actors.core import Record
from actors.messages.execution import OrderSubmitted
from actors.runtime.journal import StoredEvent
from actors.runtime.journal_file import JOURNAL_NAME, prepare
from understudy.processes.exit_codes import ExitCode
from understudy.reading.archive import Archive


def change(data_dir: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(data_dir / JOURNAL_NAME) as connection:
        connection.execute(statement, values)
    connection.close()


def one_sentence(output: str) -> str:
    (line,) = output.splitlines()
    assert line.startswith("understudy: ")
    return line


# Journals that cannot be read


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_a_directory_without_a_journal_is_bad_input(tmp_path: Path, command) -> None:
    result = understudy(tmp_path, *command)

    assert result.exit_code == ExitCode.BAD_INPUT
    assert "nothing has run there yet" in one_sentence(result.output)


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_a_file_that_is_no_journal_is_unusable(tmp_path: Path, command) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(b"these are my holiday notes" * 100)

    result = understudy(tmp_path, *command)

    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "restore it from a copy" in one_sentence(result.output)


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_a_journal_of_a_later_program_is_unusable(tmp_path: Path, command) -> None:
    prepare(tmp_path)
    change(tmp_path, "PRAGMA user_version = 99")

    result = understudy(tmp_path, *command)

    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "schema 99" in one_sentence(result.output)


def test_a_journal_damaged_further_in_is_unusable(chronicle: Chronicle) -> None:
    for number in range(1, 60):
        chronicle.create(intent(number))
    chronicle.close()
    path = chronicle.data_dir / JOURNAL_NAME
    change(chronicle.data_dir, "PRAGMA journal_mode = DELETE")
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * (path.stat().st_size - 20 * 4096))

    result = understudy(chronicle.data_dir, "orders")

    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "malformed" in one_sentence(result.output)


@pytest.mark.parametrize(
    ("body", "class_name"),
    [
        ("{}", "order"),
        ('{"intent": 7}', "order"),
        ("no json", "order"),
        ("{}", "actors.execution.messages:OrderState"),
        ("{}", "os:PathLike"),
        ("{}", "actors.execution.messages:NoSuchThing"),
        ("{}", "actors.no_such_module:Thing"),
    ],
)
def test_a_record_that_cannot_be_decoded_is_named(chronicle, body: str, class_name: str) -> None:
    chronicle.create(intent())
    change(chronicle.data_dir, "UPDATE state SET body = ?, class = ?", body, class_name)

    result = understudy(chronicle.data_dir, "orders")

    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "record of order order_1_0badcafe cannot be read" in one_sentence(result.stderr)


@pytest.mark.parametrize("body", ["{}", '{"order_id": {}, "intents": []}', "no json"])
def test_an_event_that_cannot_be_decoded_is_named(chronicle: Chronicle, body: str) -> None:
    chronicle.done(intent())
    change(chronicle.data_dir, "UPDATE events SET body = ? WHERE kind = 'SideFreed'", body)

    result = understudy(chronicle.data_dir, "explain", "1")

    assert result.exit_code == ExitCode.JOURNAL_UNUSABLE
    assert "cannot be read as SideFreed" in one_sentence(result.stderr)
    assert "filled" in result.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("orders",), "no order yet"),
        (("orders", "--open"), "no such order"),
        (("positions",), "no window yet"),
        (("positions", "--market", "eth"), "no such window"),
        (("fills",), "no fill yet"),
        (("fills", "--market", "eth"), "no such fill"),
        (("report",), "nothing was traded yet"),
    ],
)
def test_an_empty_journal_says_so(tmp_path: Path, command: tuple[str, ...], words: str) -> None:
    prepare(tmp_path)

    result = understudy(tmp_path, *command)

    assert (result.exit_code, result.output.strip()) == (ExitCode.OK, words)


# Reading while it is written


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(chronicle: Chronicle) -> None:
    chronicle.create(intent(1))
    archive = Archive(chronicle.data_dir)
    before = (list(archive.orders()), archive.last_event())

    chronicle.create(intent(2))

    assert (list(archive.orders()), archive.last_event()) == before
    archive.close()
    assert len(list(Archive(chronicle.data_dir).orders())) == 2


def test_reading_does_not_keep_the_actors_from_writing(chronicle: Chronicle) -> None:
    chronicle.create(intent(1))
    archive = Archive(chronicle.data_dir)
    rows = archive.orders()
    next(rows)

    chronicle.done(intent(2), trade(intent(2)))

    archive.close()
    assert understudy(chronicle.data_dir, "fills").exit_code == ExitCode.OK


# Finding things without reading everything


def test_orders_come_newest_first_and_no_more_than_wanted(chronicle: Chronicle) -> None:
    for number in (1, 2, 3):
        chronicle.create(intent(number))

    found = Archive(chronicle.data_dir).orders(limit=2)

    assert [each.intent.order_id[:7] for each in found] == ["order_3", "order_2"]


@pytest.mark.parametrize(
    ("market", "numbers"),
    [
        ("", {1, 2}),
        ("btc-updown-15m", {1, 2}),
        (window(1).slug, {2}),
        (window(1).slug[-10:], {2}),
        ("0x001", {2}),
        ("x001", set()),
        ("eth", set()),
        ("%", set()),
    ],
)
def test_a_market_is_part_of_a_slug_or_the_beginning_of_an_id(
    chronicle: Chronicle, market: str, numbers: set[int]
) -> None:
    for number in (1, 2):
        of = intent(number, market=window(number - 1))
        chronicle.done(of, trade(of))
    archive = Archive(chronicle.data_dir)

    found = {int(each.intent.order_id.split("_")[1]) for each in archive.orders(market=market)}
    windows = {ledger.market.market_id for ledger in archive.windows(market=market)}

    assert found == numbers
    assert windows == {f"0x{number - 1:03x}" for number in numbers}


@pytest.fixture
def events_read(monkeypatch: pytest.MonkeyPatch) -> list[StoredEvent]:
    """Every event that was read so far."""
    read = []
    original = Archive.events

    def noted(self, **options):
        for event in original(self, **options):
            read.append(event)
            yield event

    monkeypatch.setattr(Archive, "events", noted)
    return read


def test_an_orders_creation_is_found_near_its_first_event(
    chronicle: Chronicle, events_read: list[StoredEvent]
) -> None:
    for number in range(1, 400):
        chronicle.create(intent(number))

    story = Archive(chronicle.data_dir).story("order_300_0badcafe")

    assert [event.kind for event in story] == ["OrdersCreated", "OrderSubmitted"]
    assert len(events_read) < 100


def test_a_creation_long_before_is_found_and_nothing_is_read_twice(
    chronicle: Chronicle, events_read: list[StoredEvent]
) -> None:
    late = intent(1)
    for number in range(1, 400):
        chronicle.create(intent(number))
    change(chronicle.data_dir, "DELETE FROM events WHERE order_id = ?", late.order_id)
    chronicle.record("executor", Record(OrderSubmitted(late.order_id)), late.created_at_ms + 10)

    story = Archive(chronicle.data_dir).story(late.order_id)

    assert [event.kind for event in story] == ["OrdersCreated", "OrderSubmitted"]
    read_again = len(events_read) - len({event.seq for event in events_read})
    assert read_again <= 5, "one at the end of each step back"


def test_an_order_that_nothing_befell_yet_has_its_creation(chronicle: Chronicle) -> None:
    chronicle.create(intent(1))
    change(chronicle.data_dir, "DELETE FROM events WHERE kind = 'OrderSubmitted'")

    (created,) = Archive(chronicle.data_dir).story("order_1_0badcafe")

    assert created.kind == "OrdersCreated"


def test_an_order_without_its_creation_still_has_a_story(chronicle: Chronicle) -> None:
    chronicle.create(intent(1))
    change(chronicle.data_dir, "DELETE FROM events WHERE kind = 'OrdersCreated'")

    (submitted,) = Archive(chronicle.data_dir).story("order_1_0badcafe")

    assert submitted.kind == "OrderSubmitted"
