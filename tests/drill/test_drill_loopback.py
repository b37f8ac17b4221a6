from __future__ import annotations

import socket

import pytest

from understudy.drill import witness


def test_an_exchange_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "_PATIENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ledger"
        with pytest.raises(TimeoutError, match=f"no answer from {url} in 0.1 s"):
            witness.ask_exchange(url)
