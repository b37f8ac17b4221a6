"""Plays the windows of trials: in this process, in several, or on a Dask cluster; same results.

A task is a window under one trial's settings, and its result depends on nothing else. So it does
not matter where it runs, in which order, or how often it is repeated because a worker died.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import attrs

from actors.strategy.loading import kept_in
from actors.units import NANOS_PER_DOLLAR
from research.backtest.kept_tapes import KEPT_BYTES_MAX, TapeShelf
from research.backtest.runner import BacktestPlan, play_window, worker_pool

_shelf = TapeShelf(KEPT_BYTES_MAX)
"""The cache of this process: a worker plays the same windows in every trial."""


@attrs.frozen
class WindowTask:
    """One window to play."""

    plan: BacktestPlan
    place: str
    """Place of the recording: a path or an address that every worker can read."""
    source: bytes | None = None
    """The strategy's file, if it has one and is played on another machine."""


@attrs.frozen
class TaskResult:
    """The part of a window's result that a search uses."""

    pnl_nanos: int
    is_settled: bool
    orders_count: int
    fills_count: int
    events_count: int

    @property
    def dollars(self) -> float:
        """The result; 0 if the window has none."""
        return self.pnl_nanos / NANOS_PER_DOLLAR


class Workers(Protocol):
    """Plays tasks."""

    def play(self, tasks: Sequence[WindowTask]) -> list[TaskResult]:
        """Play all; results are in the order of the tasks."""
        ...


def play_task(task: WindowTask) -> TaskResult:
    """Play one window.

    Raises:
        BadRecording: the recording cannot be read.
        CoreFailed: a core has raised.
    """
    with _at_hand(task) as plan:
        outcome = play_window(plan, task.place, _shelf).outcome
    return TaskResult(
        pnl_nanos=outcome.pnl_nanos,
        is_settled=outcome.is_settled,
        orders_count=len(outcome.orders),
        fills_count=sum(len(order.fills) for order in outcome.orders),
        events_count=outcome.events_count,
    )


@contextlib.contextmanager
def _at_hand(task: WindowTask) -> Iterator[BacktestPlan]:
    """Provide the strategy's file where this machine looks for it."""
    file = task.plan.settings.strategy.file
    if file is None or task.source is None:
        yield task.plan
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(file.path).name
        copy.write_bytes(task.source)
        kept = kept_in(Path(folder), attrs.evolve(file, path=str(copy), kept_at=""))
        here = attrs.evolve(file, kept_at=kept.kept_at)
        settings = task.plan.settings
        strategy = attrs.evolve(settings.strategy, file=here)
        yield attrs.evolve(task.plan, settings=attrs.evolve(settings, strategy=strategy))


class OwnProcess:
    """Plays tasks in this process, one after the other."""

    def play(self, tasks: Sequence[WindowTask]) -> list[TaskResult]:
        """Play all."""
        return [play_task(task) for task in tasks]


class OwnMachine:
    """Plays tasks in several processes."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def play(self, tasks: Sequence[WindowTask]) -> list[TaskResult]:
        """Play all."""
        return list(self._pool.map(play_task, tasks))


class DaskCluster:
    """Plays tasks on the workers of a Dask scheduler, which repeats those of a lost worker."""

    def __init__(self, client: Any) -> None:
        """Take a ``distributed.Client``."""
        self._client = client

    def play(self, tasks: Sequence[WindowTask]) -> list[TaskResult]:
        """Play all."""
        futures = self._client.map(play_task, [portable(task) for task in tasks], pure=False)
        results: list[TaskResult] = self._client.gather(futures)
        return results


def portable(task: WindowTask) -> WindowTask:
    """Send the strategy's file along with a task."""
    file = task.plan.settings.strategy.file
    if file is None:
        return task
    return attrs.evolve(task, source=Path(file.kept_at or file.path).read_bytes())


@contextlib.contextmanager
def workers(jobs: int, scheduler: str | None) -> Iterator[Workers]:
    """Provide workers: of a Dask scheduler at an address, or this many processes of this machine.

    Raises:
        ModuleNotFoundError: an address is given, and Dask is not installed.
        OSError: the scheduler is not reached.
    """
    if scheduler is not None:
        # Only needed for clusters.
        import distributed

        connect: Any = distributed.Client
        with connect(scheduler, timeout="10s", set_as_default=False) as client:
            yield DaskCluster(client)
    elif jobs == 1:
        yield OwnProcess()
    else:
        with worker_pool(jobs) as pool:
            yield OwnMachine(pool)
