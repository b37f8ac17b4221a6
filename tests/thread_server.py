"""A server on loopback that runs on a thread of its own while a test needs it."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

LIMIT_S = 20.0


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
