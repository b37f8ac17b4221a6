"""The feeds' port to the network: named websockets, on a thread of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from itertools import groupby

import attrs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from actors.feeds.connection import (
    Connect,
    Connected,
    Disconnect,
    Disconnected,
    FramesReceived,
    SendText,
)
from actors.feeds.polybolt import (
    ApiCredentials,
    Authenticate,
    CredentialsFound,
    CredentialsMissing,
    CredentialsNotYet,
    CredentialsUnavailable,
    FoundCredentials,
    LookForCredentials,
    auth_text,
)
from actors.proxies import proxy_url
from actors.reaching import unreachable_words
from actors.redaction import Redactor
from actors.retry_after import read_retry_after_ms
from actors.runtime.io_thread import IoThread

FRAME_BYTES_MAX = 4 * 1024 * 1024
WAITING_FRAMES_MAX = 10_000
WAITING_BYTES_MAX = 32 * 1024 * 1024
"""Eight frames of the maximum length; with an honest venue not a thousandth of it ever waits."""
OPEN_TIMEOUT_S = 10.0
KEEPALIVE_S = 20.0
_CLOSE_TIMEOUT_S = 1.0


@attrs.frozen
class _Arrival:
    name: str
    epoch: int
    raw: bytes
    arrived_ns: int


class WebSocketPort:
    """Performs Connect, SendText, Disconnect; reports Connected, Disconnected, FramesReceived.

    Most actors hold one connection, whose name is empty; a second name is a second connection.
    Frames are timestamped on arrival and gathered until the next ``drain``. The protocol's own
    keep-alive runs in addition to the venue's text PING, which the core sends.
    """

    def __init__(self) -> None:
        self._io = IoThread("websocket")
        self._sessions: dict[str, Future[None]] = {}
        self._sockets: dict[str, ClientConnection] = {}
        # Each is written by one thread only.
        self._arrived_bytes = 0
        self._taken_bytes = 0

    def fileno(self) -> int:
        """Return a descriptor that is readable while events wait."""
        return self._io.fileno()

    def perform(self, command: object) -> None:
        """Start a command.

        Raises:
            TypeError: the command does not belong to this port.
        """
        match command:
            case Connect():
                self._end_session(command.name)
                self._sessions[command.name] = self._io.submit(self._converse(command))
            case SendText(text, name):
                self._io.submit(self._say(text, name))
            case Disconnect(name):
                self._end_session(name)
            case _:
                raise TypeError(f"a websocket cannot perform {command!r}")

    def drain(self) -> list[object]:
        """Return all events since the last call; adjacent frames are one event."""
        events: list[object] = []
        for connection, run in groupby(self._io.drain(), key=_connection_of_frame):
            if connection is None:
                events += run
            else:
                name, epoch = connection
                frames = tuple((a.raw, a.arrived_ns) for a in run if isinstance(a, _Arrival))
                self._taken_bytes += sum(len(raw) for raw, _ in frames)
                events.append(FramesReceived(epoch, frames, name))
        return events

    def close(self) -> None:
        """Close all connections and end the thread."""
        for name in tuple(self._sessions):
            self._end_session(name)
        self._io.close()

    def _end_session(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        if session is not None:
            session.cancel()

    # On the I/O thread

    async def _converse(self, command: Connect) -> None:
        """Run one connection until it ends or is cancelled, and report how it ended."""
        code: int | None = None
        retry_after_ms: int | None = None
        try:
            reason = await self._receive(command)
        except ConnectionClosed as closed:
            code = None if closed.rcvd is None else closed.rcvd.code
            reason = f"{command.url} closed the connection: {closed}"
        except (OSError, TimeoutError, ValueError, WebSocketException) as problem:
            kind = type(problem).__name__
            reason = unreachable_words(command.url, problem) or (
                f"no connection to {command.url}: {kind}: {problem}"
            )
            if isinstance(problem, InvalidStatus):
                code = problem.response.status_code
                retry_after_ms = read_retry_after_ms(problem.response.headers)
        reason = self._clean(reason)
        self._io.post(Disconnected(command.epoch, reason, command.name, code, retry_after_ms))

    def _clean(self, text: str) -> str:
        """Return a server's text as it may be reported; the server may echo what it was sent."""
        return text

    async def _receive(self, command: Connect) -> str:
        socket = await connect(
            command.url,
            compression=None,
            max_size=FRAME_BYTES_MAX,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=KEEPALIVE_S,
            ping_timeout=KEEPALIVE_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            proxy=proxy_url(command.url),
        )
        self._sockets[command.name] = socket
        self._io.post(Connected(command.epoch, command.name))
        try:
            while self._io.waiting_count < WAITING_FRAMES_MAX:
                raw = await socket.recv(decode=False)
                self._arrived_bytes += len(raw)
                if self._arrived_bytes - self._taken_bytes > WAITING_BYTES_MAX:
                    self._arrived_bytes -= len(raw)
                    return f"over {WAITING_BYTES_MAX} bytes of {command.url} wait unread"
                arrived_ns = time.monotonic_ns()
                self._io.post(_Arrival(command.name, command.epoch, raw, arrived_ns))
            return f"{WAITING_FRAMES_MAX} events of {command.url} wait unread"
        finally:
            if self._sockets.get(command.name) is socket:
                del self._sockets[command.name]
            try:
                await socket.close()
            finally:
                socket.transport.abort()  # the port's close may cut the closing handshake short

    async def _say(self, text: str, name: str) -> None:
        socket = self._sockets.get(name)
        if socket is not None:
            try:
                await asyncio.wait_for(socket.send(text), OPEN_TIMEOUT_S)
            except (ConnectionClosed, TimeoutError):
                return  # the conversation notices its own end, and reports it


class PricePort(WebSocketPort):
    """The price feed's port, which also sends API credentials.

    They are read again for each use and not passed to the core. The port remembers them only to
    remove them from the server's texts.
    """

    def __init__(self, find: Callable[[], FoundCredentials]) -> None:
        """Make the port; ``find`` reads the credentials or raises CredentialsUnavailable."""
        super().__init__()
        self._find = find
        self._redactor = Redactor()

    def perform(self, command: object) -> None:
        """Start a command.

        Raises:
            TypeError: the command does not belong to this port.
        """
        match command:
            case LookForCredentials():
                self._look()
            case Authenticate(name):
                credentials = self._look()
                if credentials is not None:
                    self._io.submit(self._say(auth_text(credentials), name))
            case _:
                super().perform(command)

    def _look(self) -> ApiCredentials | None:
        try:
            found = self._find()
        except CredentialsUnavailable as missing:
            are_coming = isinstance(missing, CredentialsNotYet)
            self._io.submit(self._tell(CredentialsMissing(str(missing), are_coming)))
            return None
        self._redactor.add(*attrs.astuple(found.credentials))
        event = CredentialsFound(found.credentials.fingerprint, found.place)
        self._io.submit(self._tell(event))
        return found.credentials

    def _clean(self, text: str) -> str:
        return self._redactor.clean(text)

    async def _tell(self, event: object) -> None:
        self._io.post(event)


def _connection_of_frame(event: object) -> tuple[str, int] | None:
    return (event.name, event.epoch) if isinstance(event, _Arrival) else None
