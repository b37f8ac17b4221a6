"""Unique memory of the whole demo, and the cost of a hundred more open orders.

Run as ``python -m bench.memory``. Unique memory is the private pages of every process of
``understudy run --demo``, including the local exchange and the foreground. Pages that forks still
share with their parent count for neither. Linux only (``smaps_rollup``).
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.runtime.process_ties import end_with_parent
from actors.supervision.layouts import GROUPED, ISOLATED
from bench.common import Machine, Row, Table, Target, options, show
from bench.many_orders import planted
from bench.system import add_layout, layouts_of
from understudy.control import ControlError, NotRunning, ask
from understudy.processes.isolation import module_command

TOTAL_LIMIT_MB = {ISOLATED: 200, GROUPED: 120}
ORDERS_LIMIT_MB = 5
_FEW_ORDERS, _MORE_ORDERS = 10, 100
_SETTLE_S = 3.0
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 30.0
_LOOK_EVERY_S = 0.5


@contextlib.contextmanager
def demo(*arguments: str) -> Iterator[tuple[int, Path]]:
    """Run the demo without an end; yield its process id and data directory."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        command = [
            *module_command("understudy", "run", "--demo", "--windows", "0"),
            *("--data-dir", folder, *arguments),
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
        try:
            yield process.pid, Path(folder)
        finally:
            process.terminate()
            process.wait(_STOP_LIMIT_S)


def unique_bytes(pid: int) -> int:
    """Private memory of a process; 0 if it has gone.

    Source: ``/proc/<pid>/smaps_rollup``, the sum of its ``Private_`` lines (in kB).
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def descendants(pid: int) -> set[int]:
    """Process ids of a process and of all its descendants."""
    children = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                after_name = (folder / "stat").read_text(errors="replace").rpartition(")")[2]
                children[int(after_name.split()[1])].append(int(folder.name))
    found, to_visit = set(), [pid]
    while to_visit:
        each = to_visit.pop()
        found.add(each)
        to_visit += children[each]
    return found


def status(data_dir: Path, limit_s: float = 5.0) -> Mapping[str, Any]:
    """Ask the running system for the status that ``understudy ps`` shows.

    Raises:
        NotRunning: it has not answered in time.
        ControlError: it has answered that it cannot say yet.
    """
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return ask(data_dir, "ps")
        except (NotRunning, ControlError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def kind_of(pid: int, root_pid: int, ps: Mapping[str, Any]) -> str:
    """Name a process by its actors; one without an actor is the exchange or a helper."""
    names = {root_pid: "foreground", ps["pid"]: "supervisor", ps["parent_pid"]: "admin"}
    for child in ps["children"]:
        names[child["pid"]] = child["process"]
    return names.get(pid, "exchange, logger")


def demo_table(layout: str, seconds: float) -> Table:
    """Sample a demo's processes, and keep each one's maximum."""
    most: dict[str, int] = defaultdict(int)
    most_total = most_processes = 0
    with demo("--set", f"supervision.layout={layout}") as (root_pid, data_dir):
        status(data_dir, _START_LIMIT_S)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            ps = status(data_dir)
            sizes = {pid: unique_bytes(pid) for pid in descendants(root_pid)}
            for pid, size in sizes.items():
                kind = kind_of(pid, root_pid, ps)
                most[kind] = max(most[kind], size)
            most_total = max(most_total, sum(sizes.values()))
            most_processes = max(most_processes, len(sizes))
            time.sleep(_LOOK_EVERY_S)
    total = Row(
        name=f"all, at most {most_processes} processes",
        figures={"unique MB": _megabytes(most_total)},
        target=Target(column="unique MB", limit=TOTAL_LIMIT_MB[layout]),
    )
    each = [
        Row(name=kind, figures={"unique MB": _megabytes(size)})
        for kind, size in sorted(most.items(), key=lambda each: -each[1])
    ]
    return Table(
        title=f"the demo at its default speed, {seconds:g} s, {layout}",
        rows=[total, *each],
        notes=("the most that was seen of each; of several of a kind, the largest",),
    )


def order_row(layout: str) -> Row:
    """Measure a system with a few resting orders, then with none more, and with a hundred more.

    The growth without any more orders is the cost of time and of the desk's crash.
    """
    sizes = []
    with planted(layout) as orders:
        for count in (_FEW_ORDERS, 0, _MORE_ORDERS):
            orders.plant(count)
            orders.wait_until_accepted()
            report = orders.wait_until_all_serve()
            time.sleep(_SETTLE_S)
            pids = descendants(report.parent_pid)
            sizes.append(sum(map(unique_bytes, pids)))
        orders.take_all_back()
    return Row(
        name=f"{_MORE_ORDERS} more working orders, {layout}",
        figures={
            "unique MB": _megabytes(sizes[2] - sizes[1]),
            "no more MB": _megabytes(sizes[1] - sizes[0]),
        },
        target=Target(column="unique MB", limit=ORDERS_LIMIT_MB),
    )


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    add_layout(parser)
    parser.add_argument("--seconds", type=float, help="of each demo")
    arguments = parser.parse_args()
    machine = Machine.now()
    seconds = arguments.seconds or (3 if arguments.quick else 90)
    layouts = layouts_of(arguments)
    tables = [demo_table(layout, seconds) for layout in layouts]
    orders = Table(
        title="orders that rest at the simulated executor",
        rows=[order_row(layout) for layout in layouts],
        notes=("unique memory of the whole tree, each time after the same fall of the desk",),
    )
    show(machine, [*tables, orders], is_json=arguments.json)


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)


if __name__ == "__main__":
    main()
