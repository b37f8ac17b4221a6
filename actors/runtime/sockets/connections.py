"""Connections between the processes of a run, outgoing and incoming.

Each carries frames in one direction. What the kernel does not accept of a frame waits, together
with later frames to that peer; frames are not answered (docs/decisions/transport.md).
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
"""Delay before a peer with too many unaccepted connections is tried again."""
_ATTEMPTS_MAX = 2
_KNOWN_SENDERS_MAX = 4_096

Greet = Callable[[str], bytes]
"""Returns a greeting for a recipient, with the next count."""
LetGo = Callable[[int], None]
"""Called with a descriptor before it is closed."""


@attrs.define(eq=False)
class Parcel:
    """A frame in transit, with its sender's intent."""

    frame: bytes
    intent: object
    sent_bytes: int = 0
    attempts_count: int = 0


class Outgoing:
    """The connection to one peer."""

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
        """The owner's note of the events it waits for; -1 for a new connection."""
        self._directory = directory
        self._pid = pid
        self._greet = greet
        self._let_go = let_go

    def flush(self) -> list[Parcel]:
        """Send as much of the waiting data as the kernel accepts; return the completed frames.

        Raises:
            PeerGone: no one listens; ``waiting`` holds what was not sent.
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
                # The peer has closed the connection but may be alive: incomplete frames are sent
                # again.
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
            connection.send(self._greet(self.name))  # an empty socket accepts this much at once
        except OSError:
            connection.close()
            raise
        self.connection, self.waited_for = connection, -1
        return connection

    def close(self) -> None:
        """Close the connection; waiting frames are sent again in full by another one."""
        if self.connection is not None:
            self._let_go(self.connection.fileno())
            self.connection.close()
            self.connection = None


class KnownSenders:
    """The greatest count of each sender, so that no greeting is accepted twice."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._forgotten_count = -1
        """Greatest count of the senders that are no longer stored."""

    def meet(self, said: Greeting) -> None:
        """Note a greeting.

        Raises:
            RefusedFrame: its count is not greater than the known one of its sender.
        """
        known = self._counts.pop(said.sender, self._forgotten_count)
        self._counts[said.sender] = max(known, said.count)
        if said.count <= known:
            raise RefusedFrame(f"a repeated greeting of {said.sender}")
        if len(self._counts) > _KNOWN_SENDERS_MAX:
            oldest = next(iter(self._counts))
            self._forgotten_count = max(self._forgotten_count, self._counts.pop(oldest))


class Incoming:
    """An incoming connection: a greeting, then frames."""

    def __init__(self, connection: socket.socket, peer: PeerProcess, deadline: float) -> None:
        self.connection = connection
        self.peer = peer
        self.deadline = deadline
        """Monotonic time by which its greeting must be complete."""
        self.sender = ""
        """Name of the peer's socket; empty until it has greeted."""
        self._greeting = b""
        self._frames = FrameReader()

    def greet(self, key: bytes, recipient: str, known: KnownSenders) -> None:
        """Read as much of the greeting as has arrived; ``sender`` is set once it is complete.

        Raises:
            RefusedFrame: it is not a greeting of the connected process, or it is a repeated one.
            EOFError: the peer has closed the connection.
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
        """Read what has arrived; return the bodies of completed frames.

        Raises:
            RefusedFrame: a frame is too long.
            EOFError: the peer has closed the connection.
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
        """Close the connection."""
        self.connection.close()


def greeter(key: bytes, sender: str, pid: int) -> Greet:
    """Return a function that makes a sender's greetings; not thread-safe."""
    count = 0

    def greet(recipient: str) -> bytes:
        nonlocal count
        count = max(count + 1, time.monotonic_ns())  # increases, also from one sender to the next
        return greeting(key, Greeting(sender=sender, pid=pid, count=count), recipient)

    return greet
