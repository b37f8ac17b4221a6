from __future__ import annotations

import pickle
import selectors
import socket
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thespian.system.transport import TCPTransport, streamBuffer

from actors import transport
from actors.transport import SealedPickle, UnsealedFrame

KEY = b"k" * 32


class Exploit:
    """Unpickling one of these raises: proof that it was unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("an unsealed frame was unpickled",))


def test_what_was_sealed_comes_back() -> None:
    sealed = SealedPickle(KEY)
    assert sealed.loads(sealed.dumps({"price_ticks": 530})) == {"price_ticks": 530}


@pytest.mark.parametrize(
    "frame",
    [
        pickle.dumps(Exploit()),
        b"\0" * 16 + pickle.dumps(Exploit()),
        SealedPickle(b"other" * 6).dumps(1)[:16] + pickle.dumps(Exploit()),
        b"",
        b"short",
    ],
    ids=["plain pickle", "zero seal", "another run's seal", "empty", "shorter than a seal"],
)
def test_an_unsealed_frame_is_refused_before_it_is_unpickled(frame: bytes) -> None:
    with pytest.raises(UnsealedFrame):
        SealedPickle(KEY).loads(frame)


def test_a_changed_body_breaks_the_seal() -> None:
    frame = bytearray(SealedPickle(KEY).dumps("cancel"))
    frame[-3] ^= 1
    with pytest.raises(UnsealedFrame):
        SealedPickle(KEY).loads(bytes(frame))


# Frames


@attrs.define
class Mailbox:
    """Stands for a transport: keeps what it is told has arrived."""

    messages: list[object] = attrs.field(factory=list)

    def _processReceivedEnvelope(  # noqa: N802 # the name is Thespian's
        self, envelope: TCPTransport.ReceiveEnvelope, has_exclusive_flag: bool = False
    ) -> None:
        assert not has_exclusive_flag
        self.messages.append(envelope.message)


@pytest.fixture(scope="module")
def wire() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def frame(message: object) -> bytes:
    sent: bytes = streamBuffer.toSendBuffer(("sender", message))
    return sent


@given(messages=st.lists(st.binary(max_size=40), min_size=1, max_size=8), data=st.data())
def test_frames_that_come_together_or_in_pieces_all_arrive_in_order(
    wire: socket.socket, messages: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(frame, messages))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    mailbox = Mailbox()
    incoming = TCPTransport.TCPIncomingPersistent("sender", wire)
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        arrived = stream[start:end]
        while arrived:
            wanted = transport._remaining_amount(incoming._rData)
            incoming.addData(arrived[:wanted])
            arrived = arrived[wanted:]
            incoming = transport._take_frames(mailbox, incoming)
            assert incoming.socket is wire, "it waits for more on the same socket"
    assert mailbox.messages == messages


@pytest.mark.parametrize("torn", [b"3>abc", b"abc>3"], ids=["body", "size"])
def test_a_frame_that_cannot_be_read_closes_the_socket_after_those_before_it(torn: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        incoming = TCPTransport.TCPIncomingPersistent("sender", ours)
        incoming.addData(frame(1) + torn + frame(2))
        mailbox = Mailbox()
        assert transport._take_frames(mailbox, incoming) is None
        assert mailbox.messages == [1]
        assert theirs.recv(1) == b""


# Waiting


def test_the_loop_is_told_what_is_readable_and_what_is_writable() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        poll = transport._Poll()
        poll.register(ours.fileno(), selectors.EVENT_READ)
        poll.register(theirs.fileno(), selectors.EVENT_WRITE)
        expected = [
            (ours.fileno(), selectors.EVENT_READ),
            (theirs.fileno(), selectors.EVENT_WRITE),
        ]
        assert sorted((key.fd, event) for key, event in poll.select(None)) == sorted(expected)


def test_the_end_of_a_connection_is_readable() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        poll = transport._Poll()
        poll.register(ours.fileno(), selectors.EVENT_READ)
        assert [event for _, event in poll.select(5.0)] == [selectors.EVENT_READ]


def test_nothing_is_ready_when_the_time_is_over() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poll = transport._Poll()
        poll.register(ours.fileno(), selectors.EVENT_READ)
        assert poll.select(0.001) == []


def test_a_closed_descriptor_is_an_error_as_the_loop_expects_it() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    poll = transport._Poll()
    poll.register(ours.fileno(), selectors.EVENT_READ)
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        poll.select(0.0)
