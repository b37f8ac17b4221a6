"""Its presence puts this folder on the import path: helpers for all tests live beside it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from understudy.credentials import private_key

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling

TESTS = Path(__file__).parent

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


def pytest_configure(config: pytest.Config) -> None:
    """Let each worker import the tests from another folder on.

    All of them import all tests, and what one has compiled the others read from its cache.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args != config.getini("testpaths"):
        return
    places = sorted({TESTS / path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")})
    begin = len(places) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    config.args[:] = map(str, places[begin:] + places[:begin])


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

    config.option.loadscopereorder = False  # by how long files take, not how many tests they have
    return LongestFirst(config, log)
