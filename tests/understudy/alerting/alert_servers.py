"""Servers on loopback that alerts are delivered to: well, slow, refusing, down and back again."""

from __future__ import annotations

import http.server
import json
import threading
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from unused_port import unused_port

from understudy.drill.processes import wait_for

LIMIT_S = 60.0


class Webhook:
    """An HTTP server that keeps what it is told; it can be slow, refuse, or close and reopen."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.pings: list[str] = []
        self.status = 200
        self.hangs = threading.Event()
        self._released = threading.Event()
        self._server: http.server.ThreadingHTTPServer | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(lambda: hook.posts.append(body))

            def do_GET(self) -> None:
                self._answer(lambda: hook.pings.append(self.path))

            def _answer(self, keep: Any) -> None:
                if hook.hangs.is_set():
                    # A byte now and then: no time limit of a socket ever strikes.
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while not hook._released.wait(0.1):
                        try:
                            self.wfile.write(b"x")
                        except OSError:
                            return
                    return
                if hook.status == 200:
                    keep()
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/s3cr3t"

    @property
    def deadman_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/s3cr3t"


class _Box:
    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(  # noqa: N802 # the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 taken"


class Mailbox:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self._box = _Box()
        self._controller: Controller | None = None
        self.port = unused_port()
        self.open()

    def open(self) -> None:
        self._controller = Controller(self._box, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def mails(self) -> list[Message]:
        return self._box.mails

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=understudy@example.com&to=me@example.com"


def until(condition: Any) -> None:
    assert wait_for(condition, LIMIT_S), "in vain"
