"""From SIGKILL or an exception to serving with state: processes, actors, books, the whole tree.

Run as ``python -m bench.recovery``. An actor serves again when it has recovered its record and has
received everything it needs; its host then reports to the supervisor, which notes the instant. A
process serves when all its actors do, including those of orders. Everyone serves before each kill.
``restart_period_s`` is short enough that the supervisor's backoff delays no restart.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.roles import DIRECTORY, MARKET_FEED, MARKET_STATE, order_id_of
from actors.runtime.pause_points import HANDLING, RAISE, Trap
from actors.runtime.process_ties import end_with_parent
from actors.supervision.messages import ChildrenReport, ChildReport, ChildState
from bench.common import Machine, Row, Table, Target, latency_figures, options, show
from bench.many_orders import planted
from bench.memory import descendants, status
from bench.system import (
    POINTS,
    Exchange,
    System,
    add_layout,
    all_serve,
    exchange,
    layouts_of,
    now_ms,
)
from understudy.composition import ACTORS
from understudy.processes.isolation import module_command

PROCESS_LIMIT_MS = 250
RAISE_LIMIT_MS = 20
TREE_LIMIT_MS = 1_500
_FRAMES_PER_SECOND = 100
_LEAD_MS = 12_000
_SHORT_LEAD_MS = 1_000
_RESTART_PERIOD_S = 1.0
_RECOVERY_LIMIT_S = 30.0
_ORDER, _BOOKS = "order", f"{MARKET_FEED}, to the first fresh snapshot"
_HEARING_ROLES = tuple(role for role in ACTORS if role != DIRECTORY)
"""Roles whose cores are made to raise; the directory receives a message once a minute only."""
_ORDERS = 4
_HEARING_LIMIT_S = 5.0
_CLOSE_LOOK_S = 0.0005

# Processes and actors


@contextlib.contextmanager
def with_orders(layout: str, *, has_pause_points: bool = False) -> Iterator[System]:
    """Run a whole system in which orders rest, on both sides and to the end of the window."""
    with planted(layout, has_pause_points=has_pause_points) as orders:
        orders.plant(_ORDERS)
        orders.wait_until_accepted()
        yield orders.running


def process_samples(layout: str, rounds: int) -> dict[str, list[int]]:
    """Kill every process in turn, repeatedly; return how long each took, in ms."""
    samples: dict[str, list[int]] = defaultdict(list)
    with with_orders(layout) as running:
        processes = _processes(running.report())
        for _ in range(rounds):
            began = time.monotonic()
            for process in processes:
                _kill_process(running, process, samples)
            time.sleep(max(0.0, _RESTART_PERIOD_S - (time.monotonic() - began)))
    return samples


def _kill_process(running: System, process: str, samples: dict[str, list[int]]) -> None:
    before = running.wait_until(all_serve)
    victims = [child for child in before.children if child.process == process]
    killed_at_ms = now_ms()
    os.kill(victims[0].pid, signal.SIGKILL)
    awaited = [victim.role for victim in victims]
    further = [MARKET_STATE] if process == MARKET_FEED else []
    report = running.wait_until(
        lambda report: all(
            _serves_since(report, role, killed_at_ms) for role in (*awaited, *further)
        ),
        _RECOVERY_LIMIT_S,
    )
    took_ms = max(_took_ms(report, role, killed_at_ms) for role in awaited)
    samples[process].append(took_ms)
    if further:
        samples[_BOOKS].append(_took_ms(report, MARKET_STATE, killed_at_ms))


def raise_samples(layout: str, rounds: int) -> dict[str, list[int]]:
    """Make the core of each actor raise in turn, repeatedly; return how long each took, in ms."""
    samples: dict[str, list[int]] = defaultdict(list)
    with with_orders(layout, has_pause_points=True) as running:
        for _ in range(rounds):
            began = time.monotonic()
            for actor in (*_HEARING_ROLES, _ORDER):
                took_ms = _raised(running, actor)
                if took_ms is not None:
                    samples[actor].append(took_ms)
            time.sleep(max(0.0, _RESTART_PERIOD_S - (time.monotonic() - began)))
    return samples


def _raised(running: System, actor: str) -> int | None:
    """Make an actor raise on its next message; None if it receives none for a while."""
    running.wait_until(all_serve)
    points_dir = running.data_dir / POINTS
    trap = Trap(points_dir, f"{actor}/{HANDLING}", RAISE)
    deadline = time.monotonic() + _HEARING_LIMIT_S
    last_unharmed_ms = now_ms()
    while (held := trap.held()) is None:
        if time.monotonic() > deadline:
            trap.release()
            return None
        last_unharmed_ms = now_ms()
        time.sleep(_CLOSE_LOOK_S)
    trap.release()
    report = running.wait_until(
        lambda report: _serves_since(report, held.role, last_unharmed_ms), _RECOVERY_LIMIT_S
    )
    return _took_ms(report, held.role, last_unharmed_ms)


def _processes(report: ChildrenReport) -> list[str]:
    return list(dict.fromkeys(child.process for child in report.children))


def _child(report: ChildrenReport, role: str) -> ChildReport | None:
    return next((child for child in report.children if child.role == role), None)


def _orders(report: ChildrenReport) -> list[ChildReport]:
    return [child for child in report.children if order_id_of(child.role) is not None]


def _serves_since(report: ChildrenReport, role: str, since_ms: int) -> bool:
    child = _child(report, role)
    return child is not None and child.serving_since_ms >= since_ms


def _took_ms(report: ChildrenReport, role: str, since_ms: int) -> int:
    child = _child(report, role)
    if child is None:
        raise AssertionError(f"{role} served a moment ago")
    return child.serving_since_ms - since_ms


# The tree


class Run:
    """An ``understudy run`` in processes of its own, which can be ended and restarted."""

    def __init__(self, venue: Exchange, data_dir: Path, layout: str) -> None:
        clock = venue.clock
        stage = (venue.http_url, venue.ws_url, data_dir / "points", clock.origin_monotonic_ns)
        settings = {
            "supervision.layout": layout,
            "supervision.max_restarts": 1_000,
            "supervision.restart_period_s": _RESTART_PERIOD_S,
            "execution.latency_ms": 60_000,
            "execution.order_ttl_ms": 600_000,
        }
        self.data_dir = data_dir
        self._command = [
            *module_command("understudy", "run", "--data-dir", str(data_dir)),
            *("--drill-stage", *map(str, (*stage, clock.origin_ms, clock.speed))),
            *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
        ]
        (data_dir / "points").mkdir()
        self.begin()

    def begin(self) -> None:
        """Start the foreground process."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )

    @property
    def pid(self) -> int:
        """The foreground process."""
        return self._process.pid

    def kill(self) -> None:
        """Kill the foreground process; everything below it dies with it."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it in good order."""
        self._process.terminate()
        self._process.wait(_RECOVERY_LIMIT_S)

    def ps_when_all_serve(self, since_ms: int) -> Mapping[str, Any]:
        """Wait until everyone serves, and began to after an instant; return the output of ``ps``.

        Raises:
            TimeoutError: they do not.
        """
        deadline = time.monotonic() + _RECOVERY_LIMIT_S
        while time.monotonic() < deadline:
            ps = status(self.data_dir, _RECOVERY_LIMIT_S)
            permanent = set(ACTORS)
            rows = [child for child in ps["children"] if child["role"] in permanent]
            if len(rows) == len(permanent) and all(_row_serves(row, since_ms) for row in rows):
                return ps
            time.sleep(0.02)
        raise TimeoutError(f"not everyone serves after {_RECOVERY_LIMIT_S:g} s")


def _row_serves(row: Mapping[str, Any], since_ms: int) -> bool:
    is_serving: bool = row["state"] == ChildState.SERVING.value
    is_new: bool = row["serving_since_ms"] >= since_ms
    return is_serving and is_new


@contextlib.contextmanager
def real_run(layout: str) -> Iterator[Run]:
    """Run the whole system against an exchange that outlives it."""
    with (
        exchange(_FRAMES_PER_SECOND, _SHORT_LEAD_MS) as venue,
        tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder,
    ):
        run = Run(venue, Path(folder), layout)
        try:
            yield run
        finally:
            run.end()


def _kill_supervisor(_run: Run, ps: Mapping[str, Any]) -> None:
    os.kill(ps["pid"], signal.SIGKILL)


def _kill_admin(_run: Run, ps: Mapping[str, Any]) -> None:
    os.kill(ps["parent_pid"], signal.SIGKILL)


def _kill_all_below(run: Run, _ps: Mapping[str, Any]) -> None:
    for pid in descendants(run.pid) - {run.pid}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_run(run: Run, _ps: Mapping[str, Any]) -> None:
    run.kill()
    run.begin()


TREE_KILLS: Mapping[str, Callable[[Run, Mapping[str, Any]], None]] = {
    "supervisor": _kill_supervisor,
    "admin": _kill_admin,
    "all below the foreground, at once": _kill_all_below,
    "the foreground, and the command given again": _kill_run,
}


def tree_samples(layout: str, rounds: int) -> dict[str, list[int]]:
    """Kill the tree in every way, repeatedly; return how long until everything served, in ms."""
    samples: dict[str, list[int]] = defaultdict(list)
    with real_run(layout) as run:
        ps = run.ps_when_all_serve(0)
        for _ in range(rounds):
            for name, kill in TREE_KILLS.items():
                time.sleep(_RESTART_PERIOD_S)
                killed_at_ms = now_ms()
                kill(run, ps)
                ps = run.ps_when_all_serve(killed_at_ms)
                permanent = [row for row in ps["children"] if row["role"] in _ROLES]
                served_at_ms = max(row["serving_since_ms"] for row in permanent)
                samples[name].append(served_at_ms - killed_at_ms)
    return samples


_ROLES = frozenset(ACTORS)


def table(title: str, samples: Mapping[str, list[int]], limit_ms: int, note: str) -> Table:
    """Summarize."""
    rows = [
        Row(
            name=name,
            figures=latency_figures(1_000 * taken_ms for taken_ms in taken),
            target=Target(column="p99 ms", limit=limit_ms),
        )
        for name, taken in samples.items()
    ]
    return Table(title=title, rows=rows, notes=(note,))


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, help="falls of each process and actor")
    parser.add_argument("--kills-only", action="store_true", help="no raises, and no tree")
    parser.add_argument("--tree-rounds", type=int, help="falls of what holds the tree; 0: none")
    add_layout(parser)
    arguments = parser.parse_args()
    machine = Machine.now()
    rounds = arguments.rounds or (1 if arguments.quick else 50)
    tree_rounds = arguments.tree_rounds
    if tree_rounds is None:
        tree_rounds = 1 if arguments.quick else 20
    if arguments.kills_only:
        tree_rounds = 0
    tables = []
    for layout in layouts_of(arguments):
        killed = process_samples(layout, rounds)
        tables.append(
            table(f"SIGKILL of a process, {layout}", killed, PROCESS_LIMIT_MS, _PROCESSES_NOTE)
        )
        if not arguments.kills_only:
            raised = raise_samples(layout, rounds)
            tables.append(
                table(f"a core that raises, {layout}", raised, RAISE_LIMIT_MS, _RAISES_NOTE)
            )
        if tree_rounds:
            trees = tree_samples(layout, tree_rounds)
            tables.append(
                table(f"SIGKILL in the tree, {layout}", trees, TREE_LIMIT_MS, _TREES_NOTE)
            )
    show(machine, tables, is_json=arguments.json)


_PROCESSES_NOTE = "until the last of its actors serves; by the supervisor's clock, in whole ms"
_RAISES_NOTE = "from the last look at which it had not raised, at most a ms or two before it did"
_TREES_NOTE = "until the last role serves; a command given again has Python and imports to load"


if __name__ == "__main__":
    main()
