"""The HTTP server of metrics and health, on loopback only.

It observes the system on request, at most once in half a second for all requests.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from aiohttp import web
from prometheus_client.exposition import choose_encoder

from understudy.metrics.collector import ObservationCollector
from understudy.watching.health import HealthState, health_of
from understudy.watching.observation import Lookout, Observation
from venue.client_faults import leave_out_client_faults

LOOPBACK = "127.0.0.1"
_LOOK_EVERY_S = 0.5
_INDEX = "understudy: /metrics for Prometheus, /health for probes\n"


class MetricsServer:
    """Answers /metrics and /health about one data directory."""

    def __init__(self, look: Callable[[], Observation]) -> None:
        self._look = look
        self._lock = asyncio.Lock()
        self._seen: Observation | None = None
        self._seen_at_s = 0.0

    def application(self) -> web.Application:
        """Build the application."""
        leave_out_client_faults()
        application = web.Application(client_max_size=4_096)
        application.router.add_get("/", self._on_index)
        application.router.add_get("/metrics", self._on_metrics)
        application.router.add_get("/health", self._on_health)
        return application

    async def _see(self) -> Observation:
        async with self._lock:
            if self._seen is None or time.monotonic() - self._seen_at_s > _LOOK_EVERY_S:
                self._seen = await asyncio.to_thread(self._look)
                self._seen_at_s = time.monotonic()
            return self._seen

    async def _on_index(self, _request: web.Request) -> web.Response:
        return web.Response(text=_INDEX)

    async def _on_metrics(self, request: web.Request) -> web.Response:
        seen = await self._see()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # The encoder needs only that the registry can be collected.
        collector: Any = ObservationCollector(lambda: seen)
        return web.Response(body=encode(collector), headers={"Content-Type": content_type})

    async def _on_health(self, _request: web.Request) -> web.Response:
        health = health_of(await self._see())
        body = json.dumps({"state": health.state.value, "reasons": health.reasons}, indent=2)
        status = 503 if health.state is HealthState.DOWN else 200
        return web.Response(text=body + "\n", status=status, content_type="application/json")


async def serve(data_dir: Path, port: int) -> None:
    """Serve until the task is cancelled; print the address as one JSON line.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(MetricsServer(Lookout(data_dir).look).application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, port)
        await site.start()
        bound = runner.addresses[0][1]
        click.echo(json.dumps({"http": f"http://{LOOPBACK}:{bound}"}))
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
