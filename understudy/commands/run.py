"""``understudy run``: the system, from its start to its summary."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import click

from actors.clock import ClockSpec
from understudy.commands.shared import assignment_option, config_option, fail, load_config
from understudy.exit_codes import ExitCode
from understudy.options import (
    DEFAULT_DATA_DIR,
    DEMO_SEED,
    DEMO_SPEED,
    DEMO_WINDOWS,
    DrillStage,
    RunOptions,
)
from understudy.teaching import TaughtCommand

_NO_REAL_MONEY_YET = (
    'execution.mode = "live": this version runs with simulated orders only; its real executor is '
    "tested by itself but not yet part of a run"
)


@click.command(
    cls=TaughtCommand,
    examples={
        "understudy run --demo": "two windows at 20 times real time",
        "understudy run --demo --windows 1 --json": "one window, the summary for a program",
        "understudy run --demo --data-dir ./demo": "keep the journal to look into",
        "understudy run --set series.asset=eth": "the real venue's ETH windows",
        "understudy run --config my.toml --windows 4": "an hour, with settings of one's own",
    },
)
@click.option("--demo", "is_demo", is_flag=True, help="Start a local exchange and trade there.")
@config_option
@assignment_option
@click.option(
    "--windows",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Stop after N settled windows; 0: not by itself.  [default: {DEMO_WINDOWS} in a demo, "
    "otherwise 0]",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=1, max=100),
    metavar="X",
    help=f"Demo only: X times real time.  [default: {DEMO_SPEED:g}]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"For prices and dice.  [default: {DEMO_SEED} in a demo, otherwise drawn]",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Journal, log and control socket.  [default: {DEFAULT_DATA_DIR}, or for a demo a "
    "temporary one, removed at the end]",
)
@click.option("--json", "is_json", is_flag=True, help="Print the summary as JSON, nothing else.")
@click.option(
    "--drill-stage",
    type=(str, str, click.Path(path_type=Path), int, int, float),
    metavar="HTTP WS PAUSE-POINTS ORIGIN-NS ORIGIN-MS SPEED",
    hidden=True,
    help="For drills only: an exchange and a clock that outlive this process, and a directory in "
    "which pause points are armed (docs/drills.md).",
)
def run(
    is_demo: bool,
    config_path: Path | None,
    assignments: tuple[str, ...],
    windows: int | None,
    speed: float | None,
    seed: int | None,
    data_dir: Path | None,
    is_json: bool,
    drill_stage: tuple[str, str, Path, int, int, float] | None,
) -> None:
    """Trade until told to stop: real books and paper money, or the demo.

    Started again on the same data directory it carries on where it was, whatever ended it:
    recovery and first start are the same.

    Exit codes: 0 ok, 1 failed, 2 bad input, 3 the data directory is another run's,
    4 gave up after too many restarts, 5 the journal cannot be used.
    """
    if speed is not None and not is_demo:
        raise click.UsageError("--speed is for --demo: the real venue keeps real time")
    settings = load_config(config_path, assignments).settings
    if settings.execution.mode == "live":
        fail(_NO_REAL_MONEY_YET, ExitCode.BAD_INPUT)
    is_temporary = is_demo and data_dir is None
    directory = _data_directory(data_dir, is_temporary)
    options = RunOptions(
        is_demo=is_demo,
        settings=settings,
        windows=windows if windows is not None else (DEMO_WINDOWS if is_demo else 0),
        speed=speed if speed is not None else (DEMO_SPEED if is_demo else 1.0),
        seed=seed if seed is not None else (DEMO_SEED if is_demo else secrets.randbits(32)),
        data_dir=directory,
        is_json=is_json,
        is_terminal=sys.stdout.isatty() and not is_json,
        drill_stage=None if drill_stage is None else _stage(*drill_stage),
    )
    # Loading the actor system takes a while, and `understudy run --help` does without it.
    from understudy.foreground import run as run_foreground

    code: int = ExitCode.FAILED
    try:
        code = run_foreground(options)
    finally:
        if is_temporary:
            _remove_unless_failed(directory, code)
    sys.exit(code)


def _stage(
    http_url: str, ws_url: str, points: Path, origin_ns: int, origin_ms: int, speed: float
) -> DrillStage:
    clock = ClockSpec(origin_monotonic_ns=origin_ns, origin_ms=origin_ms, speed=speed)
    return DrillStage(http_url=http_url, ws_url=ws_url, clock=clock, pause_points_dir=points)


def _remove_unless_failed(directory: Path, code: int) -> None:
    if code == ExitCode.OK:
        shutil.rmtree(directory)
    else:
        click.echo(f"understudy: journal and log are kept in {directory}", err=True)


def _data_directory(chosen: Path | None, is_temporary: bool) -> Path:
    """Return a directory that exists and is this user's alone when it is made here."""
    if is_temporary:
        return Path(tempfile.mkdtemp(prefix="understudy-demo-"))
    directory = (chosen or DEFAULT_DATA_DIR).expanduser().absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fail(f"--data-dir {directory} cannot be used: {error.strerror}", ExitCode.BAD_INPUT)
    return directory
