"""A server on loopback that runs on a thread of its own while a test needs it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

LIMIT_S = 100.0


class ThreadServer:
    """Serves within a ``with`` block; a subclass opens its socket in ``_serve``."""

    port: int

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(LIMIT_S)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self._serve()

    async def _serve(self) -> None:
        """Open a socket, pass its port to ``_until_stopped``, and close it."""
        raise NotImplementedError

    async def _until_stopped(self, port: int) -> None:
        """Let the test begin, and wait for its end."""
        self.port = port
        self._ready.set()
        await self._stop.wait()


class WebSite(ThreadServer):
    """Answers HTTP requests, each path by its handler."""

    def __init__(self, **handlers: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        super().__init__()
        self._handlers = handlers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self) -> None:
        app = web.Application()
        app.add_routes([web.get(f"/{path}", each) for path, each in self._handlers.items()])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await self._until_stopped(runner.addresses[0][1])
        await runner.cleanup()
