"""``understudy metrics``: numbers for Prometheus, about a system that runs or does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from actors.watcher_settings import MetricsSettings
from understudy.commands import shared
from understudy.display.terminal import echo_shown
from understudy.processes.end_signals import until_told
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command

PORT = MetricsSettings().port


@command(
    examples={
        "understudy metrics": f"serve http://127.0.0.1:{PORT}/metrics and /health until Ctrl-C",
        "understudy metrics --port 0": "on a free port, shown in the first line",
        "understudy metrics --once": "print them and end",
        "understudy run --set metrics.enabled=true": "beside a run, and ended with it",
    },
)
@shared.whole_number_option(
    "--port", most=65_535, default=PORT, help_text="Port on 127.0.0.1; 0 takes a free one."
)
@click.option("--once", is_flag=True, help="Print the metrics and end, for the textfile collector.")
@shared.data_dir_option
def metrics(port: int, once: bool, data_dir: Path) -> None:
    """Serve a system's metrics to Prometheus, and its health to probes, on loopback.

    A process of its own that only reads: if it is slow, hangs or crashes, trading is not affected.
    It also serves when the system is down, and says so. /health answers 200 while the system is
    serving or degraded, 503 when it is down. All metrics: docs/metrics.md.

    Exit codes: 0 ended by a signal, 1 the port is taken, 2 bad input.
    """
    directory = shared.existing_directory(data_dir)
    with shared.needs_extra("metrics", "prometheus_client"):
        from understudy.metrics.server import serve
    if once:
        _print_once(directory)
        return
    try:
        asyncio.run(until_told(serve(directory, port)))
    except OSError as error:
        shared.fail(f"port {port} of 127.0.0.1 cannot be served: {error.strerror}")


def _print_once(directory: Path) -> None:
    from prometheus_client.exposition import generate_latest

    from understudy.metrics.collector import ObservationCollector
    from understudy.watching.observation import Lookout

    # This needs only that the registry can be collected.
    collector: Any = ObservationCollector(Lookout(directory).look)
    click.echo(generate_latest(collector).decode(), nl=False)


@command(
    examples={
        "understudy health": "the state and the reasons",
        "understudy health --json": "for programs",
        "understudy health || echo down": "for a container's health check: exit code 1 when down",
    },
)
@shared.data_dir_option
@shared.json_option
def health(data_dir: Path, is_json: bool) -> None:
    """Say whether a system is serving, degraded or down, with the reasons.

    A degraded system runs, but something prevents trading or soon may: a halt, a feed that is down,
    a disk that fills.

    Exit codes: 0 serving or degraded, 1 down, 2 bad input.
    """
    from understudy.watching.health import HealthState, health_of
    from understudy.watching.observation import Lookout

    found = health_of(Lookout(shared.existing_directory(data_dir)).look())
    if is_json:
        shared.print_json({"state": found.state.value, "reasons": found.reasons})
    else:
        echo_shown(found.state.value)
        for reason in found.reasons:
            echo_shown(f"  {reason}")
    if found.state is HealthState.DOWN:
        raise click.exceptions.Exit(ExitCode.FAILED)
