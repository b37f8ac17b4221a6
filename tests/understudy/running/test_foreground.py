"""Whatever goes wrong while a run says that it ends, its orders are ended (F50)."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from scenes import run_options

from actors.core import Record, Save
from actors.execution.desk_state import DeskState
from actors.runtime.clock import ClockSpec
from actors.runtime.journal import Journal
from actors.runtime.journal_file import JOURNAL_NAME, prepare
from actors.settings import Settings
from understudy.control import ControlServer
from understudy.processes.exit_codes import ExitCode
from understudy.running import foreground
from understudy.running.foreground import EndSignals, _Foreground
from understudy.running.service_manager import ServiceManager


class Tree:
    """A tree that answers nothing, and notes why it was ended."""

    def __init__(self) -> None:
        self.ended_because: list[str] = []

    def ask_children(self, _patience_s: float) -> None:
        return None

    def dead_process(self) -> None:
        return None

    def end(self, reason: str) -> None:
        self.ended_because.append(reason)


def run_on(data_dir: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> _Foreground:
    """A run that has just been told to end."""
    prepare(data_dir)
    monkeypatch.setattr(_Foreground, "_new_tree", lambda _run: tree)
    signals = EndSignals()
    signals.name = "SIGTERM"
    clock = ClockSpec.starting_now(1_780_000_000_000)
    return _Foreground(run_options(data_dir), Settings(), clock, signals, str)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(ControlServer, "close"), (ServiceManager, "ending"), (foreground, "note_end")],
)
def test_f50_what_cannot_be_said_of_the_end_keeps_no_order_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    tree = Tree()
    run = run_on(tmp_path, tree, monkeypatch)
    monkeypatch.setattr(owner, name, refuse)
    assert run.run_until_done() == ExitCode.OK
    assert tree.ended_because == ["SIGTERM"]


def test_f50_what_nobody_expected_ends_the_run_in_order_and_leaves_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError("nobody expected this")

    tree = Tree()
    run = run_on(tmp_path, tree, monkeypatch)
    run._signals.name = ""
    monkeypatch.setattr(run._halting, "beat", fail)
    assert run.run_until_done() == ExitCode.FAILED
    (reason,) = tree.ended_because
    assert "the run was ended by an error of its own (ZeroDivisionError" in reason
    assert "Traceback" in (tmp_path / "understudy.log").read_text()
    assert reason in capsys.readouterr().err


def test_a_demo_whose_exchange_has_ended_ends_in_order_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree()
    run = run_on(tmp_path, tree, monkeypatch)
    run._signals.name = ""
    monkeypatch.setattr(run, "_exchange_loss", lambda: "the local exchange has ended")
    assert run.run_until_done() == ExitCode.FAILED
    assert tree.ended_because == ["the local exchange has ended"]
    assert "the local exchange has ended" in capsys.readouterr().err


# A journal that is damaged while the run goes on


def damaged_run(
    data_dir: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch, statement: str
) -> _Foreground:
    """A run whose desk has recorded that it is halted, and whose journal is damaged then."""
    prepare(data_dir)
    journal = Journal(data_dir, "desk")
    journal.claim()
    state = DeskState()
    journal.record(Record(state, (Save("desk", "desk", state),)), at_ms=1)
    journal.close()
    run = run_on(data_dir, tree, monkeypatch)
    run._signals.name = ""
    with sqlite3.connect(data_dir / JOURNAL_NAME) as connection:
        connection.execute(statement)
    connection.close()
    return run


def test_a_row_that_the_foreground_needs_ends_the_run_in_order_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree()
    run = damaged_run(tmp_path, tree, monkeypatch, "UPDATE state SET body = '{'")
    assert run.run_until_done() == ExitCode.JOURNAL_UNUSABLE
    (reason,) = tree.ended_because
    assert "record of desk desk cannot be read" in reason
    assert "Traceback" not in (tmp_path / "understudy.log").read_text()
    assert capsys.readouterr().err.splitlines()[-1] == f"understudy: {reason}"


def test_a_file_that_sqlite_calls_malformed_ends_the_run_in_order_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree()
    run = damaged_run(tmp_path, tree, monkeypatch, "DROP TABLE events")
    assert run.run_until_done() == ExitCode.JOURNAL_UNUSABLE
    assert len(tree.ended_because) == 1
    assert "Traceback" not in (tmp_path / "understudy.log").read_text()


def test_an_event_that_only_tells_what_was_ends_nothing_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = damaged_run(tmp_path, Tree(), monkeypatch, "UPDATE events SET body = '{'")
    run._events.look(None, None)
    run._signals.name = "SIGTERM"
    assert run.run_until_done() == ExitCode.OK
    assert "record of event 1 cannot be read" in (tmp_path / "understudy.log").read_text()
