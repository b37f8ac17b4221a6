"""What leaves a process: in order, as much as the kernel takes, and nothing for the dead."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from actors.runtime.sockets import sender as module
from actors.runtime.sockets.connections import KnownSenders, Outgoing, Parcel, greeter
from actors.runtime.sockets.directory import PeerGone, SocketDirectory
from actors.runtime.sockets.frames import (
    GREETING_BYTES,
    FrameReader,
    Greeting,
    RefusedFrame,
    framed,
    read_greeting,
)
from actors.runtime.sockets.poller import Poller
from actors.runtime.sockets.sender import FrameSender, SendOutcome

KEY = b"k" * 32
PEER = "2-peer"
ME = "1-me"
LONG = b"." * 3_000_000
"""No socket takes so much at once."""


@attrs.define
class Stage:
    """An sender, and the socket of a peer that does what it is told."""

    directory: SocketDirectory
    poller: Poller
    sender: FrameSender
    listener: socket.socket

    def post(self, body: bytes, intent: object) -> None:
        """Send a frame to the peer."""
        self.sender.post(PEER, os.getpid(), framed(body), intent)

    def accept(self) -> socket.socket:
        """Accept the next connection, which has greeted."""
        accepted, _ = self.listener.accept()
        accepted.setblocking(False)
        said = read_greeting(KEY, accepted.recv(GREETING_BYTES), PEER)
        assert (said.sender, said.pid) == (ME, os.getpid())
        return accepted

    def read(self, accepted: socket.socket, count: int) -> list[bytes]:
        """Read so many frames, while the sender sends what waits."""
        reader = FrameReader()
        bodies: list[bytes] = []
        while len(bodies) < count:
            self.poller.turn(0.0)
            try:
                bodies += reader.take(accepted.recv(reader.wanted_bytes))
            except BlockingIOError:
                continue
        return bodies


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    directory = SocketDirectory.make(tmp_path)
    poller = Poller()
    sender = FrameSender(directory, greeter(KEY, ME, os.getpid()), poller)
    with directory.listen(PEER) as listener:
        yield Stage(directory, poller, sender, listener)
    sender.close()
    poller.close()
    directory.close()


def test_a_frame_leaves_at_once_behind_a_greeting_and_the_next_by_the_same_connection(
    stage: Stage,
) -> None:
    stage.post(b"first", 1)
    stage.post(b"second", 2)
    assert stage.sender.outcomes() == [SendOutcome(1), SendOutcome(2)]
    assert stage.sender.outcomes() == []
    with stage.accept() as accepted:
        assert stage.read(accepted, 2) == [b"first", b"second"]
        with pytest.raises(BlockingIOError):
            stage.listener.accept()


def test_what_the_kernel_does_not_take_of_a_frame_waits_and_others_wait_behind_it(
    stage: Stage,
) -> None:
    stage.post(LONG, "long")
    stage.post(b"short", "short")
    assert stage.sender.outcomes() == []
    assert stage.sender.waiting == [(PEER, "long"), (PEER, "short")]
    with stage.accept() as accepted:
        assert stage.read(accepted, 2) == [LONG, b"short"]
    assert stage.sender.outcomes() == [SendOutcome("long"), SendOutcome("short")]
    assert stage.sender.waiting == []


def test_a_peer_that_takes_nothing_holds_up_no_other(stage: Stage) -> None:
    stage.post(LONG, "long")
    with stage.directory.listen("3-other") as other:
        stage.sender.post("3-other", None, framed(b"word"), "word")
        assert stage.sender.outcomes() == [SendOutcome("word")]
        other.accept()[0].close()


def test_what_waits_has_a_bound(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_BYTES_MAX", 4_000_000)
    stage.post(LONG, "long")
    stage.post(LONG, "too much")
    stage.post(b"short", "short")
    assert stage.sender.outcomes() == [SendOutcome("too much", is_sent=False)]
    with stage.accept() as accepted:
        assert stage.read(accepted, 2) == [LONG, b"short"]


def test_frames_for_the_dead_come_back(stage: Stage) -> None:
    stage.post(LONG, "long")
    stage.post(b"short", "short")
    with stage.accept():
        stage.listener.close()
        gone = [SendOutcome(each, is_sent=False, is_peer_gone=True) for each in ("long", "short")]
    for _ in range(4):
        stage.poller.turn(0.01)
    assert stage.sender.outcomes() == gone
    stage.post(b"late", "late")
    assert stage.sender.outcomes() == [SendOutcome("late", is_sent=False, is_peer_gone=True)]


def test_a_peer_that_let_go_of_the_connection_and_lives_is_sent_whole_frames_by_a_new_one(
    stage: Stage,
) -> None:
    stage.post(LONG, "long")
    stage.accept().close()
    stage.poller.turn(0.0)
    with stage.accept() as accepted:
        assert stage.read(accepted, 1) == [LONG]
    assert stage.sender.outcomes() == [SendOutcome("long")]


def test_the_end_of_an_idle_peer_is_noticed(stage: Stage) -> None:
    stage.post(b"word", 1)
    accepted = stage.accept()
    accepted.recv(100)
    accepted.close()
    stage.listener.close()
    stage.poller.turn(0.0)
    stage.post(b"word", 2)
    assert stage.sender.outcomes() == [
        SendOutcome(1),
        SendOutcome(2, is_sent=False, is_peer_gone=True),
    ]


def test_a_peer_with_too_many_connections_to_accept_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full = [True]
    connect = SocketDirectory.connect

    def connect_if_there_is_room(
        directory: SocketDirectory, name: str, pid: int | None
    ) -> socket.socket:
        if is_full:
            raise BlockingIOError
        return connect(directory, name, pid)

    monkeypatch.setattr(SocketDirectory, "connect", connect_if_there_is_room)
    stage.post(b"first", 1)
    stage.post(b"second", 2)
    stage.sender.keep(stage.sender.due_at)
    assert stage.sender.outcomes() == []
    is_full.clear()
    stage.sender.keep(stage.sender.due_at)
    assert stage.sender.outcomes() == [SendOutcome(1), SendOutcome(2)]


def test_a_peer_that_takes_no_greeting_is_given_up(stage: Stage) -> None:
    def refused(_name: str) -> bytes:
        raise ConnectionResetError(104, "Connection reset by peer")

    peer = Outgoing(stage.directory, PEER, None, refused, lambda _descriptor: None)
    peer.waiting.append(Parcel(b"frame", 1))
    with pytest.raises(PeerGone, match="takes nothing: Connection reset by peer"):
        peer.flush()


def test_counts_of_a_greeter_grow_and_those_of_later_ones_are_greater() -> None:
    counts = []
    for _ in range(3):
        greet = greeter(KEY, ME, 1)
        counts += [read_greeting(KEY, greet(PEER), PEER).count for _ in range(100)]
    assert counts == sorted(set(counts))


def test_senders_that_are_forgotten_cannot_be_repeated_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.runtime.sockets.connections._KNOWN_SENDERS_MAX", 3)
    known = KnownSenders()
    for count in range(10):
        known.meet(Greeting(sender=f"sender {count}", pid=1, count=count))
    for count in range(10):
        with pytest.raises(RefusedFrame, match="repeated greeting"):
            known.meet(Greeting(sender=f"sender {count}", pid=1, count=count))
    known.meet(Greeting(sender="sender 0", pid=1, count=10))
