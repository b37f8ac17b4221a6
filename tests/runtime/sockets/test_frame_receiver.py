"""What strangers can do to a process's socket: be counted."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.sockets import receiver as module
from actors.runtime.sockets.directory import SocketDirectory
from actors.runtime.sockets.frames import GREETING_BYTES, Greeting, framed, greeting
from actors.runtime.sockets.peer import PeerProcess
from actors.runtime.sockets.poller import Poller
from actors.runtime.sockets.receiver import GREETING_LIMIT_S, UNGREETED_MAX, FrameReceiver
from actors.runtime.sockets.refusals import Refusals

KEY = b"k" * 32
NAME = "1-desk"
SENDER = f"{os.getpid()}-operator"


@attrs.define
class Stage:
    """An receiver, what it took, and strangers at its door."""

    directory: SocketDirectory
    poller: Poller
    refusals: Refusals
    taken: list[tuple[str, bytes]]
    told: list[str]
    receiver: FrameReceiver
    _counts: int = 0

    def knock(self) -> socket.socket:
        """Connect, and say nothing."""
        return self.directory.connect(NAME, os.getpid())

    def greeting(self, count: int | None = None, pid: int | None = None) -> bytes:
        """What one of this run writes first; with a count greater than all before."""
        self._counts += 1
        pid = os.getpid() if pid is None else pid
        said = Greeting(sender=SENDER, pid=pid, count=self._counts if count is None else count)
        return greeting(KEY, said, NAME)

    def turn(self) -> None:
        """Let the receiver take whatever is there."""
        for _ in range(4):
            self.poller.turn(0.0)


@contextlib.contextmanager
def stage_in(folder: Path, patch: Callable[[Refusals], None]) -> Iterator[Stage]:
    refusals = Refusals()
    told: list[str] = []
    refusals.listen(told.append)
    patch(refusals)
    taken: list[tuple[str, bytes]] = []
    directory = SocketDirectory.make(folder)
    poller = Poller()
    receiver = FrameReceiver(
        directory, KEY, NAME, poller, lambda sender, body: taken.append((sender, body))
    )
    yield Stage(directory, poller, refusals, taken, told, receiver)
    receiver.close()
    poller.close()
    directory.close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    def patch(refusals: Refusals) -> None:
        monkeypatch.setattr(module, "REFUSALS", refusals)

    with stage_in(tmp_path, patch) as made:
        yield made


def is_closed(connection: socket.socket) -> bool:
    """Whether the receiver has closed a connection that it was to be read from."""
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_frames_behind_a_greeting_are_taken_with_the_name_of_their_sender(stage: Stage) -> None:
    with stage.knock() as connection:
        connection.send(stage.greeting() + framed(b"first") + framed(b"second"))
        stage.turn()
        assert stage.taken == [(SENDER, b"first"), (SENDER, b"second")]
        connection.send(framed(b"third")[:5])
        stage.turn()
        connection.send(framed(b"third")[5:])
        stage.turn()
        assert stage.taken[2:] == [(SENDER, b"third")]
    assert stage.refusals.count == 0


@pytest.mark.parametrize(
    "said",
    [
        b"-1>",
        b"99999999999>",
        b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"." * GREETING_BYTES,
        b"\xff" * GREETING_BYTES,
        b"\0" * GREETING_BYTES + framed(b"cos\nsystem\n(S'true'\ntR."),
        os.urandom(1 << 17),
    ],
    ids=["negative length", "great length", "HTTP", "ones", "no seal and a pickle", "noise"],
)
def test_no_bytes_of_a_stranger_end_hang_or_fill_anything(stage: Stage, said: bytes) -> None:
    with stage.knock() as stranger, stage.knock() as friend:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stranger.send(said)
        stranger.shutdown(socket.SHUT_WR)
        friend.send(stage.greeting() + framed(b"word"))
        stage.turn()
        assert is_closed(stranger)
    assert stage.taken == [(SENDER, b"word")]
    assert stage.refusals.count == 1
    assert f"from process {os.getpid()} to {NAME}" in stage.told[0] or "left" in stage.told[0]


def test_bytes_without_end_are_not_read_beyond_a_greetings_length(stage: Stage) -> None:
    with stage.knock() as stranger:
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += stranger.send(b"." * 100_000)
        assert sent > 100_000
        stage.turn()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            stranger.sendall(b".")
    assert stage.refusals.count == 1


def test_a_frame_that_was_sent_once_does_nothing_when_it_is_sent_again(stage: Stage) -> None:
    captured = stage.greeting() + framed(b"ResumeTrading")
    for _ in range(3):
        with stage.knock() as connection:
            connection.send(captured)
            stage.turn()
    assert stage.taken == [(SENDER, b"ResumeTrading")]
    assert stage.told[0].startswith(f"refused a repeated greeting of {SENDER}")
    assert stage.refusals.count == 2


def test_an_older_greeting_is_refused_like_a_repeated_one(stage: Stage) -> None:
    with stage.knock() as newer, stage.knock() as older:
        newer.send(stage.greeting(count=8))
        stage.turn()
        older.send(stage.greeting(count=7) + framed(b"ResumeTrading"))
        stage.turn()
        assert is_closed(older)
        newer.send(framed(b"word"))
        stage.turn()
    assert stage.taken == [(SENDER, b"word")]


def test_a_captured_greeting_is_refused_from_another_process_also_the_first_time(
    stage: Stage,
) -> None:
    """Also before its true sender has come, as whoever can hold that one up would have it."""
    captured = stage.greeting() + framed(b"ResumeTrading")
    program = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX)\n"
        f"s.connect({str(stage.directory.path / NAME)!r})\n"
        f"s.sendall({captured!r}); s.shutdown(socket.SHUT_WR)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    stage.turn()
    assert stage.taken == []
    assert f"refused a greeting of process {os.getpid()} from process" in stage.told[0]


def test_another_user_is_not_listened_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = PeerProcess(pid=os.getpid(), uid=os.getuid() + 1)
    monkeypatch.setattr(module, "peer_of", lambda _connection: stranger)
    with stage.knock() as connection:
        connection.send(stage.greeting() + framed(b"word"))
        stage.turn()
    assert stage.taken == []
    assert "a connection of user" in stage.told[0]


def test_of_a_thousand_silent_connections_few_are_kept_and_whoever_greets_is_heard(
    stage: Stage,
) -> None:
    with contextlib.ExitStack() as opened:
        silent = []
        for _ in range(500):
            silent.append(opened.enter_context(stage.knock()))
            stage.turn()
        friend = opened.enter_context(stage.knock())
        friend.send(stage.greeting() + framed(b"word"))
        stage.turn()
        assert stage.taken == [(SENDER, b"word")]
        assert sum(not is_closed(each) for each in silent) <= UNGREETED_MAX
        assert stage.poller._poll.poll(0) == [], "silence is waited for, not turned in circles for"
    assert stage.refusals.count >= 500 - UNGREETED_MAX


def test_one_that_has_greeted_meanwhile_makes_no_room(stage: Stage) -> None:
    with contextlib.ExitStack() as opened:
        slow = opened.enter_context(stage.knock())
        for _ in range(UNGREETED_MAX - 1):
            opened.enter_context(stage.knock())
        stage.turn()
        slow.send(stage.greeting() + framed(b"word"))
        opened.enter_context(stage.knock())
        stage.turn()
        assert not is_closed(slow)
    assert stage.taken == [(SENDER, b"word")]


def test_who_says_nothing_is_given_up_in_time(stage: Stage) -> None:
    with stage.knock() as silent, stage.knock() as slow, stage.knock() as friend:
        friend.send(stage.greeting())
        slow.send(stage.greeting()[:-1])
        stage.turn()
        due_at = stage.receiver.due_at
        stage.receiver.keep(due_at - 0.001)
        assert not is_closed(silent)
        stage.receiver.keep(due_at + GREETING_LIMIT_S)
        assert is_closed(silent)
        assert is_closed(slow)
        friend.send(framed(b"word"))
        stage.turn()
    assert stage.taken == [(SENDER, b"word")]
    assert stage.refusals.count == 2


def test_without_a_free_descriptor_it_rests_and_takes_what_waits_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = [True]

    class Listener:
        def __init__(self, listener: socket.socket) -> None:
            self.listener = listener
            self.fileno, self.close = listener.fileno, listener.close

        def accept(self) -> object:
            if limit:
                raise OSError(24, "Too many open files")
            return self.listener.accept()

    monkeypatch.setattr(stage.receiver, "_listener", Listener(stage.receiver._listener))
    with stage.knock() as friend:
        friend.send(stage.greeting() + framed(b"word"))
        stage.turn()
        assert stage.refusals.count == 1, "it does not try again at once"
        limit.clear()
        stage.receiver.keep(stage.receiver.due_at)
        stage.turn()
    assert stage.taken == [(SENDER, b"word")]


@settings(max_examples=50)
@given(pieces=st.lists(st.binary(max_size=2 * GREETING_BYTES), max_size=4))
def test_no_bytes_are_taken_without_a_greeting(
    pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        stage_in(
            tmp_path_factory.mktemp("run"), lambda kept: patch.setattr(module, "REFUSALS", kept)
        ) as stage,
        stage.knock() as stranger,
    ):
        for piece in pieces:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                stranger.send(piece)
            stage.turn()
        stranger.close()
        stage.turn()
        assert stage.taken == []
        assert stage.refusals.count == 1
