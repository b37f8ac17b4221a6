"""What the doctor finds about the directory in which processes meet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from doctor_stage import FAIL, PASS, subject

from actors.runtime.sockets.directory import SocketDirectory
from actors.settings import Settings
from understudy.doctor import data_dir
from understudy.doctor.data_dir import check_sockets
from understudy.doctor.findings import Finding


def found_in(data_dir: Path) -> Finding:
    return check_sockets(subject(Settings(), data_dir))


def test_a_directory_that_takes_sockets_passes_and_is_left_as_it_was(tmp_path: Path) -> None:
    assert found_in(tmp_path).outcome is PASS
    assert found_in(tmp_path / "not" / "yet").outcome is PASS
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_not_disturbed(tmp_path: Path) -> None:
    running = SocketDirectory.make(tmp_path)
    with running.listen("1-desk"):
        assert found_in(tmp_path).outcome is PASS
        running.connect("1-desk", os.getpid()).close()
    running.close()


def test_one_that_others_can_enter_is_named(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir()
    (tmp_path / "sockets").chmod(0o755)
    found = found_in(tmp_path)
    assert (found.outcome, found.sentence.endswith("(mode 0755): remove it")) == (FAIL, True)


def test_a_link_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "sockets").symlink_to(tmp_path)
    assert "cannot be opened as a directory" in found_in(tmp_path).sentence


def test_a_disk_that_takes_no_sockets_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen(_directory: SocketDirectory, _name: str) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(data_dir.SocketDirectory, "listen", listen)
    found = found_in(tmp_path)
    assert found.outcome is FAIL
    assert "Operation not supported" in found.sentence
    assert list(tmp_path.iterdir()) == []
