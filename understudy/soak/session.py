"""One whole soak: the exchange, the system with its watchers, and the result."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from actors.series import series_named
from actors.settings import Settings
from actors.watcher_settings import AlertSettings, MetricsSettings
from understudy.alerting.targets import URLS_VARIABLE
from understudy.credentials.private_key import variables_restored
from understudy.drill.conduct import Drill
from understudy.drill.session import stage_for
from understudy.drill.stage import LIVE_SETTINGS, SETTINGS, run_options
from understudy.drill.system import DrilledSystem
from understudy.drill.witness import Witness
from understudy.running.watchers_wanted import watchers_refusal
from understudy.soak.conduct import Soak, SoakResult, starts_before_midnight
from understudy.soak.troubles import Troubles

_SERVE_LIMIT_S = 600.0
"""In hours a machine may be busy with something else for minutes."""


def run_soak(
    directory: Path,
    *,
    seconds: float,
    seed: int,
    is_live: bool,
    layout: str,
    series: Sequence[str],
    speed: float,
    interrupted_by: Callable[[], str],
    on_progress: Callable[[float, str], None],
) -> SoakResult:
    """Soak a new system in an empty directory; its journal and log stay there.

    It lasts this many real seconds, unless ``interrupted_by`` names a signal that asks for the end.
    ``on_progress`` is called now and then with the seconds that have passed, and what is going on.

    Raises:
        ExchangeFailed: the local exchange did not start.
    """
    with contextlib.ExitStack() as stack:
        window_ms = max(series_named(name).window_ms for name in series)
        stage, account = stack.enter_context(
            stage_for(
                directory,
                seed,
                series,
                is_live=is_live,
                has_admin=True,
                starts_at_ms=starts_before_midnight(time.time_ns() // 1_000_000, window_ms),
                speed=speed,
            )
        )
        watchers, watching = stack.enter_context(_watchers())
        rules = LIVE_SETTINGS if is_live else SETTINGS
        settings = (*rules, *watching, f"supervision.layout={layout}")
        system = DrilledSystem(directory, run_options(stage, seed, settings, series), series)
        witness = Witness(stage.http_url)
        drill = Drill(system, stage, witness, account, serve_limit_s=_SERVE_LIMIT_S)
        soak = Soak(
            drill,
            system,
            Troubles(drill, system, stage.http_url, watchers),
            seconds=seconds,
            seed=seed,
            is_live=is_live,
            interrupted_by=interrupted_by,
            on_progress=on_progress,
        )
        return soak.conduct(watchers)


@contextlib.contextmanager
def _watchers() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The watchers that are installed, and the settings that enable them."""
    names, settings = ["web"], ["web.enabled=true", f"web.port={_free_port()}"]
    with _taker() as url:
        environment = {**os.environ, URLS_VARIABLE: url}
        if watchers_refusal(Settings(metrics=MetricsSettings(enabled=True)), environment) is None:
            names.append("metrics")
            settings += ["metrics.enabled=true", f"metrics.port={_free_port()}"]
        if watchers_refusal(Settings(alerts=AlertSettings(enabled=True)), environment) is None:
            names.append("alerts")
            settings += ["alerts.enabled=true"]
        with variables_restored(URLS_VARIABLE):
            os.environ[URLS_VARIABLE] = url
            yield tuple(names), tuple(settings)


@contextlib.contextmanager
def _taker() -> Iterator[str]:
    """Receive alerts on loopback, and discard them; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the name is the library's
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
