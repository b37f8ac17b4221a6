"""A venue on loopback, and a stage that runs a feed's core on its real port, faster than life."""

from __future__ import annotations

import select
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from host_bench import HostBench
from thread_server import LIMIT_S, ThreadServer
from websockets.asyncio.server import ServerConnection, serve

from actors.core import Core, Send
from actors.feeds.port import WebSocketPort
from actors.messages.lifecycle import TimerFired
from understudy.drill.processes import Allowance

_Kind = TypeVar("_Kind")
_Handler = Callable[[ServerConnection], Awaitable[None]]


class LoopbackVenue(ThreadServer):
    """A websocket server on a free loopback port, on a thread of its own."""

    def __init__(self, handler: _Handler) -> None:
        super().__init__()
        self._handler = handler
        self.connection_count = 0
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def _serve(self) -> None:
        async with serve(self._connection, "127.0.0.1", 0, close_timeout=0.2) as server:
            await self._until_stopped(next(iter(server.sockets)).getsockname()[1])

    async def _connection(self, connection: ServerConnection) -> None:
        self.connection_count += 1
        await self._handler(connection)

    async def hear(self, connection: ServerConnection) -> str:
        """Take one text from the client, and remember it."""
        text = str(await connection.recv())
        self.heard.append(text)
        return text


class RealStage:
    """A core in a host, on its real port and on timers; keeps what it sends."""

    def __init__(self, core: Core, speed: int = 1, port: Any = None) -> None:
        """Stage the core; ``speed`` is venue time over real time."""
        self.core: Any = core
        self.port = port or WebSocketPort()
        self._speed = speed
        self.sent: list[Send] = []
        self._began_ns = time.monotonic_ns()
        self._bench = HostBench(core.settings, self._now_ms, self._post)
        self._host = self._bench.add_core(core, make_port=lambda: self.port)

    def __enter__(self) -> RealStage:
        self._host.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._host.end()
        self.port.close()

    def _now_ms(self) -> int:
        return self.now_ms

    @property
    def now_ms(self) -> int:
        return 1_776_331_800_000 + (time.monotonic_ns() - self._began_ns) * self._speed // 1_000_000

    def _post(self, _sender: str, to: str, message: object) -> None:
        self.sent.append(Send(to, message))

    def tell(self, message: object) -> None:
        self._host.hand(message)

    def messages(self, kind: type[_Kind]) -> list[_Kind]:
        return [send.message for send in self.sent if isinstance(send.message, kind)]

    def run_until(self, condition: Callable[[], Any], what: str) -> None:
        """Let time pass and events come until the condition holds."""
        allowance = Allowance(LIMIT_S)
        timers = self._bench.due_ms
        while not condition():
            assert not allowance.is_used_up(), f"never: {what}; sent so far: {self.sent[-5:]}"
            for due in [each for each, due_ms in timers.items() if due_ms <= self.now_ms]:
                if timers.pop(due, None) is not None:  # one due before may have cancelled it
                    self.tell(TimerFired(due[1]))
            if select.select([self.port], [], [], 0.005)[0]:
                for event in self.port.drain():
                    self.tell(event)
