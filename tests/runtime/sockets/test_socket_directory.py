"""The directory of a run's sockets: private, emptied at the start, gone with the run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runtime.sockets.directory import PeerGone, SocketDirectory, SocketsNotPrivate

NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
STRANGER = 65_534


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SocketDirectory]:
    made = SocketDirectory.make(tmp_path)
    yield made
    made.close()


def test_it_is_made_for_this_user_alone(directory: SocketDirectory) -> None:
    assert directory.path.stat().st_mode & 0o777 == 0o700


def test_what_a_past_run_left_in_it_is_removed(tmp_path: Path) -> None:
    past = SocketDirectory.make(tmp_path)
    past.listen("1-a").close()
    (past.path / "2-b").symlink_to(tmp_path / "victim")
    (tmp_path / "victim").touch()
    present = SocketDirectory.make(tmp_path)
    assert list(present.path.iterdir()) == []
    assert (tmp_path / "victim").exists(), "a link is removed, and not what it names"
    present.close()
    past.close()


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o770])
def test_one_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "sockets").mkdir()
    (tmp_path / "sockets").chmod(mode)
    with pytest.raises(SocketsNotPrivate, match=rf"can be reached by others \(mode {mode:04o}\)"):
        SocketDirectory.make(tmp_path)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "precious").touch()
    (tmp_path / "sockets").symlink_to(elsewhere)
    with pytest.raises(SocketsNotPrivate, match="cannot be opened as a directory"):
        SocketDirectory.make(tmp_path)
    assert (elsewhere / "precious").exists()


def test_what_cannot_be_removed_from_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir(mode=0o700)
    (tmp_path / "sockets" / "folder").mkdir()
    with pytest.raises(SocketsNotPrivate, match="cannot be emptied"):
        SocketDirectory.make(tmp_path)


@NEEDS_ROOT
def test_one_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir(mode=0o700)
    os.chown(tmp_path / "sockets", STRANGER, -1)
    with pytest.raises(SocketsNotPrivate, match="belongs to another user"):
        SocketDirectory.make(tmp_path)


@NEEDS_ROOT
def test_another_user_can_neither_connect_nor_bind_in_it(directory: SocketDirectory) -> None:
    for parent in directory.path.parents[:-1]:  # even where the way to it is open to all
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    with directory.listen("1-a"):
        for attempt in ("connect", "bind"):
            program = (
                f"import os, socket; os.setuid({STRANGER})\n"
                f"socket.socket(socket.AF_UNIX).{attempt}({str(directory.path / '1-a')!r})"
            )
            ran = subprocess.run(
                [sys.executable, "-c", program], capture_output=True, text=True, check=False
            )
            assert "PermissionError" in ran.stderr, attempt


def test_a_path_longer_than_any_socket_address_does(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    directory = SocketDirectory.make(deep)
    with directory.listen("1-a") as listener, directory.connect("1-a", os.getpid()) as connection:
        connection.send(b"word")
        with listener.accept()[0] as accepted:
            assert accepted.recv(10) == b"word"
    directory.close()


def test_a_directory_put_in_its_place_is_nobodys(
    directory: SocketDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with directory.listen("1-a"):
        directory.path.rename(directory.path.with_name("aside"))
        directory.path.mkdir()
        with socket.socket(socket.AF_UNIX) as false:
            monkeypatch.chdir(directory.path)
            false.bind("1-a")
            false.listen()
            directory.connect("1-a", os.getpid()).close()
            false.settimeout(0)
            with pytest.raises(BlockingIOError):
                false.accept()


def test_whoever_listens_where_another_process_was_is_not_spoken_to(
    directory: SocketDirectory,
) -> None:
    with (
        directory.listen("1-a"),
        pytest.raises(PeerGone, match=f"process {os.getpid()} listens at 1-a"),
    ):
        directory.connect("1-a", os.getppid())


def test_nobody_listens_at_a_name_that_is_not_there_or_whose_owner_has_ended(
    directory: SocketDirectory,
) -> None:
    directory.listen("1-a").close()
    for name in ("1-a", "2-b"):
        with pytest.raises(PeerGone, match=f"no one listens at {name}"):
            directory.connect(name, None)


def test_a_name_is_had_once(directory: SocketDirectory) -> None:
    with directory.listen("1-a"), pytest.raises(OSError, match="in use"):
        directory.listen("1-a")


def test_it_is_emptied_and_let_go_of_at_the_end(tmp_path: Path) -> None:
    directory = SocketDirectory.make(tmp_path)
    directory.listen("1-a").close()
    directory.remove("never-there")
    directory.close()
    directory.close()
    assert list(directory.path.iterdir()) == []
    with pytest.raises(PeerGone):
        directory.connect("1-a", None)
