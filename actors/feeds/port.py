"""The feeds' hand on the network: one websocket at a time, on a thread of its own."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from itertools import groupby

import attrs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from actors.feeds.connection import (
    Connect,
    Connected,
    Disconnect,
    Disconnected,
    FramesReceived,
    SendText,
)
from actors.proxies import proxy_url
from actors.runtime.io_thread import IoThread

FRAME_BYTES_MAX = 4 * 1024 * 1024
WAITING_FRAMES_MAX = 10_000
OPEN_TIMEOUT_S = 10.0
KEEPALIVE_S = 20.0
_CLOSE_TIMEOUT_S = 1.0


@attrs.frozen
class _Arrival:
    epoch: int
    raw: bytes
    arrived_ns: int


class WebSocketPort:
    """Performs Connect, SendText, Disconnect; reports Connected, Disconnected, FramesReceived.

    Frames are stamped when they arrive and gathered until the next ``drain``. Beside the venue's
    text PING, which the core sends, the protocol's own keep-alive runs.
    """

    def __init__(self) -> None:
        self._io = IoThread("websocket")
        self._session: Future[None] | None = None
        self._socket: ClientConnection | None = None

    def fileno(self) -> int:
        """Descriptor that is readable while events wait."""
        return self._io.fileno()

    def perform(self, command: object) -> None:
        """Start what the core commanded.

        Raises:
            TypeError: the command is not one of this port's.
        """
        match command:
            case Connect():
                self._end_session()
                self._session = self._io.submit(self._converse(command))
            case SendText(text):
                self._io.submit(self._say(text))
            case Disconnect():
                self._end_session()
            case _:
                raise TypeError(f"a websocket cannot perform {command!r}")

    def drain(self) -> list[object]:
        """Take all events since the last call; neighbouring frames come as one event."""
        events: list[object] = []
        for epoch, run in groupby(self._io.drain(), key=_epoch_of_frame):
            if epoch is None:
                events += run
            else:
                frames = tuple((a.raw, a.arrived_ns) for a in run if isinstance(a, _Arrival))
                events.append(FramesReceived(epoch, frames))
        return events

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._end_session()
        self._io.close()

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.cancel()
            self._session = None

    # On the I/O thread

    async def _converse(self, command: Connect) -> None:
        """Hold one connection until it ends or is cancelled, and say how it ended."""
        try:
            reason = await self._receive(command)
        except ConnectionClosed as closed:
            reason = f"{command.url} closed the connection: {closed}"
        except (OSError, TimeoutError, ValueError, WebSocketException) as problem:
            kind = type(problem).__name__
            reason = f"no connection to {command.url}: {kind}: {problem}"
        self._io.post(Disconnected(command.epoch, reason))

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
        self._socket = socket
        self._io.post(Connected(command.epoch))
        try:
            while self._io.waiting_count < WAITING_FRAMES_MAX:
                raw = await socket.recv(decode=False)
                self._io.post(_Arrival(command.epoch, raw, time.monotonic_ns()))
            return f"{WAITING_FRAMES_MAX} events of {command.url} wait unread"
        finally:
            try:
                await socket.close()
            finally:
                socket.transport.abort()  # a farewell may be cut short by the port's close

    async def _say(self, text: str) -> None:
        socket = self._socket
        if socket is not None:
            try:
                await asyncio.wait_for(socket.send(text), OPEN_TIMEOUT_S)
            except (ConnectionClosed, TimeoutError):
                return  # the conversation notices its own end, and reports it


def _epoch_of_frame(event: object) -> int | None:
    return event.epoch if isinstance(event, _Arrival) else None
