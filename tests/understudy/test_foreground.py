"""Whatever goes wrong while a run says that it ends, its orders are ended (F50)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from scenes import run_options

from actors.runtime.clock import ClockSpec
from actors.runtime.journal_file import prepare
from actors.settings import Settings
from understudy import foreground
from understudy.control import ControlServer
from understudy.exit_codes import ExitCode
from understudy.foreground import EndSignals, _Foreground
from understudy.service_manager import ServiceManager


class Tree:
    """A tree that answers nothing, and notes why it was ended."""

    def __init__(self) -> None:
        self.ended_because: list[str] = []

    def ask_children(self, _patience_s: float) -> None:
        return None

    def fallen(self) -> None:
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
    return _Foreground(run_options(data_dir), Settings(), clock, signals)


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
