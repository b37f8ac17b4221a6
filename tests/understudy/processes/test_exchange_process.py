"""The local exchange as a fork, and what a rehearsal's is told to do wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import urllib.request
from pathlib import Path

import pytest

from actors.runtime.clock import ClockSpec
from actors.series import series_named
from understudy.drill.stage import FAULTS
from understudy.processes.exchange import (
    ExchangeFailed,
    ExchangeProcess,
    exchange_options,
    rehearsed_faults,
)
from understudy.processes.tree import children_of_this
from venue.faults import FaultKind, read_fault_file

MONEY = {
    FaultKind.SHORT_MATCH,
    FaultKind.UNREADABLE_PART,
    FaultKind.REPEATED_ROW,
    FaultKind.EXCESS_FILL,
    FaultKind.LATE_FAILURE,
}


def test_a_rehearsal_meets_the_faults_that_cost_money_at_the_rates_of_a_drill() -> None:
    with rehearsed_faults("0xa") as file:
        assert file is not None
        rehearsed = read_fault_file(file.read_text())
    assert not file.exists()
    assert (set(rehearsed.chances), rehearsed.planned) == (MONEY, ())
    drilled = read_fault_file(FAULTS).chances
    assert {kind: drilled[kind] for kind in MONEY} == rehearsed.chances


def test_where_orders_are_simulated_the_exchange_does_nothing_wrong() -> None:
    with rehearsed_faults("") as file:
        assert file is None


def descriptors_of(pid: int) -> dict[int, str]:
    """What each of them leads to."""
    return {int(each.name): str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.mark.processes
def test_the_exchange_serves_apart_from_whoever_started_it_and_ends_with_it(tmp_path: Path) -> None:
    others = children_of_this()
    with (tmp_path / "open").open("w"):
        started = ExchangeProcess(
            exchange_options(ClockSpec.starting_now(), [series_named("btc-5m")])
        )
    with contextlib.closing(started):
        (pid,) = children_of_this() - others
        with urllib.request.urlopen(f"{started.http_url}/time", timeout=30) as answer:  # noqa: S310 # loopback
            assert answer.status == 200
        open_files = descriptors_of(pid)
        assert [open_files.pop(stream) for stream in range(3)] == [os.devnull] * 3
        assert all(each.startswith(("socket:", "anon_inode:")) for each in open_files.values())
        assert os.getsid(pid) == pid
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert command.startswith(b"exchange")
    assert pid not in children_of_this()


@pytest.mark.processes
def test_an_exchange_that_has_died_is_told_and_can_be_closed() -> None:
    others = children_of_this()
    started = ExchangeProcess(exchange_options(ClockSpec.starting_now(), [series_named("btc-5m")]))
    (pid,) = children_of_this() - others
    assert started.loss() == ""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    told = "the local exchange has ended by signal 9, so nothing can be traded"
    assert [started.loss(), started.loss()] == [told, told]
    started.close()


@pytest.mark.processes
def test_why_an_exchange_does_not_start_is_said_in_a_sentence(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text("[chance]\nexplode = 1.0\n")
    others = children_of_this()
    options = exchange_options(ClockSpec.starting_now(), [series_named("btc-5m")], faults=faults)
    told = f"the local exchange did not start: {faults}: there is no fault 'explode'"
    with pytest.raises(ExchangeFailed, match=told):
        ExchangeProcess(options)
    assert children_of_this() == others
