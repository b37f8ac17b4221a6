"""Data directories that earlier releases wrote are opened, read and gone on with."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from reading import READING_COMMANDS, understudy

from actors.core import Core, Effects, Send
from actors.directory.core import DirectoryCore
from actors.execution.desk import DeskCore
from actors.execution.order import OrderCore
from actors.execution.paper import PaperOrder
from actors.execution.real.core import RealExecutorCore
from actors.execution.real.live_order import LiveOrder
from actors.execution.simulated import SimulatedExecutorCore
from actors.messages.execution import OrderState, OrderStatus
from actors.messages.halts import GetHalts, HaltStatus
from actors.messages.lifecycle import Started
from actors.observer.core import ObserverCore
from actors.position.core import PositionCore
from actors.position.ledger import WindowLedger
from actors.roles import (
    DESK,
    DIRECTORY,
    EXECUTOR,
    OBSERVER,
    POSITION,
    order_id_of,
    order_role,
)
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, SCHEMA_VERSION, JournalError, prepare
from actors.runtime.row_tags import PLACES
from actors.settings import ExecutionSettings, Settings
from understudy.data_dir.damage import see_to_damage

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql"))
MODES = {"live": RealExecutorCore, "simulated": SimulatedExecutorCore}


@pytest.fixture(params=RELEASES, ids=lambda path: path.stem)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = request.param
    connection = sqlite3.connect(tmp_path / JOURNAL_NAME)
    connection.executescript(path.read_text())
    connection.close()
    (tmp_path / "mode").write_text(path.stem.rpartition("-")[2])
    return tmp_path


def mode_of(data_dir: Path) -> str:
    return (data_dir / "mode").read_text()


def open_rows(data_dir: Path) -> dict[str, tuple[object, ...]]:
    reader = JournalReader(data_dir)
    kinds = ("order", "desk", "window", "position", "ledger", "observer", "paper", "live", "claim")
    found = {kind: reader.states(kind, open_only=True) for kind in kinds}
    reader.close()
    return found


def start(core_class: type[Core], role: str, data_dir: Path) -> tuple[Core, Effects]:
    """Start a core from the journal, as its host does."""
    durability = "full" if mode_of(data_dir) == "live" else "process"
    settings = Settings(execution=ExecutionSettings(mode=mode_of(data_dir), durability=durability))
    journal = Journal(data_dir, role)
    journal.claim()
    core = core_class(role, settings, random.Random(1))
    saved = tuple(
        value for kind in core.RECOVERS for value in journal.load(kind, order_id_of(role))
    )
    at_ms = JournalReader(data_dir).last_event()[1] + 1_000
    effects = core.handle(Started(saved), at_ms)
    journal.close()
    return core, effects


def test_it_holds_what_the_test_is_about(release: Path) -> None:
    rows = open_rows(release)
    at_ms = JournalReader(release).last_event()[1]
    working = [each for each in rows["order"] if isinstance(each, OrderState)]
    assert [each for each in working if each.status is OrderStatus.ACCEPTED]
    ledgers = [each for each in rows["position"] if isinstance(each, WindowLedger)]
    assert [e for e in ledgers if e.entries and not e.is_settled and e.market.closes_at_ms < at_ms]
    kind = LiveOrder if mode_of(release) == "live" else PaperOrder
    assert [e for e in (*rows["paper"], *rows["live"]) if isinstance(e, kind)]


def test_it_is_read_alike_before_and_after_it_is_brought_up_to_date(release: Path) -> None:
    before = open_rows(release)
    prepare(release)
    assert open_rows(release) == before
    with sqlite3.connect(release / JOURNAL_NAME) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        tags = {tag for (tag,) in connection.execute("SELECT class FROM state")}
    connection.close()
    assert tags <= PLACES.keys()


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_it_is_read_by_every_command_before_any_run(release: Path, command: tuple[str]) -> None:
    result = understudy(release, *command)
    assert result.exit_code == 0, result.output


def test_every_actor_goes_on_from_it(release: Path) -> None:
    prepare(release)
    for core_class, role in (
        (DirectoryCore, DIRECTORY),
        (PositionCore, POSITION),
        (MODES[mode_of(release)], EXECUTOR),
        (ObserverCore, OBSERVER),
    ):
        start(core_class, role, release)
    desk, _ = start(DeskCore, DESK, release)
    (answer,) = desk.handle(GetHalts(1), JournalReader(release).last_event()[1] + 2_000)
    assert isinstance(answer, Send)
    assert isinstance(answer.message, HaltStatus)
    assert [halt.reason for halt in answer.message.halts] == ["lunch"]
    for order in open_rows(release)["order"]:
        assert isinstance(order, OrderState)
        role = order_role(order.intent.order_id)
        _, effects = start(OrderCore, role, release)
        assert [e for e in effects if isinstance(e, Send) and e.to == EXECUTOR]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE state SET class = 'order.of.tomorrow' WHERE kind = 'desk'", "desk desk"),
        ("UPDATE state SET body = 'torn' WHERE kind = 'position'", "position 0x"),
    ],
)
def test_a_row_that_cannot_be_read_is_one_sentence_before_anything_starts(
    release: Path, change: str, complaint: str
) -> None:
    with sqlite3.connect(release / JOURNAL_NAME) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(JournalError, match=f"record of {complaint}.* cannot be read as"):
        see_to_damage(release, prepare(release), "process")


def test_orders_of_it_that_cannot_be_read_go_on_from_their_creation(release: Path) -> None:
    before = {each.intent for each in open_rows(release)["order"] if isinstance(each, OrderState)}
    with sqlite3.connect(release / JOURNAL_NAME) as connection:
        connection.execute("UPDATE state SET body = '{}' WHERE kind = 'order' AND is_open = 1")
    connection.close()
    told = see_to_damage(release, prepare(release), "process")
    assert len(told) == len(before)
    after = {each.intent for each in open_rows(release)["order"] if isinstance(each, OrderState)}
    assert after == before
