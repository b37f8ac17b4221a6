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

from actors.runtime import transport
from actors.runtime.transport import SealedPickle, UnsealedFrame

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


# Sending


@attrs.define
class Sender:
    """Stands for a transport: what it has open, and what it was left to send in its own way."""

    _openSockets: dict[str, TCPTransport.IdleSocket]  # noqa: N815 # the names are Thespian's
    _aTB_numPendingTransmits: int = 0  # noqa: N815
    _aTB_queuedPendingTransmits: list[object] = attrs.field(factory=list)  # noqa: N815
    _transmitIntents: dict[int, object] = attrs.field(factory=dict)  # noqa: N815
    _async_txdone: None = None
    scheduled: list[object] = attrs.field(factory=list)


@attrs.define
class Peer:
    """Stands for an actor's address."""

    addressDetails: str = "a peer"  # noqa: N815


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def sender(pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch) -> Sender:
    def schedule(sender: Sender, intent: object, _has_exclusive_flag: bool) -> None:
        sender.scheduled.append(intent)

    monkeypatch.setattr(transport, "_schedule_prepared", schedule)
    return Sender({"a peer": TCPTransport.IdleSocket(pair[0], "a peer")})


def intent(frame: bytes) -> TCPTransport.TransmitIntent:
    made = TCPTransport.TransmitIntent(Peer(), "a message")
    made.serMsg = frame
    return made


def test_a_frame_leaves_at_once_by_the_socket_that_is_open(
    sender: Sender, pair: tuple[socket.socket, socket.socket]
) -> None:
    sent = intent(b"frame")
    transport._send_at_once(sender, sent)
    assert pair[1].recv(10) == b"frame"
    assert sent.result == TCPTransport.SendStatus.Sent
    assert sender.scheduled == []


@pytest.mark.parametrize("before", ["pending", "queued", "no socket", "closed", "full"])
def test_a_frame_that_cannot_leave_at_once_goes_thespians_way_whole(
    sender: Sender, pair: tuple[socket.socket, socket.socket], before: str
) -> None:
    ours, theirs = pair
    match before:
        case "pending":
            sender._aTB_numPendingTransmits = 1
        case "queued":
            sender._aTB_queuedPendingTransmits = ["another"]
        case "no socket":
            sender._openSockets.clear()
        case "closed":
            theirs.close()
        case "full":
            while transport._send_some(ours, b"." * 10_000):
                continue
    left = intent(b"frame")
    transport._send_at_once(sender, left)
    assert sender.scheduled == [left]
    assert left.result is None


def test_what_the_kernel_does_not_take_of_a_frame_is_left_to_the_loop(
    sender: Sender, pair: tuple[socket.socket, socket.socket]
) -> None:
    long = intent(b"." * 10_000_000)
    transport._send_at_once(sender, long)
    ours, theirs = pair
    assert sender._transmitIntents == {ours.fileno(): long}
    assert sender._openSockets == {}, "nobody else may send by it meanwhile"
    assert sender._aTB_numPendingTransmits == 1, "whoever comes next waits"
    assert long.result is None
    left = long.amtSent
    while left:
        left -= len(theirs.recv(left))
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)
