from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import ProcessStage

from actors.messages.execution import OpenOrders
from actors.roles import DESK, OBSERVER, STRATEGY
from actors.runtime.journal import JournalReader
from understudy.composition import ACTORS
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME, kill_switch_reason, pull_kill_switch

FILES = {
    "a reason": (b"fire in the hall\nand more\n", "fire in the hall"),
    "blank lines first": (b"\n\n  fire \n", "fire"),
    "not text": (b"\xff\xfe", "\ufffd\ufffd"),
}


@pytest.mark.parametrize(("content", "reason"), FILES.values(), ids=FILES.keys())
def test_the_first_line_is_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / KILL_SWITCH_NAME).write_bytes(content)
    assert kill_switch_reason(tmp_path) == reason


def test_without_a_file_there_is_no_reason(tmp_path: Path) -> None:
    assert kill_switch_reason(tmp_path) is None


def test_an_empty_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / KILL_SWITCH_NAME).touch()
    assert kill_switch_reason(tmp_path) == f"there is a file {tmp_path / KILL_SWITCH_NAME}"


ENTRIES: dict[str, Callable[[Path], object]] = {
    "a directory": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a file": lambda path: path.symlink_to(__file__),
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("make", ENTRIES.values(), ids=ENTRIES.keys())
def test_whatever_has_the_name_halts_and_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path(KILL_SWITCH_NAME))
    assert "not a plain file" in (kill_switch_reason(tmp_path) or "")
    pull_kill_switch(tmp_path, "fire")
    assert "not a plain file" in (kill_switch_reason(tmp_path) or "")


def test_pulling_it_writes_through_no_link(tmp_path: Path) -> None:
    (tmp_path / KILL_SWITCH_NAME).symlink_to(tmp_path / "elsewhere")
    pull_kill_switch(tmp_path, "fire")
    assert not (tmp_path / "elsewhere").exists()


def test_the_file_is_its_user_s_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(pull_kill_switch(tmp_path, "fire").stat().st_mode) == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can halt another's system by a file")
def test_a_file_that_root_has_written_can_be_read_by_the_run_s_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 12_345, 12_345)
    assert pull_kill_switch(tmp_path, "fire").stat().st_uid == 12_345


def test_pulling_it_keeps_the_reason_of_who_came_first(tmp_path: Path) -> None:
    pull_kill_switch(tmp_path, "first")
    pull_kill_switch(tmp_path, "second")
    assert kill_switch_reason(tmp_path) == "first"


def test_a_desk_that_starts_beside_the_file_is_halted_before_anyone_can_speak(
    tmp_path: Path,
) -> None:
    pull_kill_switch(tmp_path, "fire")
    ProcessStage(tmp_path, {DESK: ACTORS[DESK]}).boot(STRATEGY, OBSERVER)
    reader = JournalReader(tmp_path)
    (event,) = reader.events(kind="Halted")
    assert event.body["halt"]["who"] == "kill-switch file"
    assert event.body["halt"]["reason"] == "fire"
    reader.close()


def test_a_desk_that_starts_without_the_file_records_nothing(tmp_path: Path) -> None:
    stage = ProcessStage(tmp_path, {DESK: ACTORS[DESK]})
    stage.boot(STRATEGY, OBSERVER)
    reader = JournalReader(tmp_path)
    assert reader.last_event() == (0, 0)
    assert not [each for each in stage.sent_to(STRATEGY) if isinstance(each, OpenOrders)]
    reader.close()
