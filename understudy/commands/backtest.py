"""``understudy backtest``: a strategy on recorded windows, as fast as it computes."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from research.backtest.runner import BacktestPlan, recordings_at, run_backtest
from research.backtest.stage import CoreFailed
from research.recordings import BadRecording
from research.recordings.reader import Recording
from understudy.commands import shared
from understudy.commands.progress import progress_bar
from understudy.commands.reading import last_option, row_limit
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.results.store import BadResults, StoredRun
from understudy.results.view import run_view
from understudy.results.writing import RunWriter
from understudy.teaching import command

jobs_option = shared.whole_number_option(
    "--jobs",
    least=1,
    default=1,
    help_text="Windows at the same time, each on a core; results are the same.",
)


@command(
    examples={
        "understudy backtest ~/.understudy/recordings": "the default strategy on all recordings",
        "understudy backtest rec --use maker": "another strategy, or FILE.py:Name of your own",
        "understudy backtest rec --set strategy.max_shares=50 --jobs 2": "one setting, two cores",
        "understudy backtest rec --set backtest.fill_model=paper": "orders fill as on paper",
        "understudy backtest rec --json | jq .summary.pnl": "for a script",
    },
)
@click.argument("places", metavar="RECORDING…", nargs=-1, required=True)
@shared.use_option
@shared.whole_number_option(
    "--seed",
    default=1,
    metavar="S",
    help_text="For all random numbers: latencies, and the resamples of the results.",
)
@jobs_option
@click.option(
    "--continuous",
    "is_continuous",
    is_flag=True,
    help="One account trades all windows in turn, with daily limits; on one core.",
)
@shared.config_option
@shared.assignment_option
@shared.results_dir_option
@last_option
@shared.json_option
def backtest(
    places: tuple[str, ...],
    use: str | None,
    seed: int,
    jobs: int,
    is_continuous: bool,
    config_path: Path | None,
    assignments: tuple[str, ...],
    results_dir: Path,
    last: int | None,
    is_json: bool,
) -> None:
    """Trade recorded windows on virtual time, and keep the results.

    Every RECORDING is a file, a folder of them, or an address that fsspec supports. The actors are
    those of a run; the venue is modelled from the recorded books, trades and results. Each window
    is traded by an account of its own that starts empty, unless --continuous is given.

    Ctrl-C keeps the windows played so far. docs/backtesting.md lists the assumptions about fills,
    fees and latency, and the direction of their errors.
    """
    chosen = assignments if use is None else (f"strategy.use={use}", *assignments)
    settings = shared.load_config(config_path, chosen).settings
    plan = BacktestPlan(settings=settings, seed=seed, is_continuous=is_continuous)
    with shared.failing_on(BadRecording, code=ExitCode.BAD_INPUT):
        recordings = recordings_at(places)
    began, began_at = datetime.now(UTC), time.monotonic()
    with shared.failing_on(BadRecording, CoreFailed, BadResults):
        with RunWriter(results_dir.expanduser(), plan, len(recordings)) as writer:
            is_stopped = _play(plan, recordings, jobs, writer, is_shown=not is_json)
            if not writer.windows_count:
                shared.fail("it was stopped before the first window was finished; nothing is kept")
            seconds = time.monotonic() - began_at
            timing = {
                "began": began.isoformat(timespec="seconds"),
                "seconds": round(seconds, 3),
                "jobs": jobs,
                "events_per_second": round(writer.events_count / seconds),
            }
            run = writer.finish(timing)
        show_result(run, last, view=run_view, is_json=is_json)
        if not is_json:
            speed = f"{timing['events_per_second']:,} events/s"
            echo_shown(f"\nin {seconds:,.1f} s, {speed}; kept in {run.folder}", err=True)
    if is_stopped:
        raise click.exceptions.Exit(ExitCode.FAILED)


def windows_bar(*, is_shown: bool) -> Progress:
    """Make the progress bar of windows; its tasks have a field ``speed``."""
    speed = TextColumn("{task.fields[speed]}")
    return progress_bar("{task.description}", speed, TimeElapsedColumn(), is_shown=is_shown)


def _play(
    plan: BacktestPlan,
    recordings: Sequence[Recording],
    jobs: int,
    writer: RunWriter,
    *,
    is_shown: bool,
) -> bool:
    """Play the windows, and write each finished one; return whether it was interrupted."""
    began_at = time.monotonic()
    windows = run_backtest(plan, recordings, jobs)
    with windows_bar(is_shown=is_shown) as progress:
        task = progress.add_task("windows", total=len(recordings), speed="")
        try:
            for each in windows:
                with _uninterrupted():
                    writer.add(each)
                speed = f"{writer.events_count / (time.monotonic() - began_at):,.0f} events/s"
                progress.update(task, advance=1, speed=speed)
        except KeyboardInterrupt:
            return True
        finally:
            windows.close()
    return False


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block, so that a window is written whole or not at all."""
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


def show_result(
    run: StoredRun, last: int | None, *, view: Callable[..., RenderableType], is_json: bool
) -> None:
    """Print the results of a run or a search."""
    if is_json:
        shared.print_json(run_json(run))
    else:
        Screen().print(view(run, rows=row_limit(last, is_for_programs=False)))


def run_json(run: StoredRun) -> dict[str, Any]:
    """Describe a run for programs."""
    return {
        "name": run.name,
        "folder": str(run.folder),
        "run": run.run,
        "summary": run.summary,
        "timing": run.timing,
    }
