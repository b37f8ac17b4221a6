"""What the page costs a tick: watched, hung and killed, against a run without one, in turns.

Run as ``python -m bench.page``. One run of ``understudy run`` at real speed trades eagerly on the
local exchange. Beside it there is no page, one that three readers watch, one that is stopped
(SIGSTOP) while they wait, or one that is killed every few seconds and restarted. The page has the
priority that ``web.enabled`` gives it. Each round has each variant once, in another order, so that
other load affects all alike. Tick to order is the run's own figure; processor time is that of the
processes that trade and of ``understudy run``, which answers the page. Linux only.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs

from actors.runtime import process_ties
from bench.common import Figure, Machine, Row, Table, Target, options, show
from bench.series import processor_s
from bench.system import WINDOW_MINUTES, Exchange, add_layout, exchange, layouts_of
from understudy.display.latency import Histogram
from understudy.drill.processes import wait_for
from understudy.drill.recovery import unserved
from understudy.drill.stage import run_options
from understudy.drill.system import DrilledSystem, Seen
from understudy.processes.isolation import module_command
from understudy.settings.options import DrillStage
from understudy.watching.observation import Unanswered, ask_status

RATE = 500.0
LEAD_MS = 20_000
READERS = 3
KILL_EVERY_S = 5.0
NICENESS = 10
LIMIT = 1.05
WITHOUT = "no page"
SETTINGS = (
    "strategy.bootstrap_high_ticks=1000",
    "strategy.bootstrap_low_ticks=1000",
    "strategy.kill_zone_minutes=0",
    "strategy.oracle_block_yes_ticks=0",
    "strategy.oracle_block_no_ticks=1000",
    "execution.order_ttl_ms=100",
    "execution.latency_ms=200",
    "risk.max_orders_per_minute=10000",
    "risk.max_window_dollars=1000000",
)
"""Same as ``bench.system.EAGER``, as configuration keys."""
_START_LIMIT_S = 90.0
_BEAT_S = 0.2


class Page:
    """A page beside a run, and readers who reconnect whenever it does not answer."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._port = _free_port()
        self._is_over = threading.Event()
        self.frames_count = 0
        """Updates that the readers have received together."""
        self._process = self._start()
        self._readers = [threading.Thread(target=self._read, daemon=True) for _ in range(READERS)]
        for reader in self._readers:
            reader.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            module_command(
                *("understudy", "web", "--port", str(self._port)),
                *("--data-dir", str(self._data_dir)),
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_give_way,
        )

    def _read(self) -> None:
        while not self._is_over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2.0)
            try:
                connection.request("GET", "/live")
                answer = connection.getresponse()
                while not self._is_over.is_set() and (line := answer.readline()):
                    self.frames_count += line.startswith(b"data: ")
            except (OSError, http.client.HTTPException):
                self._is_over.wait(_BEAT_S)
            finally:
                connection.close()

    def wait_for_news(self) -> None:
        """Wait until a reader has received an update.

        Raises:
            RuntimeError: none has.
        """
        if not wait_for(lambda: self.frames_count, _START_LIMIT_S):
            raise RuntimeError("the page told its readers nothing")

    def stop(self) -> None:
        """Hang the page with its readers connected."""
        self._process.send_signal(signal.SIGSTOP)

    def kill_and_start(self) -> None:
        """Kill the page, and restart it at once."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def close(self) -> None:
        """End it and its readers."""
        self._is_over.set()
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()


@contextlib.contextmanager
def page_beside(data_dir: Path) -> Iterator[Page]:
    """Run a page that is watched."""
    page = Page(data_dir)
    try:
        page.wait_for_news()
        yield page
    finally:
        page.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _give_way() -> None:
    os.nice(NICENESS)
    process_ties.end_with_parent()


@attrs.frozen(kw_only=True)
class Turn:
    """What happens to the page while a tick is measured."""

    has_page: bool = True
    begin: Callable[[Page], None] = lambda _page: None
    """Called before the measurement; readers watch by then."""
    beat: Callable[[Page], None] = lambda _page: None
    """Called every ``KILL_EVERY_S`` meanwhile."""


TURNS: Mapping[str, Turn] = {
    WITHOUT: Turn(has_page=False),
    "watched": Turn(),
    "hung": Turn(begin=Page.stop),
    "killed": Turn(beat=Page.kill_and_start),
}


@attrs.define
class Taken:
    """The totals of all turns of one kind."""

    latencies: Histogram = attrs.field(factory=Histogram)
    processor_s: float = 0.0
    seconds: float = 0.0
    news_count: int = 0


@contextlib.contextmanager
def running(venue: Exchange, layout: str) -> Iterator[DrilledSystem]:
    """Run the product's own command until its window is traded; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as within:
        data_dir, points = Path(within) / "data", Path(within) / "points"
        data_dir.mkdir(mode=0o700)
        points.mkdir()
        stage = DrillStage(
            http_url=venue.http_url,
            ws_url=venue.ws_url,
            clock=venue.clock,
            pause_points_dir=points,
        )
        series = (f"btc-{WINDOW_MINUTES}m",)
        settings = (*SETTINGS, f"supervision.layout={layout}")
        system = DrilledSystem(data_dir, run_options(stage, 1, settings, series), series)
        system.start()
        try:
            if not wait_for(lambda: _trades(system), _START_LIMIT_S):
                raise RuntimeError(f"no order was made: {system.last_words()}")
            yield system
        finally:
            system.tell(signal.SIGTERM)
            system.wait_for_end(30.0)
            system.kill_all()


def _trades(system: DrilledSystem) -> bool:
    seen = system.look()
    return (
        seen is not None
        and not unserved(seen, frozenset())
        and latencies(system.data_dir).count > 0
    )


def latencies(data_dir: Path) -> Histogram:
    """Tick to order since the run began."""
    with contextlib.suppress(Unanswered):
        return ask_status(data_dir).latencies.get("tick_to_order", Histogram())
    return Histogram()


def since(before: Histogram, now: Histogram) -> Histogram:
    """Samples added to a histogram."""
    old = before.counts
    return Histogram.of_counts(
        {us: more for us, count in now.counts.items() if (more := count - old.get(us, 0)) > 0}
    )


def traders(system: DrilledSystem, seen: Seen) -> set[int]:
    """The processes whose processor time is counted."""
    pids = {seen.supervisor_pid, system.foreground_pid}
    return pids | {child.pid for child in seen.children if child.pid}


def measure(layout: str, rounds: int, seconds: float) -> dict[str, Taken]:
    """Let every kind have its turns beside one run."""
    taken = {name: Taken() for name in TURNS}
    order = random.Random(1)
    with exchange(RATE, LEAD_MS) as venue, running(venue, layout) as system:
        for _ in range(rounds):
            for name in order.sample([*TURNS], len(TURNS)):
                _take(system, TURNS[name], seconds, taken[name])
    return taken


def _take(system: DrilledSystem, turn: Turn, seconds: float, taken: Taken) -> None:
    seen = system.look()
    if seen is None:
        raise RuntimeError(f"it does not answer: {system.last_words()}")
    pids = traders(system, seen)
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(page_beside(system.data_dir)) if turn.has_page else None
        if page is not None:
            turn.begin(page)
        news_count = page.frames_count if page is not None else 0
        before, used_s, began_s = latencies(system.data_dir), _used_s(pids), time.monotonic()
        while (left_s := began_s + seconds - time.monotonic()) > 0:
            time.sleep(min(left_s, KILL_EVERY_S))
            if page is not None:
                turn.beat(page)
        taken.processor_s += _used_s(pids) - used_s
        taken.seconds += time.monotonic() - began_s
        taken.latencies.merge(since(before, latencies(system.data_dir)))
        taken.news_count += page.frames_count - news_count if page is not None else 0


def _used_s(pids: set[int]) -> float:
    used_s = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended
            used_s += processor_s(pid)
    return used_s


def rows_of(taken: Mapping[str, Taken]) -> Iterator[Row]:
    """A row of each kind, beside the run without a page."""
    base = taken[WITHOUT].latencies
    for name, each in taken.items():
        figures: dict[str, Figure] = {}
        for percent in (50, 99):
            own, other = each.latencies.percentile(percent), base.percentile(percent)
            figures[f"p{percent} ms"] = None if own is None else own / 1000
            figures[f"p{percent} ratio"] = round(own / other, 3) if own and other else None
        figures["samples"] = each.latencies.count
        figures["processor %"] = round(100 * each.processor_s / each.seconds, 1)
        figures["news"] = each.news_count
        target = None if name == WITHOUT else Target(column="p50 ratio", limit=LIMIT)
        yield Row(name=name, figures=figures, target=target)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    add_layout(parser)
    parser.add_argument("--rounds", type=int, default=4, help="turns of each kind")
    parser.add_argument("--seconds", type=float, default=25, help="of each turn")
    arguments = parser.parse_args()
    machine = Machine.now()
    rounds, seconds = (1, 8.0) if arguments.quick else (arguments.rounds, arguments.seconds)
    tables = [
        Table(
            title=f"tick to order beside a page, {layout}",
            rows=[*rows_of(measure(layout, rounds, seconds))],
            notes=(
                f"{rounds} turns of {seconds:g} s each, in one run; ratios to no page in that run",
                "p99 of some hundred samples is two or three of them",
            ),
        )
        for layout in layouts_of(arguments)
    ]
    show(machine, tables, is_json=arguments.json)


if __name__ == "__main__":
    main()
