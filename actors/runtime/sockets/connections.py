"""Connections between the processes of a run: what leaves by one, and what one brings.

Each carries frames in one direction. What the kernel does not take of a frame waits, and whatever
follows it to that peer waits behind it; nobody answers a frame (docs/decisions/transport.md).
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable

import attrs

from actors.runtime.sockets.directory import PeerGone, SocketDirectory
from actors.runtime.sockets.frames import (
    GREETING_BYTES,
    FrameReader,
    Greeting,
    RefusedFrame,
    greeting,
    read_greeting,
)
from actors.runtime.sockets.peer import PeerProcess

RETRY_S = 0.02
"""Until a peer is tried again that has too many connections to accept."""
_ATTEMPTS_MAX = 2
_KNOWN_SENDERS_MAX = 4_096

Greet = Callable[[str], bytes]
"""Writes a greeting to a recipient, with the next count."""
LetGo = Callable[[int], None]
"""Is told of a descriptor before it is closed."""


@attrs.define(eq=False)
class Parcel:
    """A frame on its way, and what its sender wants done about it."""

    frame: bytes
    intent: object
    sent_bytes: int = 0
    attempts_count: int = 0


class Outgoing:
    """The way to one peer."""

    def __init__(
        self,
        directory: SocketDirectory,
        name: str,
        pid: int | None,
        greet: Greet,
        let_go: LetGo,
    ) -> None:
        self.name = name
        self.connection: socket.socket | None = None
        self.waiting: deque[Parcel] = deque()
        self.waited_for = -1
        """What the connection is being waited for to do, its owner's own note; -1 for a new one."""
        self._directory = directory
        self._pid = pid
        self._greet = greet
        self._let_go = let_go

    def flush(self) -> list[Parcel]:
        """Send what waits, as much as the kernel takes; return what it has taken whole.

        Raises:
            PeerGone: nobody is there; ``waiting`` holds what was not sent.
        """
        taken = []
        while self.waiting and self._send(self.waiting[0]):
            taken.append(self.waiting.popleft())
        return taken

    def _send(self, parcel: Parcel) -> bool:
        while True:
            try:
                connection = self.connection or self._connect()
                rest = memoryview(parcel.frame)[parcel.sent_bytes :]
                parcel.sent_bytes += connection.send(rest)
            except BlockingIOError:
                return False
            except OSError as problem:
                # The peer has let go of the connection, and perhaps lives: what it has not had
                # whole it is sent again.
                self.close()
                parcel.sent_bytes = 0
                parcel.attempts_count += 1
                if parcel.attempts_count >= _ATTEMPTS_MAX:
                    raise PeerGone(f"{self.name} takes nothing: {problem.strerror}") from None
            else:
                return parcel.sent_bytes == len(parcel.frame)

    def _connect(self) -> socket.socket:
        connection = self._directory.connect(self.name, self._pid)
        try:
            connection.send(self._greet(self.name))  # an empty socket takes so little whole
        except OSError:
            connection.close()
            raise
        self.connection, self.waited_for = connection, -1
        return connection

    def close(self) -> None:
        """Let go of the connection; what waits goes by another one, from its beginning."""
        if self.connection is not None:
            self._let_go(self.connection.fileno())
            self.connection.close()
            self.connection = None


class KnownSenders:
    """The greatest count of each sender, so that no greeting is taken twice."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._forgotten_count = -1
        """Greatest count of those that are no longer kept apart."""

    def meet(self, said: Greeting) -> None:
        """Note a greeting.

        Raises:
            RefusedFrame: it is not newer than what is known of its sender.
        """
        known = self._counts.pop(said.sender, self._forgotten_count)
        self._counts[said.sender] = max(known, said.count)
        if said.count <= known:
            raise RefusedFrame(f"a greeting of {said.sender} that was heard before")
        if len(self._counts) > _KNOWN_SENDERS_MAX:
            oldest = next(iter(self._counts))
            self._forgotten_count = max(self._forgotten_count, self._counts.pop(oldest))


class Incoming:
    """What one connection brings: a greeting, and after it frames."""

    def __init__(self, connection: socket.socket, peer: PeerProcess, deadline: float) -> None:
        self.connection = connection
        self.peer = peer
        self.deadline = deadline
        """Monotonic instant by which it must have greeted."""
        self.sender = ""
        """Name of the peer's socket; empty until it has greeted."""
        self._greeting = b""
        self._frames = FrameReader()

    def greet(self, key: bytes, recipient: str, known: KnownSenders) -> None:
        """Read as much of the greeting as has arrived; ``sender`` tells whether it was all.

        Raises:
            RefusedFrame: it is no greeting of the process that has connected, or a repeated one.
            EOFError: the peer has left.
            BlockingIOError: no more has arrived yet.
            OSError: the connection is broken.
        """
        self._greeting += self._receive(GREETING_BYTES - len(self._greeting))
        if len(self._greeting) < GREETING_BYTES:
            return
        said = read_greeting(key, self._greeting, recipient)
        if said.pid != self.peer.pid:
            raise RefusedFrame(f"a greeting of process {said.pid} from process {self.peer.pid}")
        known.meet(said)
        self.sender = said.sender

    def read(self) -> list[bytes]:
        """Read what has arrived; return the bodies of the frames that are whole.

        Raises:
            RefusedFrame: a frame is too long.
            EOFError: the peer has left.
            BlockingIOError: nothing has arrived.
            OSError: the connection is broken.
        """
        return self._frames.take(self._receive(self._frames.wanted_bytes))

    def _receive(self, most_bytes: int) -> bytes:
        data = self.connection.recv(most_bytes)
        if not data:
            raise EOFError
        return data

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()


def greeter(key: bytes, sender: str, pid: int) -> Greet:
    """Return what greets in a sender's name; one thread at a time may call it."""
    count = 0

    def greet(recipient: str) -> bytes:
        nonlocal count
        count = max(count + 1, time.monotonic_ns())  # grows, also over senders
        return greeting(key, Greeting(sender=sender, pid=pid, count=count), recipient)

    return greet
