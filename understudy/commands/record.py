"""``understudy record``: recordings of markets, without trading."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import click

from actors.feeds.polybolt import CredentialsUnavailable
from actors.settings import Settings
from research.recordings.places import is_remote
from understudy.commands import shared
from understudy.commands.starting import account_of, data_directory, refuse, run_system
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_RECORDINGS,
    DEMO_SEED,
    DEMO_SPEED,
    RunOptions,
)
from understudy.teaching import command

RECORD_DATA_DIR = DEFAULT_DATA_DIR / "record"


@command(
    examples={
        "understudy record": "the configured series, until Ctrl-C",
        "understudy record --series btc-5m,eth-15m": "two of them at once",
        "understudy record --dir /mnt/windows --windows 12": "an hour of five-minute windows",
        "understudy record --demo --windows 2 --dir ./there": "two windows of a local exchange",
    },
)
@shared.series_option
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    default=str(DEFAULT_RECORDINGS),
    show_default=True,
    help="Where recordings go: a directory, or an address such as s3://bucket/folder.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Stop after N windows; 0: never.  [default: 0]",
)
@click.option("--demo", "is_demo", is_flag=True, help="Start a local exchange, and record it.")
@click.option(
    "--speed",
    type=click.FloatRange(min=1, max=100),
    metavar="X",
    help=f"Demo only: X times real time.  [default: {DEMO_SPEED:g}]",
)
@shared.whole_number_option("--seed", help_text="Demo only: for its prices.")
@shared.config_option
@shared.assignment_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=RECORD_DATA_DIR,
    help=f"Log, journal of windows and control socket.  [default: {RECORD_DATA_DIR}]",
)
def record(
    series: tuple[str, ...],
    folder: str,
    windows: int,
    is_demo: bool,
    speed: float | None,
    seed: int | None,
    config_path: Path | None,
    assignments: tuple[str, ...],
    data_dir: Path,
) -> None:
    """Record every frame of a series' windows, one file per window, without trading.

    During a run that trades, recording.enabled does the same. If restarted, it continues the
    current window. `understudy recordings DIR` lists the recordings.

    Exit codes: 0 ok, 1 failed, 2 bad input, 3 another run uses the data directory, 4 gave up after
    too many restarts, 5 the journal cannot be used.
    """
    if not is_demo and (speed is not None or seed is not None):
        raise click.UsageError("--speed and --seed are for --demo")
    settings = recording_settings(
        shared.load_config(config_path, assignments, series).settings, folder
    )
    speed = speed or (DEMO_SPEED if is_demo else 1.0)
    refuse(settings, speed, is_local=is_demo, is_understood=False)
    try:
        with account_of(settings, is_demo=is_demo, is_local=is_demo) as account:
            options = RunOptions(
                is_demo=is_demo,
                settings=settings,
                windows=windows,
                speed=speed,
                seed=DEMO_SEED if seed is None else seed,
                data_dir=data_directory(data_dir, is_temporary=False),
                is_json=False,
                is_terminal=sys.stdout.isatty(),
                account=account,
            )
            code = run_system(options, is_temporary=False)
            echo_shown(f"recordings: understudy recordings {settings.recording.dir}", err=True)
            sys.exit(code)
    except CredentialsUnavailable as refused:
        shared.fail(str(refused), ExitCode.BAD_INPUT)


def recording_settings(settings: Settings, folder: str) -> Settings:
    """Change settings so that a run records and does not trade."""
    place = folder if is_remote(folder) else str(Path(folder).expanduser().absolute())
    return attrs.evolve(
        settings,
        execution=attrs.evolve(settings.execution, mode="simulated"),
        supervision=attrs.evolve(settings.supervision, layout="grouped"),
        recording=attrs.evolve(settings.recording, enabled=True, dir=place),
        is_trading=False,
    )
