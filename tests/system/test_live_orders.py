"""The whole system with signed orders, in real processes, against the exchange's own books."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_onlookers import LiveExchange, LiveOnlooker, live_exchange
from onlookers import PATIENT
from process_memory import has_open, is_in_memory

from actors.messages.execution import OrderStatus
from actors.roles import EXECUTOR, POSITION
from actors.runtime.journal_file import JOURNAL_NAME
from actors.supervision.layouts import LAYOUTS
from understudy.credentials.private_key import FILE_VARIABLE, KEY_VARIABLE
from understudy.processes.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

RESTING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
TRADED = (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED)

NewLive = Callable[..., LiveOnlooker]
Monkey = pytest.MonkeyPatch


@pytest.fixture
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveExchange]:
    yield from live_exchange(tmp_path_factory.mktemp("exchange"))


@pytest.fixture
def start(exchange: LiveExchange, tmp_path: Path) -> Iterator[NewLive]:
    started: list[LiveOnlooker] = []

    def start(*settings: str) -> LiveOnlooker:
        onlooker = LiveOnlooker(exchange, tmp_path, *settings)
        started.append(onlooker)
        onlooker.system.start()
        onlooker.until_whole()
        return onlooker

    yield start
    for onlooker in started:
        onlooker.system.kill_all()
        assert onlooker.system.outliving() == frozenset()


def end(live: LiveOnlooker, code: int = ExitCode.OK) -> None:
    """Ctrl-C; nothing may rest and everything must agree."""
    live.system.tell(signal.SIGINT)
    assert_ended(live, code)


def assert_ended(live: LiveOnlooker, code: int) -> None:
    assert live.system.wait_for_end(60.0) == code, live.system.last_words()
    assert live.system.outliving() == frozenset()
    assert live.books().open_ids == frozenset()


def assert_all_agrees(live: LiveOnlooker) -> None:
    assert live.unfinished() == []
    assert live.findings() == []


def resting(live: LiveOnlooker) -> set[str]:
    return {name for name, order in live.orders().items() if order.status in RESTING}


def pid_of(live: LiveOnlooker, role: str) -> int:
    child = live.until_whole().child(role)
    assert child is not None
    return child.pid


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.skipif(os.getuid() != 0, reason="root alone looks into a process with a secret")
def test_no_process_but_the_executor_s_has_the_key_no_file_has_it_and_ctrl_c_takes_back_what_rests(
    start: NewLive, layout: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Monkey
) -> None:
    """The key is given in a variable, in a folder whose files have the names of our modules."""
    text = Path(os.environ[FILE_VARIABLE]).read_text()
    monkeypatch.delenv(FILE_VARIABLE)
    monkeypatch.setenv(KEY_VARIABLE, text)
    folder = tmp_path_factory.mktemp("hostile")
    monkeypatch.chdir(folder)
    for name in ("eth_account", "venue", "supervisor", "thespian", "polymarket", "coincurve"):
        (folder / f"{name}.py").write_text(f"open({str(folder / 'stolen')!r}, 'w')\n")

    live = start(f"supervision.layout={layout}", "execution.order_ttl_ms=300000")
    resting = live.until_an_order_is(*RESTING)
    assert resting.venue_order_id in live.books().orders
    key = text.removeprefix("0x").encode()
    assert len(key) == 64
    executor = pid_of(live, EXECUTOR)
    assert is_in_memory(executor, key), "this test would not find it"
    assert has_open(live.system.foreground_pid, key), "this test would not find it"
    for pid in live.system.pids():
        process = Path(f"/proc/{pid}")
        assert key not in (process / "environ").read_bytes()
        assert key not in (process / "cmdline").read_bytes()
        assert pid == executor or not is_in_memory(pid, key), process
        assert pid == live.system.foreground_pid or not has_open(pid, key), process
        limits = (process / "limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    assert not (folder / "stolen").exists()
    rows = live.until_whole().children
    assert [row.role for row in rows if row.pid == executor] == [EXECUTOR]
    end(live)
    assert_all_agrees(live)
    for path in live.system.data_dir.iterdir():
        assert not path.is_file() or key not in path.read_bytes(), path


def test_executor_and_supervisor_are_killed_while_orders_are_out_and_once_more_before_ctrl_c(
    start: NewLive,
) -> None:
    live = start()
    live.until_an_order_is(*RESTING, *TRADED)
    live.until_an_order_lives()
    os.kill(pid_of(live, EXECUTOR), signal.SIGKILL)
    live.until_whole()
    orders = live.until_an_order_lives()
    os.kill(live.until_whole().supervisor_pid, signal.SIGKILL)
    live.until_whole()
    live.until_ended(orders)
    live.until_an_order_is(*TRADED)
    known = live.orders().keys()
    live.until("a new order rests", lambda: resting(live) - known)
    os.kill(live.until_whole().supervisor_pid, signal.SIGKILL)
    end(live)
    assert live.books().trades
    assert_all_agrees(live)


def test_giving_up_takes_back_what_rests(start: NewLive) -> None:
    live = start("execution.order_ttl_ms=300000", "supervision.max_restarts=0", PATIENT)
    live.until_an_order_is(*RESTING)
    os.kill(pid_of(live, POSITION), signal.SIGKILL)
    assert_ended(live, ExitCode.GAVE_UP)
    assert_all_agrees(live)


def test_when_the_journal_is_removed_what_rests_is_taken_back(start: NewLive) -> None:
    live = start("execution.order_ttl_ms=300000")
    live.until_an_order_is(*RESTING)
    (live.system.data_dir / JOURNAL_NAME).unlink()
    assert_ended(live, ExitCode.JOURNAL_UNUSABLE)
    assert live.system.last_words().splitlines()[-1].endswith("the venue's own records")
