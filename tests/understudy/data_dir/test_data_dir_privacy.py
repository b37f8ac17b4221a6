"""A data directory is its user's alone; no entry leads out of it, and none may be taken away."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from called import understudy
from strangers import NEEDS_ROOT, STRANGER, as_stranger, succeeds

from actors.runtime.crash_file import FOLDER
from actors.runtime.journal import Journal, JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, SIDE_FILES, JournalError, prepare
from actors.runtime.log import LOG_NAME, LineLog
from understudy.alerting.store import STORE_NAME, Kept, StoreUnreadable, load_kept, save_kept
from understudy.control import SOCKET_NAME, ControlServer, NotOurs, ask
from understudy.data_dir.backup import BackupFailed, restore
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME, pull_kill_switch
from understudy.data_dir.last_run import RUN_NAME, note_begin, read_run
from understudy.data_dir.ownership import LOCK_NAME, DataDirLock, FilesInUse, holder_of
from understudy.data_dir.privacy import NotPrivate, make_private
from understudy.processes.exit_codes import ExitCode


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Whose it is, and who else may look


def test_a_private_directory_is_left_as_it_is(data_dir: Path) -> None:
    assert make_private(data_dir) == ""


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o770, 0o711, 0o777])
def test_one_of_an_earlier_release_that_is_open_is_closed_with_all_its_files(
    data_dir: Path, mode: int
) -> None:
    prepare(data_dir)
    (data_dir / FOLDER).mkdir()
    files = [data_dir / JOURNAL_NAME, data_dir / LOG_NAME, data_dir / FOLDER / "crash"]
    for path in files:
        path.touch()
        path.chmod(0o644)
    data_dir.chmod(mode)
    assert f"mode {mode:04o}" in make_private(data_dir)
    assert mode_of(data_dir) == 0o700
    assert {mode_of(path) for path in files} == {0o600}


@pytest.mark.parametrize("before", [(), (KILL_SWITCH_NAME,)])
def test_a_new_one_that_was_made_by_hand_is_closed(data_dir: Path, before: tuple[str]) -> None:
    for name in before:
        (data_dir / name).touch()
    data_dir.chmod(0o755)
    assert make_private(data_dir)
    assert mode_of(data_dir) == 0o700


def test_an_open_directory_of_other_things_is_refused_and_stays_as_it_is(data_dir: Path) -> None:
    (data_dir / "thesis.tex").touch()
    data_dir.chmod(0o755)
    with pytest.raises(NotPrivate, match="holds nothing else, or close it: chmod 700"):
        make_private(data_dir)
    assert mode_of(data_dir) == 0o755


def test_a_directory_for_everybody_is_refused_whatever_lies_in_it(data_dir: Path) -> None:
    prepare(data_dir)
    data_dir.chmod(0o1777)
    with pytest.raises(NotPrivate, match="1777"):
        make_private(data_dir)


@NEEDS_ROOT
def test_somebody_else_s_is_refused_by_name(data_dir: Path) -> None:
    os.chown(data_dir, STRANGER, STRANGER)
    with pytest.raises(NotPrivate, match=f"belongs to user id {STRANGER} and not to root"):
        make_private(data_dir)


@NEEDS_ROOT
def test_one_that_a_stranger_s_link_leads_to_is_refused(data_dir: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(data_dir)
    assert make_private(link) == ""
    os.lchown(link, STRANGER, STRANGER)
    with pytest.raises(NotPrivate, match=f"user id {STRANGER}"):
        make_private(link)


def test_a_run_says_so_and_starts_nothing(data_dir: Path) -> None:
    (data_dir / "thesis.tex").touch()
    data_dir.chmod(0o755)
    told = understudy("run", "--demo", "--data-dir", data_dir)
    assert told.exit_code == ExitCode.BAD_INPUT
    assert len(told.output.splitlines()) == 1
    assert [path.name for path in data_dir.iterdir()] == ["thesis.tex"]


@NEEDS_ROOT
def test_root_may_put_a_copy_back_for_the_service_s_user(data_dir: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    os.chown(data_dir, STRANGER, STRANGER)
    restore(tmp_path / JOURNAL_NAME, data_dir)
    assert (data_dir / JOURNAL_NAME).exists()


def test_nothing_is_put_back_into_a_directory_of_other_things(
    data_dir: Path, tmp_path: Path
) -> None:
    prepare(tmp_path)
    (data_dir / "thesis.tex").touch()
    data_dir.chmod(0o755)
    with pytest.raises(BackupFailed, match="open to other users"):
        restore(tmp_path / JOURNAL_NAME, data_dir)


# What its entries may be


def written_lock(data_dir: Path) -> None:
    DataDirLock(data_dir).release()


def written_log(data_dir: Path) -> None:
    LineLog(data_dir, "test", to_stderr=False).close()


def kept(data_dir: Path) -> None:
    load_kept(data_dir)


def begun(data_dir: Path) -> None:
    problem = note_begin(data_dir)
    if problem:
        raise OSError(problem)


OPENERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "lock": (LOCK_NAME, written_lock),
    "holder": (LOCK_NAME, holder_of),
    "log": (LOG_NAME, written_log),
    "run": (f".{RUN_NAME}.new", begun),
    "alerts": (STORE_NAME, kept),
    "journal at the start": (JOURNAL_NAME, prepare),
    "journal": (JOURNAL_NAME, lambda data_dir: Journal(data_dir, "desk")),
    "journal read": (JOURNAL_NAME, JournalReader),
    "journal's log": (f"{JOURNAL_NAME}-wal", prepare),
    "socket": (SOCKET_NAME, lambda data_dir: ask(data_dir, "ps")),
}
REFUSED = (OSError, JournalError, StoreUnreadable, NotOurs)


@pytest.mark.parametrize(("name", "opened"), OPENERS.values(), ids=OPENERS.keys())
@pytest.mark.parametrize("kind", ["link", "link to nowhere", "pipe"])
def test_no_link_is_followed_and_no_pipe_waited_for(
    data_dir: Path, tmp_path: Path, name: str, opened: Callable[[Path], object], kind: str
) -> None:
    target = tmp_path / "target"
    if kind == "pipe":
        os.mkfifo(data_dir / name)
    else:
        (data_dir / name).symlink_to(target)
    if kind == "link":
        target.write_bytes(b"")
    with pytest.raises(REFUSED):
        opened(data_dir)
    assert not target.exists() or target.read_bytes() == b""


def test_the_last_run_is_not_read_by_a_link(data_dir: Path, tmp_path: Path) -> None:
    note_begin(data_dir)
    (data_dir / RUN_NAME).rename(tmp_path / "elsewhere")
    (data_dir / RUN_NAME).symlink_to(tmp_path / "elsewhere")
    assert read_run(data_dir) is None
    assert note_begin(data_dir) == ""  # in the link's place
    assert read_run(data_dir) is not None


def test_every_file_is_its_user_s_alone(data_dir: Path) -> None:
    before = os.umask(0)
    try:
        prepare(data_dir)
        reader = JournalReader(data_dir)
        written_lock(data_dir)
        written_log(data_dir)
        note_begin(data_dir)
        save_kept(data_dir, Kept())
        pull_kill_switch(data_dir, "fire")
    finally:
        os.umask(before)
    files = list(data_dir.iterdir())
    assert {path.name: mode_of(path) for path in files} == {path.name: 0o600 for path in files}
    assert f"{JOURNAL_NAME}-wal" in {path.name for path in files}
    reader.close()


@NEEDS_ROOT
@pytest.mark.parametrize("name", [JOURNAL_NAME, LOCK_NAME, LOG_NAME])
def test_a_stranger_s_files_are_not_used(data_dir: Path, name: str) -> None:
    """As root one may use anybody's; a user of one's own is what counts."""
    stranger_s = data_dir / name
    stranger_s.touch(mode=0o666)
    os.chown(data_dir, STRANGER, STRANGER)

    def refused() -> None:
        open_one = {JOURNAL_NAME: prepare, LOCK_NAME: written_lock, LOG_NAME: written_log}[name]
        with pytest.raises((OSError, JournalError), match="another user"):
            open_one(data_dir)

    reachable(data_dir)
    stranger_s.chmod(0o666)
    assert succeeds(as_stranger(refused))


def reachable(path: Path) -> None:
    """Let every user come by, through pytest's own private directories."""
    for each in (path, *path.parents):
        if each == Path("/tmp"):  # noqa: S108 # where pytest makes them
            return
        with contextlib.suppress(PermissionError):
            each.chmod(0o755)


# What is taken away while a run has it


@pytest.fixture
def in_use(data_dir: Path) -> Iterator[FilesInUse]:
    prepare(data_dir)
    lock = DataDirLock(data_dir)
    with contextlib.closing(JournalReader(data_dir)) as reader:
        reader.last_event()
        yield FilesInUse(data_dir)
    lock.release()


def test_nothing_is_missed_while_all_is_there(data_dir: Path, in_use: FilesInUse) -> None:
    journal = Journal(data_dir, "desk")
    for _ in range(3):
        journal.claim()
        assert in_use.loss() == ""
    journal.close()
    assert in_use.loss() == ""


@pytest.mark.parametrize("name", [LOCK_NAME, JOURNAL_NAME, *(JOURNAL_NAME + e for e in SIDE_FILES)])
def test_a_file_that_is_removed_or_replaced_is_missed(
    data_dir: Path, in_use: FilesInUse, name: str
) -> None:
    assert in_use.loss() == ""
    (data_dir / name).rename(data_dir / "aside")
    assert f"{name} was removed" in in_use.loss()
    (data_dir / name).write_bytes((data_dir / "aside").read_bytes())
    assert f"{name} was replaced by another file" in in_use.loss()
    (data_dir / name).unlink()
    (data_dir / name).symlink_to(data_dir / "aside")
    assert f"{name} was replaced by another file" in in_use.loss()


def test_a_directory_that_is_moved_away_is_missed(data_dir: Path, in_use: FilesInUse) -> None:
    data_dir.rename(data_dir.with_name("away"))
    assert "was removed" in in_use.loss()
    data_dir.with_name("away").rename(data_dir)


# Who is at the other end of the control socket


@pytest.fixture
def served(data_dir: Path) -> Iterator[Path]:
    server = ControlServer(data_dir, {"ps": lambda _request: {"answered": True}})
    server.start()
    yield data_dir
    server.close()


def test_its_own_user_is_answered(served: Path) -> None:
    assert ask(served, "ps") == {"answered": True}


@NEEDS_ROOT
def test_a_stranger_who_can_reach_the_socket_is_not_answered(served: Path) -> None:
    reachable(served)
    (served / SOCKET_NAME).chmod(0o666)

    def asked() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(served / SOCKET_NAME))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b'{"command": "ps"}\n')
                assert connection.recv(100) == b""

    assert succeeds(as_stranger(asked))


@NEEDS_ROOT
def test_a_stranger_s_directory_is_spoken_to_by_root_alone(data_dir: Path) -> None:
    """The stranger's system answers root, and a third user does not even ask."""
    reachable(data_dir)
    os.chown(data_dir, STRANGER, STRANGER)
    ready_reader, ready_writer = os.pipe()
    end_reader, end_writer = os.pipe()

    def serve() -> None:
        server = ControlServer(data_dir, {"ps": lambda _request: {"answered": True}})
        server.start()
        os.write(ready_writer, b"x")
        os.read(end_reader, 1)
        server.close()

    pid = as_stranger(serve)
    os.read(ready_reader, 1)
    assert ask(data_dir, "ps") == {"answered": True}
    os.write(end_writer, b"x")
    assert succeeds(pid)

    def asked_by_another() -> None:
        with pytest.raises(NotOurs, match="belongs to root"):
            ask(data_dir, "ps")

    os.chown(data_dir, 0, 0)
    assert succeeds(as_stranger(asked_by_another))


@NEEDS_ROOT
def test_nothing_is_said_to_a_stranger_who_answers_in_our_directory(data_dir: Path) -> None:
    data_dir.chmod(0o777)
    listener = socket.socket(socket.AF_UNIX)
    heard: list[bytes] = []
    ready_reader, ready_writer = os.pipe()

    def pose() -> None:
        listener.bind(str(data_dir / SOCKET_NAME))
        listener.listen()
        os.write(ready_writer, b"x")
        connection, _ = listener.accept()
        heard.append(connection.recv(1000))
        assert heard == [b""]

    reachable(data_dir.parent)
    pid = as_stranger(pose)
    os.read(ready_reader, 1)
    with pytest.raises(NotOurs, match="another user's process answers"):
        ask(data_dir, "halt", reason="x", cancel=True)
    assert succeeds(pid)


def test_a_halt_for_a_stranger_s_directory_is_not_left_there(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    told = understudy("halt", "--data-dir", data_dir)
    assert told.exit_code == ExitCode.FAILED
    assert list(data_dir.iterdir()) == []
