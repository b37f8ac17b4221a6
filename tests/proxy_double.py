"""An HTTP proxy on loopback, which takes everybody to one port of this host."""

from __future__ import annotations

import asyncio
import base64
import contextlib

from thread_server import ThreadServer

SECRET = "sesame-sesame"
_HEAD_END = b"\r\n\r\n"
_PASSWORD = base64.b64encode(f"user:{SECRET}".encode())


class ProxyDouble(ThreadServer):
    """Tunnels (CONNECT) and forwards (a whole address in the request line); it notes for whom."""

    def __init__(self, target_port: int, *, asks_for_password: bool = False) -> None:
        super().__init__()
        self.asked: list[str] = []
        """First lines of all requests that began a connection."""
        self._target_port = target_port
        self._asks_for_password = asks_for_password

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        await self._until_stopped(server.sockets[0].getsockname()[1])
        server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(_HEAD_END)
            line = head.split(b"\r\n")[0].decode()
            self.asked.append(line)
            if self._asks_for_password and _PASSWORD not in head:
                writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            else:
                await self._lead_on(line, head, reader, writer)
        writer.close()

    async def _lead_on(
        self, line: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._target_port)
        if line.startswith("CONNECT"):
            writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
        else:
            forth.write(head)
        ways = [asyncio.create_task(_pass_on(*way)) for way in ((reader, forth), (back, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        forth.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
