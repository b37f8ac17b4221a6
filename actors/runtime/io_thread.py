"""A daemon thread with an asyncio loop, and a descriptor that shows when events wait.

An actor must not block, nor do work between messages, so everything that waits for the network runs
here. Only this thread uses the loop; only the actor's thread calls ``drain``. A process with such a
thread must not fork, so actors that own one have no children.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

_WAKE_READ_BYTES = 64
_CLOSE_LIMIT_S = 3.0


class IoThread:
    """Runs coroutines, and passes what they ``post`` to the thread that calls ``drain``."""

    def __init__(self, name: str) -> None:
        self._events: deque[object] = deque()
        self._failures: deque[BaseException] = deque()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._is_signalled = False
        self._is_closed = False
        self._stop = asyncio.Event()
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live()), name=name, daemon=True
        )
        self._thread.start()
        self._loop = self._started.result()

    def fileno(self) -> int:
        """Return a descriptor that is readable while events wait."""
        return self._wake_reader.fileno()

    @property
    def waiting_count(self) -> int:
        """Number of events posted and not yet drained."""
        return len(self._events)

    def submit(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run a coroutine on the thread; ``drain`` raises the exception with which it fails."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(self._note_failure)
        return future

    def post(self, event: object) -> None:
        """Queue an event for the actor; call it on the loop's thread only.

        A burst costs one wake-up: the byte is written only when none is pending.
        """
        self._events.append(event)
        self._wake()

    def drain(self) -> list[object]:
        """Return all events posted so far, oldest first; never blocks.

        Raises:
            BaseException: whatever a submitted coroutine failed with, which is a bug in it.
        """
        with contextlib.suppress(BlockingIOError):  # nothing may have arrived since the last drain
            self._wake_reader.recv(_WAKE_READ_BYTES)
        # Cleared before the events are taken: a later event writes a byte of its own.
        self._is_signalled = False
        if self._failures:
            raise self._failures.popleft()
        return [self._events.popleft() for _ in range(len(self._events))]

    def close(self) -> None:
        """Cancel all coroutines, end the thread and close the descriptor."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_CLOSE_LIMIT_S)
        self._wake_reader.close()
        self._wake_writer.close()

    async def _live(self) -> None:
        self._started.set_result(asyncio.get_running_loop())
        await self._stop.wait()

    def _note_failure(self, future: Future[None]) -> None:
        if future.cancelled():
            return
        failure = future.exception()
        if failure is not None:
            self._failures.append(failure)
            self._wake()

    def _wake(self) -> None:
        if not self._is_signalled and not self._is_closed:
            self._is_signalled = True
            self._wake_writer.send(b"\0")
