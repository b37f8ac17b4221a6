"""Its presence puts this folder on the import path: helpers for all tests live beside it."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_timeout
from hypothesis import HealthCheck, settings

from understudy.credentials import private_key
from understudy.drill.processes import Allowance

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling
    from xdist.workermanage import WorkerController

TESTS = Path(__file__).parent
TIME_LOOK_S = 10.0
"""How often it is seen whether a test has used up its time; each look interrupts the test."""

# How fast a machine happens to be is no property of the product.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


# A shell starts its background jobs deaf to SIGINT, and what tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _open_tests() -> None:
    """Keep this process's own memory open: programs that it starts read secrets out of it."""
    private_key.hide_memory = lambda: None


SINGLY = (
    "tests/system/test_whole_commands.py",
    "tests/faults/test_faults_of_disks.py",
    "tests/system/test_live_orders.py",
    "tests/faults/test_faults_of_surroundings.py",
    "tests/faults/test_faults_of_ends.py",
)
"""Files of few and long tests, which share nothing that takes long to make: each goes to whichever
worker is free."""
EARLY = (
    "tests/system/test_page_in_a_browser.py",
    "tests/faults/test_faults_of_metadata.py",
    "tests/execution/real/test_real_executor_at_an_exchange.py",
    *SINGLY,
    "tests/system/",
    "tests/faults/",
    "tests/supervision/",
    "tests/simulation/",
    "tests/venue/",
    "tests/bench/",
    "tests/understudy/",
)
"""Files and folders in the order in which workers get them; the rest, which is quick, follows. A
long test that came last would have one worker run on while the others are done."""
assert all((TESTS.parent / each).exists() for each in EARLY)
WAITING = (*EARLY[:3], "tests/system/", "tests/faults/", "tests/supervision/")
"""Tests of real processes, which wait for one another more than they compute."""
WAITING_WORKERS = 3
"""As many workers begin with those. More systems at once would keep one another from the two
processors; further workers compute what the others leave of them."""


def pytest_configure(config: pytest.Config) -> None:
    """Let each worker import the tests from another folder on.

    All of them import all tests, and what one has compiled the others read from its cache.
    """
    gc.disable()  # until all are collected; they stay, and to look through them takes long
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return
    if not _begins_with_waiting(worker["workerid"]):
        os.nice(5)
    if config.args != config.getini("testpaths"):
        return
    places = sorted({TESTS / path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")})
    begin = len(places) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    config.args[:] = map(str, places[begin:] + places[:begin])


def pytest_collection_finish() -> None:
    """From here on collect garbage again, of what the tests make."""
    gc.freeze()
    gc.enable()


def _begins_with_waiting(worker_id: str) -> bool:
    return int(worker_id.removeprefix("gw")) < WAITING_WORKERS


def _place(item: pytest.Item) -> tuple[int, str]:
    file, _, _ = item.nodeid.partition("::")
    return next((at for at, begin in enumerate(EARLY) if file.startswith(begin)), len(EARLY)), file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, begin with what takes longest; alone, with whatever comes first."""
    if hasattr(config, "workerinput"):
        items.sort(key=_place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """With ``--dist loadfile``, hand out whole files, and the tests of some files singly."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith(SINGLY) else super()._split_scope(nodeid)

        def _assign_work_unit(self, node: WorkerController) -> None:
            if not _begins_with_waiting(node.gateway.id):
                computing = (each for each in self.workqueue if not each.startswith(WAITING))
                self.workqueue.move_to_end(next(computing, next(iter(self.workqueue))), last=False)
            super()._assign_work_unit(node)

    config.option.loadscopereorder = False  # by how long files take, not how many tests they have
    return LongestFirst(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> bool:
    """Give a test its limit in seconds of a machine that is not busy otherwise."""
    allowance = Allowance(settings.timeout)

    def look(_number: int, _frame: object) -> None:
        if allowance.is_used_up():
            signal.setitimer(signal.ITIMER_REAL, 0)
            pytest_timeout.timeout_sigalrm(item, settings)

    signal.signal(signal.SIGALRM, look)
    every_s = min(TIME_LOOK_S, settings.timeout)
    signal.setitimer(signal.ITIMER_REAL, every_s, every_s)
    return True


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> bool:
    """Take it away again."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    return True
