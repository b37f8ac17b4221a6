from __future__ import annotations

import errno
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy.control import SOCKET_NAME, ControlError, ControlServer, NotRunning, ask


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ControlServer]:
    def fail(_request: dict[str, object]) -> dict[str, object]:
        raise RuntimeError("the disk is full")

    server = ControlServer(
        tmp_path,
        {
            "ps": lambda _request: {"children": [1, 2]},
            "echo": lambda request: {"heard": request["words"]},
            "fail": fail,
        },
    )
    server.start()
    yield server
    server.close()


def _socket_of_a_dead_process(data_dir: Path) -> Path:
    """Let another process bind the socket and die without removing it."""
    code = f"import socket; socket.socket(socket.AF_UNIX).bind({SOCKET_NAME!r})"
    subprocess.run([sys.executable, "-c", code], cwd=data_dir, check=True)
    return data_dir / SOCKET_NAME


def test_a_command_is_answered(running, tmp_path) -> None:
    assert ask(tmp_path, "ps") == {"children": [1, 2]}


def test_arguments_reach_the_handler(running, tmp_path) -> None:
    assert ask(tmp_path, "echo", words="ä\nb") == {"heard": "ä\nb"}


def test_an_unknown_command_is_answered_with_what_is_known(running, tmp_path) -> None:
    with pytest.raises(ControlError, match="unknown command 'dance': known are echo, fail, ps"):
        ask(tmp_path, "dance")


def test_a_failing_handler_is_answered_and_the_server_goes_on(running, tmp_path) -> None:
    with pytest.raises(ControlError, match="fail failed: the disk is full"):
        ask(tmp_path, "fail")

    assert ask(tmp_path, "ps") == {"children": [1, 2]}


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]\n", b"ps\n", b'{"command": "ps"}', b"\xff\n"], ids=repr
)
def test_a_malformed_request_is_dropped_and_the_server_goes_on(running, tmp_path, line) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(tmp_path / SOCKET_NAME))
        client.sendall(line)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""

    assert ask(tmp_path, "ps") == {"children": [1, 2]}


def test_a_request_without_a_command_is_answered_with_an_error(running, tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(tmp_path / SOCKET_NAME))
        client.sendall(b'{"command": ["ps"]}\n')
        reply = json.loads(client.recv(1000))

    assert reply["error"].startswith("unknown command ['ps']")


def test_many_ask_at_once_and_all_are_answered(running, tmp_path) -> None:
    heard: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: heard.append(ask(tmp_path, "echo", words=n)["heard"]))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sorted(heard) == list(range(20))


def test_only_this_user_may_ask(running, tmp_path) -> None:
    assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o600


def test_without_a_system_nothing_runs_there(tmp_path) -> None:
    with pytest.raises(NotRunning, match=f"no understudy runs on {tmp_path}"):
        ask(tmp_path, "ps")


def test_without_a_directory_nothing_runs_there(tmp_path) -> None:
    with pytest.raises(NotRunning, match=r"no understudy runs on .*absent"):
        ask(tmp_path / "absent", "ps")


def test_a_dead_process_leaves_a_socket_on_which_nothing_runs(tmp_path) -> None:
    _socket_of_a_dead_process(tmp_path)

    with pytest.raises(NotRunning, match="no understudy runs on"):
        ask(tmp_path, "ps")


def test_a_server_takes_the_place_of_a_dead_process(tmp_path) -> None:
    _socket_of_a_dead_process(tmp_path)
    server = ControlServer(tmp_path, {"ps": lambda _request: {"alive": True}})
    server.start()
    try:
        assert ask(tmp_path, "ps") == {"alive": True}
    finally:
        server.close()


def test_a_closed_server_leaves_no_socket(tmp_path) -> None:
    server = ControlServer(tmp_path, {})
    server.start()

    server.close()
    server.close()

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotRunning):
        ask(tmp_path, "ps")


def test_a_socket_that_cannot_be_removed_keeps_no_run_from_its_end(tmp_path, monkeypatch) -> None:
    server = ControlServer(tmp_path, {})
    server.start()

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    server.close()
    monkeypatch.undo()
    with pytest.raises(NotRunning):
        ask(tmp_path, "ps")


class ScarceListener:
    """A listener for which no descriptor is free at first."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.refused_count = 0

    def accept(self) -> tuple[socket.socket, object]:
        if self.refused_count < 2:
            self.refused_count += 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return self._listener.accept()

    def __getattr__(self, name: str) -> object:
        return getattr(self._listener, name)


def test_a_server_without_a_free_descriptor_answers_once_there_is_one(tmp_path) -> None:
    server = ControlServer(tmp_path, {"ps": lambda _request: {"children": []}})
    scarce = server._listener = ScarceListener(server._listener)
    server.start()
    try:
        assert ask(tmp_path, "ps") == {"children": []}
        assert scarce.refused_count == 2
    finally:
        server.close()


def test_a_server_that_never_started_may_be_closed(tmp_path) -> None:
    ControlServer(tmp_path, {}).close()

    assert list(tmp_path.iterdir()) == []


def test_a_path_longer_than_a_socket_address_is_served(tmp_path) -> None:
    data_dir = tmp_path / ("long" * 30) / ("longer" * 20)
    data_dir.mkdir(parents=True)
    assert len(os.fsencode(data_dir / SOCKET_NAME)) > 107
    server = ControlServer(data_dir, {"ps": lambda _request: {}})
    server.start()
    try:
        assert ask(data_dir, "ps") == {}
    finally:
        server.close()


def test_a_system_that_hangs_up_does_not_answer(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET_NAME))
        listener.listen()

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(NotRunning, match="does not answer: the line was cut off"):
            ask(tmp_path, "ps")
        thread.join(10)


def test_a_client_that_asks_nothing_keeps_no_other_waiting(running, tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.connect(str(tmp_path / SOCKET_NAME))
        began = threading.Event()
        asked = threading.Thread(target=lambda: (ask(tmp_path, "ps"), began.set()))
        asked.start()
        asked.join(4)  # less than the hung one is waited for

        assert began.is_set()


def test_a_slow_answer_keeps_no_other_waiting(tmp_path) -> None:
    release = threading.Event()
    server = ControlServer(
        tmp_path,
        {"slow": lambda _request: {"released": release.wait(60)}, "ps": lambda _request: {}},
    )
    server.start()
    slow = threading.Thread(target=ask, args=(tmp_path, "slow"))
    slow.start()
    try:
        assert ask(tmp_path, "ps") == {}
    finally:
        release.set()
        slow.join(10)
        server.close()
