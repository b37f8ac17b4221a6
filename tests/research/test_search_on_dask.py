from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backtest_builders import walking_frames, write_window

from actors.settings import Settings, StrategySettings
from actors.strategy.loading import chosen_file
from research.backtest.runner import BacktestPlan
from research.search.workers import OwnProcess, WindowTask, play_task, portable, workers
from understudy.drill.processes import Allowance

distributed = pytest.importorskip(
    "distributed", reason="the extra understudy[research] is not installed"
)

TASKS = 6
LIMIT_S = 120


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two real workers on loopback, each a process with a nanny that makes it anew."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    ) as made:
        yield made


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[WindowTask]:
    folder = tmp_path_factory.mktemp("recordings")
    path = write_window(folder, walking_frames(3, until_ms=60_000))
    return [
        WindowTask(BacktestPlan(settings=Settings(), seed=seed), str(path)) for seed in range(TASKS)
    ]


def kill_one_that_works(cluster: Any) -> None:
    """Kill a worker while it plays."""
    with distributed.Client(cluster, set_as_default=False) as client:
        allowance = Allowance(LIMIT_S)
        while not allowance.is_used_up():
            busy = [address for address, tasks in client.processing().items() if tasks]
            for nanny in cluster.workers.values():
                if nanny.worker_address in busy:
                    os.kill(nanny.pid, signal.SIGKILL)
                    return
            time.sleep(0.01)
    raise AssertionError("no worker ever played")


@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_costs_time_only(cluster: Any, tasks: list[WindowTask]) -> None:
    killer = threading.Thread(target=kill_one_that_works, args=(cluster,))
    killer.start()
    with workers(1, cluster.scheduler_address) as players:
        played = players.play(tasks)
    killer.join()

    assert played == OwnProcess().play(tasks)
    assert any(each.orders_count for each in played)


@pytest.mark.timeout(120)
def test_a_scheduler_that_is_not_there_is_an_error_soon() -> None:
    with pytest.raises(OSError, match=re.escape("127.0.0.1")), workers(1, "tcp://127.0.0.1:9"):
        pass


def test_a_strategy_of_ones_own_goes_along_to_where_its_file_is_not(
    tasks: list[WindowTask], tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from understudy.strategy import Context, Decision, Strategy\n\n\n"
        "class Mine(Strategy):\n"
        "    def evaluate(self, context: Context) -> Decision:\n"
        "        return Decision(reasons=('nothing',))\n"
    )
    rules = StrategySettings(use=f"{path}:Mine", file=chosen_file(path, "Mine"))
    plan = BacktestPlan(settings=Settings(strategy=rules))
    task = portable(WindowTask(plan, tasks[0].place))
    path.unlink()

    played = play_task(task)
    assert played.orders_count == 0
    assert played.is_settled
