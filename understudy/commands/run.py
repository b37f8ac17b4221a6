"""``understudy run``: the system, from its start to its summary."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from actors.feeds.polybolt import CredentialsUnavailable
from actors.runtime.clock import ClockSpec
from actors.settings import Settings
from understudy.commands import shared
from understudy.commands.starting import (
    account_of,
    data_directory,
    recorded_world,
    refuse,
    run_system,
)
from understudy.credentials.live import (
    LIVE_FLAG,
    REHEARSAL_SPEED,
    LiveRefused,
)
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import (
    DEFAULT_DATA_DIR,
    DEMO_SEED,
    DEMO_SPEED,
    DEMO_WINDOWS,
    ConfigOrigin,
    DrillStage,
    RunOptions,
)
from understudy.teaching import command
from venue.options import SEEN_MISSING_SHARE

LOOPBACK = "127.0.0.1"


@command(
    examples={
        "understudy run --demo": "two windows at 20 times real time",
        "understudy run --demo --windows 1 --json": "one window, the summary for a program",
        "understudy run --demo --data-dir ./demo": "keep the journal to look into",
        "understudy run --demo --recording btc-updown-5m-1776329400.rec": "a recorded window",
        "understudy run --series btc-15m,eth-5m": "two of the real venue's series at once",
        "understudy run --config my.toml --windows 4": "an hour, with settings of one's own",
        "understudy run --demo --set execution.mode=live": "live orders, on the local exchange",
    },
)
@click.option("--demo", "is_demo", is_flag=True, help="Start a local exchange and trade there.")
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    metavar="FILE",
    help="Demo only: trade this recorded window instead of a simulated one; may be repeated.",
)
@shared.config_option
@shared.assignment_option
@shared.series_option
@shared.whole_number_option(
    "--windows",
    help_text="Stop after N settled windows; 0: not by itself.  "
    f"[default: {DEMO_WINDOWS} in a demo, otherwise 0]",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=1, max=100),
    metavar="X",
    help=f"Demo only: X times real time.  [default: {DEMO_SPEED:g}; with live orders "
    f"{REHEARSAL_SPEED:g}, which is the most]",
)
@shared.whole_number_option(
    "--seed",
    help_text=f"For prices and random numbers.  [default: {DEMO_SEED} in a demo, otherwise drawn]",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Journal, log and control socket.  [default: {DEFAULT_DATA_DIR}, or for a demo a "
    "temporary one, removed at the end]",
)
@click.option("--json", "is_json", is_flag=True, help="Print only the summary, as JSON.")
@click.option(
    LIVE_FLAG,
    "is_real_money_understood",
    is_flag=True,
    help='Needed for execution.mode = "live" without --demo; docs/live-trading.md first.',
)
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
    recordings: tuple[str, ...],
    config_path: Path | None,
    assignments: tuple[str, ...],
    series: tuple[str, ...],
    windows: int | None,
    speed: float | None,
    seed: int | None,
    data_dir: Path | None,
    is_json: bool,
    is_real_money_understood: bool,
    drill_stage: tuple[str, str, Path, int, int, float] | None,
) -> None:
    """Trade until told to stop: real books and paper money, or the demo.

    With execution.mode = "live" orders are real; a demo's account for them ends with it. Otherwise,
    if restarted on the same data directory it continues where it was, whatever ended it.

    Exit codes: 0 ok, 1 failed, 2 bad input, 3 another run uses the data directory, 4 gave up after
    too many restarts, 5 the journal cannot be used.
    """
    _only_for_a_demo(speed, recordings, is_demo=is_demo)
    world = recorded_world(recordings, SEEN_MISSING_SHARE) if recordings else None
    series = series if world is None else (world.series,)
    settings = shared.load_config(config_path, assignments, series).settings
    speed = speed or _speed(settings, is_demo=is_demo)
    stage = _stage(*drill_stage) if drill_stage else None
    is_local = is_demo or stage is not None
    refuse(settings, speed, is_local=is_local, is_understood=is_real_money_understood)
    try:
        with account_of(settings, is_demo=is_demo, is_local=is_local) as account:
            options = RunOptions(
                is_demo=is_demo,
                settings=settings,
                windows=_windows(windows, recordings, is_demo=is_demo),
                speed=speed,
                seed=seed if seed is not None else (DEMO_SEED if is_demo else secrets.randbits(32)),
                data_dir=data_directory(data_dir, is_temporary=is_demo and data_dir is None),
                is_json=is_json,
                is_terminal=sys.stdout.isatty() and not is_json,
                account=account,
                is_real_money_understood=is_real_money_understood,
                recorded_world=world,
                origin=ConfigOrigin.of(config_path, assignments, series),
                drill_stage=stage,
            )
            sys.exit(run_system(options, is_temporary=is_demo and data_dir is None))
    except (LiveRefused, CredentialsUnavailable) as refused:
        shared.fail(str(refused), ExitCode.BAD_INPUT)


def _only_for_a_demo(speed: float | None, recordings: tuple[str, ...], *, is_demo: bool) -> None:
    if speed is not None and not is_demo:
        raise click.UsageError("--speed is for --demo: the real venue keeps real time")
    if recordings and not is_demo:
        raise click.UsageError("--recording is for --demo: the real venue has its own windows")


def _windows(wanted: int | None, recordings: tuple[str, ...], *, is_demo: bool) -> int:
    if wanted is not None:
        return wanted
    return (len(recordings) or DEMO_WINDOWS) if is_demo else 0


def _speed(settings: Settings, *, is_demo: bool) -> float:
    if not is_demo:
        return 1.0
    return REHEARSAL_SPEED if settings.execution.mode == "live" else DEMO_SPEED


def _stage(
    http_url: str, ws_url: str, points: Path, origin_ns: int, origin_ms: int, speed: float
) -> DrillStage:
    if urlsplit(http_url).hostname != LOOPBACK or urlsplit(ws_url).hostname != LOOPBACK:
        shared.fail(f"a drill's exchange is on {LOOPBACK}, not at {http_url}", ExitCode.BAD_INPUT)
    clock = ClockSpec(origin_monotonic_ns=origin_ns, origin_ms=origin_ms, speed=speed)
    return DrillStage(http_url=http_url, ws_url=ws_url, clock=clock, pause_points_dir=points)
