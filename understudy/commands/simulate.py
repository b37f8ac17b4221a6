"""``understudy simulate``: the whole system under every known fault, as fast as it computes."""

from __future__ import annotations

import functools
import gc
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import click
from rich.progress import TimeElapsedColumn

from actors.runtime.crash_file import write_crash
from actors.runtime.crashes import report_of
from actors.settings import StrategySettings
from actors.strategy.choice import PAIR
from actors.supervision.layouts import ISOLATED
from simulation.flight_keeper import FlightKeeper
from simulation.plan import SIMULATED, fault_meanings
from simulation.trial import MINUTES, TrialResult, run_trial
from understudy.commands import shared
from understudy.commands.progress import progress_bar
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command

_MS_PER_HOUR = 3_600_000
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


@attrs.define
class Campaign:
    """The results of a range of seeds."""

    first_seed: int
    minutes: int
    mode: str
    layout: str
    use: str | None = None
    began_at: float = attrs.field(factory=time.monotonic)
    results: list[TrialResult] = attrs.field(factory=list)
    seconds: float = 0.0

    def add(self, result: TrialResult) -> None:
        """Add one more seed."""
        self.results.append(result)
        self.seconds = time.monotonic() - self.began_at

    @property
    def failed(self) -> TrialResult | None:
        """The first seed that failed; None if none has."""
        return next((each for each in self.results if each.failure is not None), None)

    def faults(self) -> dict[str, int]:
        """How often each kind of fault occurred."""
        total: Counter[str] = Counter()
        for result in self.results:
            total.update(result.fault_counts)
        return {kind: total[kind] for kind in fault_meanings(self.mode)}

    def report(self, commit: str) -> dict[str, Any]:
        """All results, for programs."""
        failed = self.failed
        windows = sum(each.windows_played for each in self.results)
        return {
            "from": self.first_seed,
            "seeds": len(self.results),
            "minutes": self.minutes,
            "mode": self.mode,
            "layout": self.layout,
            "strategy": self.use or PAIR,
            "seconds": round(self.seconds, 3),
            "seeds_per_second": round(len(self.results) / self.seconds, 3),
            "simulated_hours": round(
                sum(each.simulated_ms for each in self.results) / _MS_PER_HOUR, 3
            ),
            "windows": round(windows, 1),
            "windows_per_second": round(windows / self.seconds, 3),
            "orders": sum(each.order_count for each in self.results),
            "fills": sum(each.fill_count for each in self.results),
            "settled": sum(each.settled_count for each in self.results),
            "restarts": sum(each.restart_count for each in self.results),
            "faults": self.faults(),
            "digests": {str(each.seed): each.digest for each in self.results},
            "commit": commit,
            "failure": None if failed is None else _failure(failed),
        }


@command(
    examples={
        "understudy simulate": "20 seeds, a minute or less",
        "understudy simulate --seeds 500 --jobs 2": "many more, on two cores",
        "understudy simulate --mode live": "real orders, against an exchange that misbehaves",
        "understudy simulate --use maker": "orders that rest, are cancelled and replaced",
        "understudy simulate --from 17 --seeds 1": "one seed again, byte for byte",
        "understudy simulate --seeds 5 --json | jq .failure": "for a script",
    },
)
@shared.whole_number_option("--seeds", least=1, default=20, help_text="How many runs.")
@shared.whole_number_option(
    "--from",
    "first_seed",
    default=1,
    metavar="S",
    help_text="Seed of the first run; the others count up from it.",
)
@shared.whole_number_option(
    "--minutes",
    least=1,
    default=MINUTES,
    metavar="M",
    help_text="Venue time with faults in each run; its recovery comes on top.",
)
@shared.mode_option("Who carries orders out: the simulated executor, or the real one's core.")
@shared.layout_option("Which actors share a process, and so crash together.")
@shared.use_option
@shared.whole_number_option(
    "--jobs",
    least=1,
    default=1,
    metavar="J",
    help_text="Runs at the same time, each on a core.",
)
@shared.data_dir_option
@shared.json_option
def simulate(
    seeds: int,
    first_seed: int,
    minutes: int,
    mode: str,
    layout: str,
    use: str | None,
    jobs: int,
    data_dir: Path,
    is_json: bool,
) -> None:
    """Run every actor on virtual time with injected faults, and check all invariants.

    Messages are lost, repeated and late; actors, the supervisor and the whole machine crash,
    halfway through what they do; feeds break, clocks jump, the disk fills. The invariants are
    checked after every step, and some time after the faults stop everything must serve again.

    With --mode live the exchange takes the orders, loses answers, lets trades fail and falls
    silent; the journal is reconciled with its books. No key is needed, and nothing is sent.

    Ends at the first failure with exit code 1, the seed and its last messages. If the failure
    showed in a step of one actor, the data directory gets a crash file of that actor: "understudy
    crashes".
    """
    campaign = Campaign(first_seed, minutes, mode, layout, use)
    run = functools.partial(
        run_trial, minutes=minutes, mode=mode, layout=layout, strategy=_strategy(use)
    )
    with progress_bar("{task.description}", TimeElapsedColumn(), is_shown=not is_json) as progress:
        task = progress.add_task("seeds", total=seeds)
        for result in _results(range(first_seed, first_seed + seeds), run, jobs):
            campaign.add(result)
            progress.advance(task)
            if result.failure is not None:
                break
    report = campaign.report(_commit())
    if campaign.failed is not None:
        report["crash_file"] = _leave_crash_file(campaign.failed.seed, run, data_dir)
    if is_json:
        shared.print_json(report)
    else:
        _print(report, campaign.failed)
    if campaign.failed is not None:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _strategy(use: str | None) -> StrategySettings | None:
    return shared.load_config(None, (f"strategy.use={use}",)).settings.strategy if use else None


def _leave_crash_file(seed: int, run: Callable[..., TrialResult], data_dir: Path) -> str | None:
    """Run a failed seed again, recorded; return the path of its crash file, if one actor failed."""
    flights = FlightKeeper()
    run(seed, flights=flights)
    failure = flights.failure
    if failure is None:
        return None
    report = report_of(
        failure.flight,
        failure.error,
        failure.flight.core.settings,
        seed,
        is_in_core=failure.is_in_core,
    )
    directory = data_dir.expanduser().absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(write_crash(directory, report, failure.flight))
    except OSError as error:
        echo_shown(f"no crash file can be written: {error}", err=True)
        return None


def _results(seeds: range, run: Callable[[int], TrialResult], jobs: int) -> Iterator[TrialResult]:
    """Run the seeds, in this process or in others; results come in the seeds' order."""
    if jobs == 1:
        _collect_rarely()
        for seed in seeds:
            yield run(seed)
        return
    with ProcessPoolExecutor(max_workers=jobs, initializer=_collect_rarely) as pool:
        futures = [pool.submit(run, seed) for seed in seeds]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _collect_rarely() -> None:
    """Look for cyclic garbage seldom, and never in imported modules.

    A run makes many objects that live for milliseconds, and hardly any cycle.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def _failure(result: TrialResult) -> dict[str, Any]:
    failure = result.failure
    if failure is None:
        raise AssertionError(f"seed {result.seed} did not fail")
    return {
        "seed": result.seed,
        "invariant": failure.invariant,
        "text": failure.text,
        "at_seconds": failure.at_ms / 1000,
        "last_lines": list(failure.last_lines),
    }


def _print(report: dict[str, Any], failed: TrialResult | None) -> None:
    struck = ", ".join(f"{kind} {count:,}" for kind, count in report["faults"].items() if count)
    echo_shown(
        f"{report['seeds']} seeds in {report['seconds']:.1f} s: "
        f"{report['seeds_per_second']:.2f} seeds/s, "
        f"{report['windows_per_second']:.1f} windows/s, "
        f"{report['simulated_hours']:.1f} simulated hours"
    )
    echo_shown(
        f"{report['windows']:.0f} windows, {report['orders']} orders, {report['fills']} fills, "
        f"{report['restarts']} restarts of everything"
    )
    echo_shown(f"faults: {struck or 'none'}")
    if failed is None:
        echo_shown("every invariant held, and everything recovered")
        return
    failure = _failure(failed)
    how = f"--minutes {report['minutes']}"
    if report["mode"] != SIMULATED:
        how += f" --mode {report['mode']}"
    if report["layout"] != ISOLATED:
        how += f" --layout {report['layout']}"
    if report["strategy"] != PAIR:
        how += f" --use {report['strategy']}"
    echo_shown("\n".join(("", *failure["last_lines"], "")))
    echo_shown(
        f"seed {failed.seed} failed after {failure['at_seconds']:.3f} s of venue time, "
        f"commit {report['commit']}: {failure['text']}\n"
        f"again: understudy simulate --from {failed.seed} --seeds 1 {how}"
    )
    if report["crash_file"] is not None:
        echo_shown(f"replay that actor: understudy replay {report['crash_file']}")


def _commit() -> str:
    """Name what was run: the commit, marked if files differ; outside a repository the version."""
    folder = Path(__file__).resolve().parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        asked = subprocess.run(  # noqa: S603 # the command is fixed
            command, cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return f"version {version('understudy')}"
    return asked.stdout.strip()
