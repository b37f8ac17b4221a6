"""Work that may hang for long, on threads that nobody waits for.

A name server that does not answer, or a disk that has vanished, blocks for a minute or more, and
cannot be interrupted. asyncio waits for its own threads at the end, and so would the doctor.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def in_a_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """Call on a thread that does not delay the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():
            return  # it was abandoned
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # no error: it is a result

    def work() -> None:
        result: T | None = None
        problem: Exception | None = None
        try:
            result = call()
        except Exception as error:  # raised to whoever awaits it
            problem = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=work, daemon=True).start()
    return future


class LookupLoop(asyncio.SelectorEventLoop):
    """An event loop whose name lookups can be abandoned."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        """Look up a name, like ``socket.getaddrinfo``."""
        return await in_a_thread(functools.partial(socket.getaddrinfo, host, port, **hints))
