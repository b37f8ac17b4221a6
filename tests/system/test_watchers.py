"""Watchers beside a run: they see it, and whatever becomes of them it trades on."""

from __future__ import annotations

import http.client
import http.server
import json
import signal
import socket
import threading
from typing import Any

import pytest
from onlookers import understudy
from unused_port import unused_port

from understudy.alerting.store import load_kept
from understudy.drill import processes
from understudy.processes.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def health(port: int) -> dict[str, Any] | None:
    """What a probe is told; None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        answered: dict[str, Any] = json.loads(connection.getresponse().read())
    except OSError:
        return None
    finally:
        connection.close()
    return answered


def test_a_watcher_is_killed_and_hangs_and_trading_goes_on(new_system) -> None:
    port = unused_port()
    onlooker = new_system("metrics.enabled=true", f"metrics.port={port}")
    onlooker.until_whole()
    onlooker.until("the watcher sees it serve", lambda: (health(port) or {}).get("reasons") == [])

    first = onlooker.until("there is a watcher", lambda: onlooker.companion_pid("metrics"))
    processes.send(signal.SIGKILL, [first])
    onlooker.until(
        "it is made again", lambda: onlooker.companion_pid("metrics") not in (None, first)
    )
    onlooker.until("it answers again", lambda: health(port))

    hung = onlooker.until("there is a watcher", lambda: onlooker.companion_pid("metrics"))
    processes.send(signal.SIGSTOP, [hung])
    before = onlooker.orders()
    onlooker.until("more orders are made", lambda: set(onlooker.orders()) - set(before))
    assert onlooker.system.look() is not None

    onlooker.system.tell(signal.SIGTERM)
    assert onlooker.system.wait_for_end(60) == ExitCode.OK
    assert onlooker.system.outliving() == frozenset()


def test_alerts_beside_a_run_tell_of_its_halt_and_its_end_and_leave_nothing(
    new_system, monkeypatch
) -> None:
    told: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("UNDERSTUDY_ALERTS", f"json://127.0.0.1:{server.server_address[1]}/")
        onlooker = new_system("alerts.enabled=true")
        onlooker.until_whole()
        understudy("halt", "--reason", "a test", "--data-dir", str(onlooker.system.data_dir))
        onlooker.until(
            "the halt is told", lambda: any("a test" in each["message"] for each in told)
        )
        onlooker.system.tell(signal.SIGTERM)
        assert onlooker.system.wait_for_end(60) == ExitCode.OK
        server.shutdown()
    kept = load_kept(onlooker.system.data_dir)
    waiting = [each.text for queue in kept.queues.values() for each in queue.waiting]
    # On a busy machine the last word may have to wait for the next watcher.
    assert "the newest run has ended: SIGTERM" in "\n".join(
        [*waiting, *(each["message"] for each in told)]
    )
    assert onlooker.system.outliving() == frozenset()


def test_a_service_manager_hears_that_it_is_ready_lives_and_ends(
    new_system, tmp_path, monkeypatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        onlooker = new_system()
        heard: list[str] = []

        def hear(word: str) -> None:
            while word not in heard:
                heard.extend(manager.recv(4_096).decode().splitlines())

        hear("READY=1")
        heard.clear()
        hear("WATCHDOG=1")
        onlooker.system.tell(signal.SIGTERM)
        hear("STOPPING=1")
        assert {"STATUS=ending: SIGTERM", "EXTEND_TIMEOUT_USEC=90000000"} <= set(heard)
        assert onlooker.system.wait_for_end(60) == ExitCode.OK
