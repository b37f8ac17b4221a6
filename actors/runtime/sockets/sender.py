"""The sending side of a process, for all of its threads."""

from __future__ import annotations

import functools
import math
import select
import threading
import time

import attrs

from actors.runtime.sockets.connections import RETRY_S, Greet, Outgoing, Parcel
from actors.runtime.sockets.directory import PeerGone, SocketDirectory
from actors.runtime.sockets.poller import WRITABLE, Poller

WAITING_BYTES_MAX = 256 << 20
"""Total size of frames for peers that accept nothing; frames beyond it are not sent."""


@attrs.frozen
class SendOutcome:
    """The result of sending a frame."""

    intent: object
    """The sender's own object, as it was posted."""
    is_sent: bool = True
    """The kernel has accepted all of it."""
    is_peer_gone: bool = False


class FrameSender:
    """Sends frames to other processes, in order for each peer."""

    def __init__(self, directory: SocketDirectory, greet: Greet, poller: Poller) -> None:
        self._directory = directory
        self._greet = greet
        self._poller = poller
        self._peers: dict[str, Outgoing] = {}
        self._lock = threading.RLock()
        self._outcomes: list[SendOutcome] = []
        self._waiting_bytes = 0
        self._retry_at = math.inf

    @property
    def waiting(self) -> list[tuple[str, object]]:
        """Recipient and intent of every frame that the kernel has not accepted yet."""
        with self._lock:
            peers = self._peers.values()
            return [(peer.name, each.intent) for peer in peers for each in peer.waiting]

    @property
    def due_at(self) -> float:
        """Monotonic time at which ``keep`` has something to do."""
        return self._retry_at

    def post(self, name: str, pid: int | None, frame: bytes, intent: object) -> None:
        """Send a frame to the owner of a socket, after the frames that wait for it already.

        Args:
            name: name of the socket.
            pid: process id of its owner, if known.
            frame: the complete frame.
            intent: returned with the outcome.
        """
        with self._lock:
            if self._waiting_bytes and self._waiting_bytes + len(frame) > WAITING_BYTES_MAX:
                self._outcomes.append(SendOutcome(intent, is_sent=False))
                return
            peer = self._peers.get(name)
            if peer is None:
                let_go = self._poller.delist
                peer = Outgoing(self._directory, name, pid, self._greet, let_go)
                self._peers[name] = peer
            peer.waiting.append(Parcel(frame, intent))
            self._waiting_bytes += len(frame)
            if len(peer.waiting) == 1:
                self._flush(peer)

    def outcomes(self) -> list[SendOutcome]:
        """Return the outcomes since the last call."""
        if not self._outcomes:
            return []
        with self._lock:
            told, self._outcomes = self._outcomes, []
            return told

    def keep(self, now: float) -> None:
        """Retry peers to which no connection was possible."""
        if self._retry_at > now:
            return
        with self._lock:
            self._retry_at = math.inf
            for peer in [each for each in self._peers.values() if each.waiting]:
                self._flush(peer)

    def flush_for(self, seconds: float) -> None:
        """Only send, until a peer accepts something or the time is up."""
        with self._lock:
            poll = select.poll()
            for peer in self._peers.values():
                if peer.waiting and peer.connection is not None:
                    poll.register(peer.connection.fileno(), WRITABLE)
        poll.poll(math.ceil(min(seconds, RETRY_S) * 1000))
        with self._lock:
            for peer in [each for each in self._peers.values() if each.waiting]:
                self._flush(peer)

    def forget(self, name: str) -> None:
        """Send nothing more to a socket whose owner has died."""
        with self._lock:
            peer = self._peers.get(name)
            if peer is not None:
                self._lose(peer)

    def close(self) -> None:
        """Stop sending."""
        with self._lock:
            for peer in list(self._peers.values()):
                self._lose(peer, is_peer_gone=False)

    def _flush(self, peer: Outgoing) -> None:
        try:
            taken = peer.flush()
        except PeerGone:
            self._lose(peer)
            return
        for parcel in taken:
            self._waiting_bytes -= len(parcel.frame)
            self._outcomes.append(SendOutcome(parcel.intent))
        if peer.connection is None:
            self._retry_at = min(self._retry_at, time.monotonic() + RETRY_S)
            self._poller.nudge()
            return
        wanted = WRITABLE if peer.waiting else 0
        if peer.waited_for != wanted:
            peer.waited_for = wanted
            ready = functools.partial(self._on_ready, peer)
            self._poller.enlist(peer.connection.fileno(), wanted, ready)

    def _on_ready(self, peer: Outgoing) -> None:
        with self._lock:
            if peer.waiting:
                self._flush(peer)
            elif peer.connection is not None:
                self._lose(peer)  # only its breaking was waited for

    def _lose(self, peer: Outgoing, *, is_peer_gone: bool = True) -> None:
        peer.close()
        if self._peers.get(peer.name) is peer:
            del self._peers[peer.name]
        for parcel in peer.waiting:
            self._waiting_bytes -= len(parcel.frame)
            self._outcomes.append(
                SendOutcome(parcel.intent, is_sent=False, is_peer_gone=is_peer_gone)
            )
        peer.waiting.clear()
