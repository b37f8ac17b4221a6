"""``understudy soak``: hours of trading under constant faults."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from understudy.commands import shared
from understudy.commands.progress import progress_bar
from understudy.display.screen import Screen
from understudy.processes.end_signals import EndSignals
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command

if TYPE_CHECKING:
    from understudy.soak.conduct import SoakResult

SERIES = ("btc-5m", "eth-5m")
SPEED_MOST = 10.0


@command(
    examples={
        "understudy soak --hours 2": "two hours; Ctrl-C ends it in order, with a report",
        "understudy soak --hours 0.01 --json": "half a minute, for a program",
        "understudy soak --hours 2 --layout grouped": "with most actors in one process",
        "understudy soak --hours 2 --seed 7 --plot soak.svg": "its curves as a picture",
    },
)
@click.option(
    "--hours",
    type=click.FloatRange(0.001, 1_000),
    metavar="H",
    required=True,
    help="How long, in real time.",
)
@shared.whole_number_option(
    "--seed",
    help_text="For the market, and for the faults and their times.  [default: drawn]",
)
@shared.mode_option("live: with signed orders, on a local exchange that misbehaves.")
@shared.layout_option("Which actors share a process (docs/architecture.md).")
@shared.own_series_option(SERIES, "What is traded.")
@click.option(
    "--speed",
    type=click.FloatRange(1, SPEED_MOST),
    metavar="X",
    default=SPEED_MOST,
    show_default=True,
    help="X times real time; less on a machine that has other work.",
)
@click.option(
    "--plot",
    "plot_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the curves there, as SVG.",
)
@shared.json_option
def soak(
    hours: float,
    seed: int | None,
    mode: str,
    layout: str,
    series: tuple[str, ...],
    speed: float,
    plot_path: Path | None,
    is_json: bool,
) -> None:
    """Let a system trade for hours under constant faults, and see whether it wears out.

    Starts its own local exchange and a system on it, with page, metrics and alerts beside it. Every
    minute or two something goes wrong: an actor or process is killed, hangs or raises; credentials
    expire; the clock is set; the disk is full; the log is rotated; settings are reloaded; watchers
    are killed. Venue days change meanwhile.

    In the end all books must agree, as after a drill, and memory, descriptors, threads, latency and
    journal bytes per event must not have grown.

    Exit codes: 0 everything holds, 1 something does not.
    """
    if not sys.platform.startswith("linux"):
        shared.fail("a soak finds processes by /proc, which only Linux has")
    seed = secrets.randbits(32) if seed is None else seed
    directory = Path(tempfile.mkdtemp(prefix="understudy-soak-"))
    wanted = {
        "seed": seed,
        "is_live": mode == "live",
        "layout": layout,
        "series": series,
        "speed": speed,
    }
    result = _conduct(directory, hours * 3600, wanted, is_json=is_json)
    _show(result, plot_path, is_json=is_json)
    if not result.is_good:
        sentence = f"the soak failed (seed {seed}); its journal and log are in {directory}"
        shared.fail(sentence, ExitCode.FAILED)
    shutil.rmtree(directory)


def _conduct(
    directory: Path, seconds: float, wanted: dict[str, Any], *, is_json: bool
) -> SoakResult:
    """Conduct the soak, with a progress bar; a signal ends it in order."""
    # Loading all of it takes a while; `understudy soak --help` does not need it.
    from understudy.processes.exchange import ExchangeFailed
    from understudy.soak.session import run_soak

    with (
        EndSignals() as signals,
        progress_bar("{task.description}", is_shown=not is_json, is_transient=True) as bar,
    ):
        task = bar.add_task("starting", total=round(seconds))

        def tell(passed_s: float, doing: str) -> None:
            bar.update(task, completed=round(passed_s), description=doing)

        try:
            return run_soak(
                directory,
                seconds=seconds,
                interrupted_by=lambda: signals.name,
                on_progress=tell,
                **wanted,
            )
        except ExchangeFailed as error:
            shutil.rmtree(directory)
            shared.fail(str(error))


def _show(result: SoakResult, plot_path: Path | None, *, is_json: bool) -> None:
    from understudy.soak.report import soak_json, soak_plot, soak_view

    if is_json:
        shared.print_json(soak_json(result))
    else:
        Screen().print(soak_view(result))
    if plot_path is not None and result.samples:
        plot_path.write_text(soak_plot(result))
