"""A whole trading system in real processes beside a local exchange, for as long as it is measured.

The tree is built by the product's own composition root, exactly as ``understudy run`` builds it;
only the exchange's message rate and the strategy's appetite are the benchmark's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from actors.runtime import process_ties
from actors.runtime.clock import Clock, ClockSpec
from actors.runtime.journal_file import prepare
from actors.series import SeriesSettings
from actors.settings import ExecutionSettings, RiskSettings, Settings, StrategySettings
from actors.supervision.layouts import LAYOUTS
from actors.supervision.messages import ChildrenReport, ChildState
from understudy.composition import pointed_at_local_exchange, supervisor_boot
from understudy.data_dir.upkeep import JournalUpkeep
from understudy.processes.isolation import module_command
from understudy.processes.tree import ActorTree, prepare_to_fork

ROOT = Path(__file__).resolve().parent.parent
WINDOW_MINUTES = 15
NORMAL_ACTIVITY = 0.9
"""Share of its rate that the exchange sends in the middle of a window."""
POINTS = "points"
"""Folder of the data directory in which pause points are armed."""
_START_LIMIT_S = 60.0
_LOOK_AGAIN_S = 0.02

ORDINARY = Settings(series=SeriesSettings(window_minutes=WINDOW_MINUTES))
"""Default settings, except for the window's length."""
EAGER = Settings(
    series=ORDINARY.series,
    strategy=StrategySettings(
        bootstrap_high_ticks=1000,
        bootstrap_low_ticks=1000,
        kill_zone_minutes=0,
        oracle_block_yes_ticks=0,
        oracle_block_no_ticks=1000,
    ),
    execution=ExecutionSettings(order_ttl_ms=100, latency_ms=200),
    risk=RiskSettings(max_orders_per_minute=10_000, max_window_dollars=1_000_000),
)
"""Every order is cancelled before it reaches the book, so the strategy's first rule signals
repeatedly: two or three orders a second, where a real window has a handful."""


def now_ms() -> int:
    """The present instant on the supervisor's clock."""
    return time.monotonic_ns() // 1_000_000


def add_layout(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a layout; both are measured by default."""
    parser.add_argument("--layout", choices=(*LAYOUTS, "both"), default="both")


def layouts_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The layouts to measure."""
    return tuple(LAYOUTS) if arguments.layout == "both" else (arguments.layout,)


def in_layout(settings: Settings, layout: str) -> Settings:
    """Return the settings with another layout."""
    supervision = attrs.evolve(settings.supervision, layout=layout)
    return attrs.evolve(settings, supervision=supervision)


class NotServing(Exception):
    """The system did not serve in time; the sentence says which part did not."""


@attrs.frozen(kw_only=True)
class Exchange:
    """A local exchange in its own process, and the clock it shares with the system."""

    http_url: str
    ws_url: str
    clock: ClockSpec
    opens_at_ms: int
    """Start of the window that begins soon after the exchange starts."""
    pid: int

    @property
    def port(self) -> int:
        """The port of all its streams."""
        return int(self.ws_url.rpartition(":")[2])


@contextlib.contextmanager
def exchange(frames_per_second: float, lead_ms: int, *options: str) -> Iterator[Exchange]:
    """Run a local exchange that opens a window after ``lead_ms`` and sends at a rate from then on.

    Args:
        frames_per_second: the rate.
        lead_ms: venue time until the window opens.
        options: further options of the exchange.

    Raises:
        RuntimeError: it did not start.
    """
    opens_at_ms = _coming_window_ms()
    clock = ClockSpec.starting_now(opens_at_ms - lead_ms)
    process = subprocess.Popen(
        [
            *module_command("venue", "--port", "0"),
            *("--rate", f"{frames_per_second / NORMAL_ACTIVITY:.0f}"),
            *("--minutes", str(WINDOW_MINUTES)),
            *("--start", str(clock.origin_ms)),
            *("--origin-monotonic-ns", str(clock.origin_monotonic_ns)),
            *options,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=process_ties.end_with_parent(),
    )
    try:
        said = _first_line(process)
        yield Exchange(
            http_url=said["http"],
            ws_url=said["ws"],
            clock=clock,
            opens_at_ms=opens_at_ms,
            pid=process.pid,
        )
    finally:
        process.kill()
        process.communicate()


def _coming_window_ms() -> int:
    length_ms = WINDOW_MINUTES * 60_000
    return (time.time_ns() // 1_000_000 // length_ms + 1) * length_ms


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, str]:
    if process.stdout is None:
        raise AssertionError("the exchange was started without a pipe")
    ready, _, _ = select.select([process.stdout], [], [], _START_LIMIT_S)
    line = process.stdout.readline() if ready else b""
    if not line:
        raise RuntimeError("the local exchange did not start; its own words are on stderr")
    said: dict[str, str] = json.loads(line)
    return said


class System:
    """One running tree, and the queries that benchmarks need."""

    def __init__(self, tree: ActorTree, venue: Exchange, data_dir: Path) -> None:
        self.tree = tree
        self.venue = venue
        self.data_dir = data_dir
        self.clock = Clock(venue.clock)
        self._upkeep = JournalUpkeep(data_dir)

    def report(self) -> ChildrenReport:
        """Ask the supervisor for its report, and maintain the journal, as a run does.

        Raises:
            NotServing: it does not answer, or the journal cannot be maintained.
        """
        problem = self._upkeep.beat()
        if problem:
            raise NotServing(problem)
        report = self.tree.ask_children(patience_s=5.0)
        if report is None:
            raise NotServing("the supervisor does not answer")
        return report

    def wait_until(
        self, holds: Callable[[ChildrenReport], bool], limit_s: float = _START_LIMIT_S
    ) -> ChildrenReport:
        """Ask repeatedly until a condition holds.

        Raises:
            NotServing: it does not hold in time.
        """
        deadline = time.monotonic() + limit_s
        while not holds(report := self.report()):
            if time.monotonic() > deadline:
                states = ", ".join(f"{each.role} {each.state.value}" for each in report.children)
                raise NotServing(f"after {limit_s:g} s: {states}")
            time.sleep(_LOOK_AGAIN_S)
        return report

    def wait_for_window(self) -> None:
        """Wait until the window has opened and everyone serves in it."""
        left_ms = self.venue.opens_at_ms + 1_000 - self.clock.now_ms()
        time.sleep(max(0, left_ms) / 1000)
        self.wait_until(all_serve)


def all_serve(report: ChildrenReport) -> bool:
    """Whether every child has all it needs to do its work."""
    return all(child.state is ChildState.SERVING for child in report.children)


@contextlib.contextmanager
def system(
    settings: Settings,
    venue: Exchange,
    within: Path | None = None,
    *,
    has_pause_points: bool = False,
) -> Iterator[System]:
    """Run the actors against an exchange, and leave nothing of them behind.

    Args:
        settings: the actors' settings; their addresses are replaced by the exchange's.
        venue: the exchange.
        within: where the data directory is; None for the directory of temporary files.
        has_pause_points: whether points can be armed, in the folder ``POINTS``.
    """
    prepare_to_fork()
    data_dir = Path(tempfile.mkdtemp(prefix="understudy-bench-", dir=within))
    try:
        prepare(data_dir)
        pointed = pointed_at_local_exchange(settings, venue.http_url, venue.ws_url)
        points_dir = data_dir / POINTS
        points_dir.mkdir()
        boot = supervisor_boot(
            pointed,
            venue.clock,
            data_dir,
            seed=1,
            log_to_stderr=False,
            pause_points_dir=points_dir if has_pause_points else None,
        )
        tree = ActorTree(boot)
        try:
            yield System(tree, venue, data_dir)
        finally:
            tree.end("it is measured")
    finally:
        shutil.rmtree(data_dir)
