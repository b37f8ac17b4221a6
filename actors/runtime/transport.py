"""Makes Thespian's TCP transport safe and quick: loopback only, sealed frames, no orphans.

Out of the box every actor listens on all interfaces and unpickles whatever anyone sends it, and
two actors that talk both ways get in each other's way, and of two children that die together one
may never be reported. ``secure()``, ``quicken()`` and ``notice_every_exit()`` settle that through
private hooks of Thespian 4.0.1 (which is why that version is pinned), and
``tie_children_to_parents()`` has the kernel end every process whose parent is gone. All of them
must run in the foreground process before the actor system starts; forks inherit them.
"""

from __future__ import annotations

import ctypes
import errno
import hmac
import logging
import math
import os
import pickle
import secrets
import select
import selectors
import signal
import socket
import sys
import threading
import time
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from thespian.system import multiprocCommon
from thespian.system.multiprocCommon import MultiProcReplicator
from thespian.system.transport import IPBase, TCPTransport, streamBuffer

LOOPBACK = "127.0.0.1"
_DIGEST_BYTES = 16


class UnsealedFrame(Exception):
    """A frame did not carry our seal; it was not unpickled."""


class SealedPickle:
    """A serializer that unpickles nothing but what a holder of the run's key has pickled."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _digest(self, body: bytes) -> bytes:
        return blake2b(body, key=self._key, digest_size=_DIGEST_BYTES).digest()

    def dumps(self, value: object) -> bytes:
        """Pickle a value and put the seal before it."""
        body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        return self._digest(body) + body

    def loads(self, frame: bytes) -> Any:
        """Check the seal, then unpickle.

        Raises:
            UnsealedFrame: the seal is missing or wrong.
        """
        seal, body = frame[:_DIGEST_BYTES], frame[_DIGEST_BYTES:]
        if not hmac.compare_digest(seal, self._digest(body)):
            raise UnsealedFrame("a frame without this run's seal was refused")
        return pickle.loads(body)  # noqa: S301 # the seal above proves that we pickled it


def _loopback_bind_args(address: Any) -> tuple[tuple[str, int]]:
    return ((LOOPBACK, address.bindname[1]),)


def secure() -> None:
    """Bind every actor to loopback and seal every frame with a key made for this run."""
    os.environ["THESPIAN_BASE_IPADDR"] = LOOPBACK
    IPBase.thisSystem.add_local_addr(LOOPBACK)
    IPBase.IPActorAddress.bindArgs = property(_loopback_bind_args)
    sealed = SealedPickle(secrets.token_bytes(32))
    TCPTransport.serializer = sealed


_READ_BYTES = 65_536
_SENDING, _SENT = 2, 3
"""Thespian's stages of a transmission: connected, with bytes left to send; all of them sent."""

_tcp: Any = TCPTransport
_Transport: Any = TCPTransport.TCPTransport
_schedule_prepared: Any = _Transport._schedulePreparedIntent
_schedule: Any = _Transport._scheduleTransmitActual
_connect: Any = _Transport._next_XMIT_1
_send: Any = _Transport._next_XMIT_2
_delay_of_incoming: Any = _tcp.TCPIncoming_Common.delay


def _remaining_amount(buffer: Any) -> int:
    """Bytes to ask the socket for: all there may be, until the frame's own size is known."""
    return _READ_BYTES if buffer._size is None else int(buffer._size - len(buffer._buf))


def _take_frames(
    transport: Any,
    incoming: Any,
    skipFinish: bool = False,  # noqa: ARG001, N803 # Thespian's own parameters
    has_exclusive_flag: bool = False,
) -> Any:
    """Take every frame that a socket has brought; wait on it for more, and never send by it.

    Returns what waits for the rest of a frame, or for the next; None if the socket was closed.
    """
    following = b""
    while True:
        try:
            if following:
                incoming.addData(following)
            if not incoming.receivedAllData():
                return incoming
            (sender, message), following = incoming.data
        except Exception as problem:
            # Not ours, or torn: there is no telling where the next frame would begin.
            _tcp.thesplog("a frame was refused: %r", problem, level=logging.ERROR)
            incoming.close()
            return None
        envelope = _tcp.ReceiveEnvelope(sender, message)
        transport._processReceivedEnvelope(envelope, has_exclusive_flag=has_exclusive_flag)
        incoming = _tcp.TCPIncomingPersistent(sender, incoming.socket)


def _send_at_once(transport: Any, intent: Any, has_exclusive_flag: bool = False) -> None:
    """Hand the kernel a frame if a socket stands open to the peer and nothing goes before it."""
    peer = intent.targetAddr.addressDetails
    is_next = not (transport._aTB_numPendingTransmits or transport._aTB_queuedPendingTransmits)
    is_ours = threading.current_thread() is threading.main_thread()  # others leave it to its loop
    is_open = is_next and is_ours and peer in transport._openSockets
    sent = _send_some(transport._openSockets[peer].socket, intent.serMsg) if is_open else 0
    if sent == 0:
        _schedule_prepared(transport, intent, has_exclusive_flag)
    elif sent == len(intent.serMsg):
        intent.tx_done(_tcp.SendStatus.Sent)
    else:
        _leave_rest(transport, intent, sent)


def _send_some(sock: socket.socket, frame: bytes) -> int:
    """Bytes that the kernel took; none if its buffer is full, or the peer gone."""
    try:
        return sock.send(frame)
    except OSError:
        return 0  # whoever tries next, and waits, meets the same and deals with it


def _leave_rest(transport: Any, intent: Any, sent: int) -> None:
    """Have Thespian's loop send what is left of a frame when the kernel takes more."""
    transport._aTB_numPendingTransmits += 1
    intent.addCallback(transport._async_txdone, transport._async_txdone)
    intent.socket = transport._openSockets.pop(intent.targetAddr.addressDetails).socket
    intent.stage, intent.amtSent = _SENDING, sent
    transport._transmitIntents[intent.socket.fileno()] = intent


def _connect_now(transport: Any, intent: Any) -> Any:
    """Connect, and send at once if that is done, as it mostly is on loopback."""
    goes_on = _connect(transport, intent)
    if goes_on and intent.stage == _SENDING and _is_writable(intent.socket):
        return transport._nextTransmitStep(intent)
    return goes_on


def _is_writable(sock: socket.socket) -> bool:
    poll = _Poll()
    poll.register(sock.fileno(), selectors.EVENT_WRITE)
    return bool(poll.select(0.0))


def _send_unanswered(transport: Any, intent: Any) -> Any:
    """Send; what the kernel has taken is sent, and nobody acknowledges it."""
    goes_on = _send(transport, intent)
    if goes_on and intent.stage == _SENT:
        return transport._finishIntent(intent)
    return goes_on


def _schedule_and_finish(transport: Any, intent: Any, has_exclusive_flag: bool = False) -> None:
    """Send; what is done by then makes room at once, and not when the next frame comes in."""
    _schedule(transport, intent, has_exclusive_flag)
    done, transport._finished_intents = transport._finished_intents, []
    for each, status in done:
        each.tx_done(status)


class _Poll:
    """What Thespian's loop makes anew at each turn, with one system call in place of many."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._wanted: dict[int, int] = {}

    def register(self, descriptor: int, event: int) -> None:
        """Wait for a descriptor to become readable, or writable; its end and errors are either."""
        self._wanted[descriptor] = event
        self._poll.register(
            descriptor, select.POLLIN if event == selectors.EVENT_READ else select.POLLOUT
        )

    def select(self, timeout_s: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for the first of them; None: for as long as it takes.

        Raises:
            OSError: a descriptor is closed, as the selector in its place would say.
        """
        ready = []
        timeout_ms = None if timeout_s is None else math.ceil(timeout_s * 1000)
        for descriptor, flags in self._poll.poll(timeout_ms):
            if flags & select.POLLNVAL:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            event = self._wanted[descriptor]
            ready.append((selectors.SelectorKey(descriptor, descriptor, event, None), event))
        return ready

    def close(self) -> None:
        """Let go of nothing: there is no descriptor to it."""


class _Selectors:
    """Stands for the module in Thespian's eyes."""

    DefaultSelector = _Poll
    EVENT_READ, EVENT_WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


_FOR_LONG = timedelta(hours=1)


def _delay(incoming: Any, current_time: object = None) -> timedelta:
    """How long a socket that brings frames may be left alone: it does not grow old."""
    if hasattr(incoming, "_pauseUntil"):
        waits: timedelta = _delay_of_incoming(incoming, current_time)
        return waits
    return _FOR_LONG


def _kind_of_message(carrier: Any) -> str:
    """Name what a transport's log line is about; its own way writes out the message and timers."""
    return type(carrier.message).__name__


def quicken() -> None:
    """Send without acknowledgements, each socket in one direction; describe nothing unasked.

    Thespian answers every frame, and sends its next one to a peer only after the last one's answer:
    for each message both processes wake once more, which on a tick's way was a third of the work.
    What the kernel has taken arrives unless the receiver dies, and that, here, every core makes up
    for. It also reads twenty bytes first, to learn a frame's size, which costs a turn of its loop a
    message, waits for a connection that already stands, tells the kernel of each socket anew at
    each turn, and words a line about each message six times over for a log that nobody keeps.
    docs/decisions/transport.md has the measurements.
    """
    _Transport._addedDataToIncoming = _take_frames
    _Transport._schedulePreparedIntent = _send_at_once
    _Transport._next_XMIT_1 = _connect_now
    _Transport._next_XMIT_2 = _send_unanswered
    _Transport._scheduleTransmitActual = _schedule_and_finish
    streamBuffer.ReceiveBuffer.remainingAmount = _remaining_amount
    _tcp.TCPIncoming_Common.delay = _delay
    _tcp.selectors = _Selectors
    _tcp.TransmitIntent.identify = _kind_of_message
    _tcp.ReceiveEnvelope.identify = _kind_of_message


def _leave_to_sigchld(_manager: object, _child_address: object) -> None:
    """Do nothing: every exit ends in SIGCHLD, whose handler reports and strikes off the dead."""


def notice_every_exit() -> None:
    """Report each child's exit to its parent, also when several die at the same time.

    Having reported one exit, Thespian strikes every dead child off its list, and with it the one
    that has died since and that nobody has reported. Of ten children killed within a few
    milliseconds, one or two were so forgotten.
    """
    MultiProcReplicator._childExited = _leave_to_sigchld


def leave_the_end_to_the_foreground() -> None:
    """Let no actor leave because of a signal that ends every process of a run, such as SIGTERM.

    A service manager sends it to all of them. The foreground process has it, too, and has the
    actors end their orders first; Thespian would have each of them leave at once.
    """
    multiprocCommon.exit_signals.clear()


def pid_of_child(actor: Any, child_address: object) -> int:
    """Process id of an actor that another has just made with ``createActor``; 0 if that failed.

    The address is the one that ``createActor`` returned. Thespian forks within that call, and keeps
    the process beside the address; it hides both.
    """
    for child in reversed(getattr(actor._myRef, "_child_procs", [])):
        if child.childAddr == child_address:
            return int(child.childProc.pid)
    return 0


_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ADOPTION_LIMIT_S = 2.0


def end_with_parent() -> None:
    """Have the kernel SIGKILL the calling process as soon as its parent is gone (Linux only)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def tie_children_to_parents() -> None:
    """Have the kernel SIGKILL every process forked from here on as soon as its parent is gone.

    A fall then cascades: supervisor before actors, admin before supervisor, this process before
    all, even when the fallen one was hung or stopped. Thespian starts its admin as a daemon, by
    forking twice; this process adopts it (as its subreaper) and so stays its parent. Linux only;
    elsewhere nothing is tied and the foreground process ends leftovers by pid.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    root_pid = os.getpid()
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent_before_fork = root_pid
    depth = 0

    def remember_parent() -> None:
        nonlocal parent_before_fork
        parent_before_fork = os.getpid()

    def tie() -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            # Thespian's go-between, which forks the admin and leaves at once; the admin must not
            # be killed by that, so nothing is tied here. Its own children set depth to 2.
            return
        if depth == 2:
            limit = time.monotonic() + _ADOPTION_LIMIT_S
            while os.getppid() == parent_before_fork and time.monotonic() < limit:
                time.sleep(0.001)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        expected = root_pid if depth == 2 else parent_before_fork
        if os.getppid() != expected:
            os._exit(1)

    os.register_at_fork(before=remember_parent, after_in_child=tie)
