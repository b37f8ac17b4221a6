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
import hmac
import os
import pickle
import secrets
import signal
import sys
import time
from hashlib import blake2b
from typing import Any

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
    # Both acknowledgements were built at import, with plain pickle: without these two lines no
    # acknowledgement is understood and every sender stops after 20 messages.
    TCPTransport.ackMsg = streamBuffer.toSendBuffer(streamBuffer.ackPacket, sealed.dumps)
    TCPTransport.ackDataErrMsg = streamBuffer.toSendBuffer(
        streamBuffer.ackDataErrPacket, sealed.dumps
    )


_READ_BYTES = 65_536


def _remaining_amount(buffer: Any) -> int:
    """Bytes to ask the socket for: all there may be, until the frame's own size is known."""
    return _READ_BYTES if buffer._size is None else int(buffer._size - len(buffer._buf))


def _keep_for_reading(transport: Any, incoming: Any, _sender: object) -> None:
    """After a frame has come in, wait on its socket for the next; never send by it."""
    if incoming.socket is not None:
        kept = TCPTransport.TCPIncomingPersistent(incoming.fromAddress, incoming.socket)
        transport._incomingSockets[incoming.socket.fileno()] = kept


def _kind_of_message(carrier: Any) -> str:
    """Name what a transport's log line is about; its own way writes out the message and timers."""
    return type(carrier.message).__name__


def quicken() -> None:
    """Use each socket in one direction only, read a frame at once, and describe nothing unasked.

    Thespian sends by whichever socket it has with a peer, also one that the peer opened: when both
    send at the same time neither sees its acknowledgement, and both wait and try again. And it
    reads twenty bytes first, to learn a frame's size, which costs a turn of its loop a message. It
    also words a line about each message six times over for a log that nobody keeps.
    docs/decisions/transport.md has the measurements.
    """
    TCPTransport.TCPTransport._finishIncoming = _keep_for_reading
    streamBuffer.ReceiveBuffer.remainingAmount = _remaining_amount
    intents: Any = TCPTransport
    intents.TransmitIntent.identify = _kind_of_message
    intents.ReceiveEnvelope.identify = _kind_of_message


def _leave_to_sigchld(_manager: object, _child_address: object) -> None:
    """Do nothing: every exit ends in SIGCHLD, whose handler reports and strikes off the dead."""


def notice_every_exit() -> None:
    """Report each child's exit to its parent, also when several die at the same time.

    Having reported one exit, Thespian strikes every dead child off its list, and with it the one
    that has died since and that nobody has reported. Of ten children killed within a few
    milliseconds, one or two were so forgotten.
    """
    MultiProcReplicator._childExited = _leave_to_sigchld


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
