from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from actors.model import Side
from understudy.drill import witness as witness_module
from understudy.drill.witness import Witness, ask_exchange

ROWS = {
    "up": {"closed": True, "outcomes": '["Up", "Down"]', "outcomePrices": '["1", "0"]'},
    "down": {"closed": True, "outcomes": '["Up", "Down"]', "outcomePrices": '["0", "1"]'},
    "turned": {"closed": True, "outcomes": '["Down", "Up"]', "outcomePrices": '["0", "1"]'},
    "void": {"closed": True, "outcomes": '["Up", "Down"]', "outcomePrices": '["0.5", "0.5"]'},
    "open": {"closed": False, "outcomes": '["Up", "Down"]', "outcomePrices": '["1", "0"]'},
    "undecided": {"closed": True, "outcomes": '["Up", "Down"]', "outcomePrices": '["0.9", "0.1"]'},
}


class Gamma(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        row = ROWS.get(self.path.removeprefix("/markets/slug/"))
        self.send_response(404 if row is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(row).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def witness() -> Iterator[Witness]:
    with HTTPServer(("127.0.0.1", 0), Gamma) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Witness(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("slug", "outcomes"),
    [
        ("up", {"up": Side.YES}),
        ("down", {"down": Side.NO}),
        ("turned", {"turned": Side.YES}),
        ("void", {"void": None}),
        ("open", {}),
        ("undecided", {}),
        ("forgotten", {}),
    ],
)
def test_only_what_the_exchange_has_decided_is_an_outcome(
    witness: Witness, slug: str, outcomes: dict[str, Side | None]
) -> None:
    witness.ask(slug)
    assert witness.outcomes == outcomes


def test_an_outcome_is_kept_when_the_exchange_forgets_the_window(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness.ask("up")
    monkeypatch.delitem(ROWS, "up")
    witness.ask("up")
    assert witness.outcomes == {"up": Side.YES}


def test_an_exchange_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_module, "_PATIENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ledger"
        with pytest.raises(TimeoutError, match=f"no answer from {url} in 0.1 s"):
            ask_exchange(url)
