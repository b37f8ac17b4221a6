"""The receiving side of a process: its socket, and the connections made to it.

A stranger gets no further than the greeting: the kernel reports which process has connected, and
the seal proves that it belongs to this run. Until then a connection may send ``GREETING_BYTES``,
within ``GREETING_LIMIT_S``, next to at most ``UNGREETED_MAX`` others.
"""

from __future__ import annotations

import errno
import functools
import math
import os
import time
from collections.abc import Callable

from actors.runtime.sockets.connections import Incoming, KnownSenders
from actors.runtime.sockets.directory import SocketDirectory
from actors.runtime.sockets.frames import RefusedFrame
from actors.runtime.sockets.peer import peer_of
from actors.runtime.sockets.poller import READABLE, Poller
from actors.runtime.sockets.refusals import REFUSALS

GREETING_LIMIT_S = 5.0
"""For a greeting, which its sender writes as soon as it has connected."""
UNGREETED_MAX = 64
"""Connections without a greeting; beyond this number, the oldest is closed."""

_ACCEPTED_AT_ONCE = 64
_LISTEN_AGAIN_S = 0.1
_OUT_OF_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class FrameReceiver:
    """Receives the frames of the run's other processes."""

    def __init__(
        self,
        directory: SocketDirectory,
        key: bytes,
        name: str,
        poller: Poller,
        take: Callable[[str, bytes], None],
    ) -> None:
        self.name = name
        self._key = key
        self._poller = poller
        self._take = take
        """Called with each frame: its sender's name, and the body."""
        self._known = KnownSenders()
        self._connections: set[Incoming] = set()
        self._ungreeted: dict[Incoming, None] = {}
        self._listen_at = math.inf
        self._listener = directory.listen(name)
        poller.enlist(self._listener.fileno(), READABLE, self._accept)

    @property
    def due_at(self) -> float:
        """Monotonic time at which ``keep`` has something to do."""
        first = next(iter(self._ungreeted), None)
        return min(self._listen_at, math.inf if first is None else first.deadline)

    def keep(self, now: float) -> None:
        """Close connections without a timely greeting; listen again after a pause."""
        while self._ungreeted and (first := next(iter(self._ungreeted))).deadline <= now:
            self._refuse(first, f"a connection that said nothing for {GREETING_LIMIT_S:g} s")
        if self._listen_at <= now:
            self._listen_at = math.inf
            self._poller.enlist(self._listener.fileno(), READABLE, self._accept)

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as problem:
                if problem.errno in _OUT_OF_ROOM:
                    self._rest(problem)
                return  # otherwise the peer has disconnected meanwhile
            connection.setblocking(False)
            self._admit(Incoming(connection, peer_of(connection), time.monotonic()))

    def _rest(self, problem: OSError) -> None:
        """Stop accepting until descriptors may have become free."""
        REFUSALS.note(f"a connection to {self.name} for now: {problem.strerror}")
        self._poller.delist(self._listener.fileno())
        self._listen_at = time.monotonic() + _LISTEN_AGAIN_S

    def _admit(self, incoming: Incoming) -> None:
        if incoming.peer.uid != os.geteuid():
            self._refuse(incoming, f"a connection of user {incoming.peer.uid}")
            return
        if len(self._ungreeted) >= UNGREETED_MAX:
            oldest = next(iter(self._ungreeted))
            self._read(oldest)  # its greeting may just have arrived
            if oldest in self._ungreeted:
                self._refuse(oldest, f"one of {UNGREETED_MAX} silent connections")
        incoming.deadline += GREETING_LIMIT_S
        self._connections.add(incoming)
        self._ungreeted[incoming] = None
        ready = functools.partial(self._read, incoming)
        self._poller.enlist(incoming.connection.fileno(), READABLE, ready)
        ready()  # peers of this run have greeted already

    def _read(self, incoming: Incoming) -> None:
        try:
            if not incoming.sender:
                incoming.greet(self._key, self.name, self._known)
                if not incoming.sender:
                    return
                del self._ungreeted[incoming]
            bodies = incoming.read()
        except BlockingIOError:
            return
        except RefusedFrame as refused:
            self._refuse(incoming, str(refused))
            return
        except EOFError:
            if not incoming.sender:
                REFUSALS.note(f"a connection to {self.name} that left without a greeting")
            self._drop(incoming)
            return
        except OSError:
            self._drop(incoming)
            return
        for body in bodies:
            self._take(incoming.sender, body)

    def _refuse(self, incoming: Incoming, what: str) -> None:
        REFUSALS.note(f"{what}, from process {incoming.peer.pid} to {self.name}")
        self._drop(incoming)

    def _drop(self, incoming: Incoming) -> None:
        self._ungreeted.pop(incoming, None)
        self._connections.discard(incoming)
        self._poller.delist(incoming.connection.fileno())
        incoming.close()

    def close(self) -> None:
        """Close the socket and every connection to it."""
        for incoming in list(self._connections):
            self._drop(incoming)
        self._poller.delist(self._listener.fileno())
        self._listener.close()
