"""Whether a writer that is preempted while it holds the journal's lock delays an urgent one.

Run as ``python -m bench.inversion``. Three processes: a writer that holds the lock for a
millisecond, on one processor; a burst of computing on the same processor that begins meanwhile; and
an urgent actor on another processor, whose record waits for the lock. If the burst runs under
SCHED_RR and the writer does not, the writer is suspended while it holds the lock, and the urgent
actor waits for the burst's end (docs/decisions/urgent-actors.md). If SCHED_RR is refused, or on a
single processor, there is nothing to measure.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from actors.core import Record, Save
from actors.roles import DESK
from actors.runtime.journal import Journal
from actors.runtime.journal_file import connect, prepare
from actors.runtime.urgency import run_first, why_not_allowed
from bench.common import Machine, Row, Table, latency_figures, options, show
from bench.journal import new_order

_LOCK_HELD_S = 0.001
_BURST_S = 0.05
_BETWEEN_S = 0.12
"""Time between two attempts: longer than a burst."""
_FORK = multiprocessing.get_context("fork")

CASES = {
    "an urgent writer, an urgent burst": (True, True),
    "an ordinary writer, an urgent burst": (False, True),
    "an ordinary writer, an ordinary burst": (False, False),
}


def waits_us(*, is_writer_urgent: bool, is_burst_urgent: bool, count: int) -> list[int]:
    """How long an urgent actor's record took, each time while the lock was held."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        data_dir = Path(folder)
        prepare(data_dir)
        ask, asked = _FORK.Pipe()
        start, started = _FORK.Pipe()
        held, is_held = _FORK.Pipe()
        helpers = [
            _FORK.Process(target=_hold, args=(data_dir, asked, (held, start), is_writer_urgent)),
            _FORK.Process(target=_burst, args=(started, is_burst_urgent)),
        ]
        for helper in helpers:
            helper.start()
        result, told = _FORK.Pipe()
        waiter = _FORK.Process(target=_wait, args=(data_dir, ask, is_held, told, count))
        waiter.start()
        taken: list[int] = result.recv()
        for process in (waiter, *helpers):
            process.join()
        return taken


def _take_place(processor: int, *, is_urgent: bool) -> None:
    os.sched_setaffinity(0, {processor})
    if is_urgent:
        run_first()


def _compute(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def _hold(data_dir: Path, asked: Connection, told: tuple[Connection, ...], is_urgent: bool) -> None:
    """Hold the journal's lock on request, and signal while it is held."""
    _take_place(0, is_urgent=is_urgent)
    connection = connect(Journal(data_dir, "position").path, read_only=False)
    while asked.recv():
        connection.execute("BEGIN IMMEDIATE")
        for each in told:
            each.send(True)
        _compute(_LOCK_HELD_S)
        connection.execute("COMMIT")
    for each in told:
        each.send(False)


def _burst(started: Connection, is_urgent: bool) -> None:
    """Compute for a while on each request."""
    _take_place(0, is_urgent=is_urgent)
    while started.recv():
        _compute(_BURST_S)


def _wait(
    data_dir: Path, ask: Connection, is_held: Connection, told: Connection, count: int
) -> None:
    """Record while another process holds the lock, repeatedly; send how long each took."""
    _take_place(1, is_urgent=True)
    journal = Journal(data_dir, DESK)
    journal.claim()
    order = new_order(1)
    record = Record(order, (Save("order", order.intent.order_id, order),))
    taken = []
    for _ in range(count):
        ask.send(True)
        is_held.recv()
        began_ns = time.monotonic_ns()
        journal.record(record, 1)
        taken.append((time.monotonic_ns() - began_ns) // 1_000)
        time.sleep(_BETWEEN_S)
    ask.send(False)
    told.send(taken)


def main() -> None:
    """Measure and print."""
    arguments = options(__doc__).parse_args()
    machine = Machine.now()
    refusal = why_not_allowed() or ("" if {0, 1} <= os.sched_getaffinity(0) else "one processor")
    count = 2 if arguments.quick else 30
    rows = [
        Row(
            name=name,
            figures=latency_figures(
                waits_us(is_writer_urgent=writer, is_burst_urgent=burst, count=count)
            ),
        )
        for name, (writer, burst) in CASES.items()
        if not refusal
    ]
    note = f"the lock is held for {1_000 * _LOCK_HELD_S:g} ms, a burst lasts {1_000 * _BURST_S:g}"
    title = "an urgent actor's record while another holds the lock"
    table = Table(title=title, rows=rows, notes=(refusal or note,))
    show(machine, [table], is_json=arguments.json)


if __name__ == "__main__":
    main()
