"""A bare HTTP server that notes when an order has arrived, and refuses it.

It stands in front of a local exchange and passes everything else on to it: clients get credentials,
markets and an account from there.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from types import TracebackType

import aiohttp

REFUSAL = "it was only measured"
_OF_OLDER_CLIENTS = {
    "/tick-size": {"minimum_tick_size": "0.01"},
    "/neg-risk": {"neg_risk": False},
    "/fee-rate": {"base_fee": 0},
}
"""Paths that the local exchange does not serve, and py-clob-client requests once per token."""
_LEFT_OUT = frozenset({"host", "content-length", "connection", "accept-encoding"})


class WireTap:
    """Runs the server on a thread of its own, within a ``with`` block."""

    def __init__(self, exchange_url: str) -> None:
        self._exchange_url = exchange_url
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.url = ""
        self.arrived_ns = 0
        """When the last byte of the last order was read from the socket; host monotonic."""
        self.orders_count = 0

    def __enter__(self) -> WireTap:
        self._thread.start()
        if not self._ready.wait(10.0):
            raise RuntimeError("the tap did not start")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            await self._stop.wait()
            server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other until the connection ends."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (x.partition(": ") for x in lines)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                arrived_ns = time.monotonic_ns()
                method, path, _ = first.split(" ")
                if (method, path) == ("POST", "/order"):
                    self.arrived_ns = arrived_ns
                    self.orders_count += 1
                status, answer = await self._answer(method, path, headers, body)
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(answer)}\r\n\r\n".encode()
                    + answer
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        if (method, path) == ("POST", "/order"):
            return 400, json.dumps({"error": REFUSAL}).encode()
        canned = _OF_OLDER_CLIENTS.get(path.partition("?")[0])
        if canned is not None:
            return 200, json.dumps(canned).encode()
        passed_on = {name: value for name, value in headers.items() if name not in _LEFT_OUT}
        async with self._session.request(
            method, self._exchange_url + path, headers=passed_on, data=body
        ) as response:
            return response.status, await response.read()
