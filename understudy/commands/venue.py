"""``understudy venue``: the local exchange by itself, with simulated markets or recorded ones."""

from __future__ import annotations

from typing import Any

import click

from understudy.commands.starting import recorded_world
from venue.cli import venue as simulated_venue

RECORDING = click.Option(
    ["--recording", "recordings"],
    multiple=True,
    metavar="FILE",
    help="Serve this recorded window in place of simulated ones; may be repeated.",
)


def _serve(*, recordings: tuple[str, ...], missing_share: float, **options: Any) -> None:
    if recordings and options["start_ms"] is not None:
        raise click.UsageError("--start and --recording exclude each other: windows bring theirs")
    world = recorded_world(recordings, missing_share) if recordings else None
    run = simulated_venue.callback
    if run is None:
        raise AssertionError("the exchange's command does nothing")
    run(missing_share=missing_share, world=world, **options)


venue = click.Command(
    "venue",
    params=[*simulated_venue.params, RECORDING],
    callback=_serve,
    help=simulated_venue.help,
    epilog=simulated_venue.epilog,
)
