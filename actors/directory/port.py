"""The directory's port to the network: HTTP GET, on a thread of its own."""

from __future__ import annotations

import time

import aiohttp
import attrs

from actors.messages.directory import HttpAnswered, HttpFailed, HttpGet
from actors.plain_body import BODY_BYTES_MAX, PLAIN_BODY, is_plain
from actors.proxies import proxy_url
from actors.reaching import unreachable_words
from actors.retry_after import read_retry_after_ms
from actors.runtime.io_thread import IoThread

TIMEOUT_S = 10.0


class HttpPort:
    """Performs HttpGet; reports HttpAnswered and HttpFailed."""

    def __init__(self) -> None:
        self._io = IoThread("http")
        self._asked_ns: dict[str, int] = {}
        """When each open request was made, by its request id; host monotonic time."""

    def fileno(self) -> int:
        """Return a descriptor that is readable while events wait."""
        return self._io.fileno()

    def perform(self, command: object) -> None:
        """Start a request.

        Raises:
            TypeError: the command is not HttpGet.
        """
        if not isinstance(command, HttpGet):
            raise TypeError(f"HTTP cannot perform {command!r}")
        self._asked_ns[command.request_id] = time.monotonic_ns()
        self._io.submit(self._get(command))

    def drain(self) -> list[object]:
        """Return the answers since the last call, each with the time it took until now."""
        return [self._timed(event) for event in self._io.drain()]

    def _timed(self, event: object) -> object:
        if not isinstance(event, HttpAnswered | HttpFailed):
            return event
        now_ns = time.monotonic_ns()
        took_ms = (now_ns - self._asked_ns.pop(event.request_id, now_ns)) // 1_000_000
        return attrs.evolve(event, took_ms=took_ms) if isinstance(event, HttpAnswered) else event

    def close(self) -> None:
        """Cancel open requests and end the thread."""
        self._io.close()

    async def _get(self, request: HttpGet) -> None:
        try:
            event: object = await _answer(request)
        except TimeoutError:
            event = HttpFailed(request.request_id, f"no answer from {request.url} in {TIMEOUT_S} s")
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            kind = type(problem).__name__
            reason = unreachable_words(request.url, problem) or (
                f"cannot read {request.url}: {kind}: {problem}"
            )
            event = HttpFailed(request.request_id, reason)
        self._io.post(event)


async def _answer(request: HttpGet) -> HttpAnswered | HttpFailed:
    # A new session each time: requests are seconds apart, and so no connection stays open.
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        aiohttp.ClientSession(
            timeout=timeout, headers=PLAIN_BODY, auto_decompress=False
        ) as session,
        session.get(request.url, proxy=proxy_url(request.url)) as answer,
    ):
        coding = answer.headers.get("Content-Encoding", "")
        if not is_plain(coding):
            reason = (
                f"the answer of {request.url} is compressed ({coding:.40}), which was not asked for"
            )
            return HttpFailed(request.request_id, reason, was_answered=True)
        body = bytearray()
        async for chunk in answer.content.iter_chunked(65_536):
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                reason = f"the answer of {request.url} is longer than {BODY_BYTES_MAX} bytes"
                return HttpFailed(request.request_id, reason, was_answered=True)
        wait_ms = read_retry_after_ms(answer.headers) or 0
        at_ns = time.monotonic_ns()
        answered = (request.request_id, answer.status, bytes(body), wait_ms)
        return HttpAnswered(*answered, url=request.url, arrived_ns=at_ns)
