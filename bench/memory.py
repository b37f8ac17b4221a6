"""Memory that the whole demo has for itself, and what one more order costs.

Run as ``python -m bench.memory``. Counted is unique memory: the private pages of every process of
``understudy run --demo``, the local exchange and the foreground included. Pages that forks still
share with their parent are counted for neither. Linux only (``smaps_rollup``).
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.runtime.transport import end_with_parent
from bench.common import Machine, Row, Table, Target, options, show
from understudy.control import ControlError, NotRunning, ask

TOTAL_LIMIT_MB = 350
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 30.0
_LOOK_EVERY_S = 0.5


@contextlib.contextmanager
def demo(*arguments: str) -> Iterator[tuple[int, Path]]:
    """Run the demo without an end; give its process id and data directory."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        command = [
            *(sys.executable, "-m", "understudy", "run", "--demo", "--windows", "0"),
            *("--data-dir", folder, *arguments),
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,
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
    """Process ids of a process and of all that it or its children have started."""
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
    """Ask the running system what ``understudy ps`` shows.

    Raises:
        NotRunning: it has not answered in time.
        ControlError: it has, that it cannot say yet.
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
    """Name what a process is; a process that no actor lives in is the exchange or a helper."""
    names = {root_pid: "foreground", ps["pid"]: "supervisor", ps["parent_pid"]: "admin"}
    for child in ps["children"]:
        names[child["pid"]] = child["process"]
    return names.get(pid, "exchange, logger")


def main() -> None:
    """Measure and print."""
    arguments = options(__doc__).parse_args()
    machine = Machine.now()
    seconds = 3 if arguments.quick else 90
    most: dict[str, int] = defaultdict(int)
    most_total = most_processes = 0
    with demo() as (root_pid, data_dir):
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
    rows = [
        Row(
            name=kind,
            figures={"unique MB": _megabytes(size)},
        )
        for kind, size in sorted(most.items(), key=lambda each: -each[1])
    ]
    total = Row(
        name=f"all, at most {most_processes} processes",
        figures={"unique MB": _megabytes(most_total)},
        target=Target(column="unique MB", limit=TOTAL_LIMIT_MB),
    )
    table = Table(
        title=f"the demo at its default speed, {seconds} s",
        rows=[total, *rows],
        notes=("the most that was seen of each; of several of a kind, the largest",),
    )
    show(machine, [table], is_json=arguments.json)


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)


if __name__ == "__main__":
    main()
