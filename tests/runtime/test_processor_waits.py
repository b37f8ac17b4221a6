"""How long a process has waited for a processor is read from the kernel."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from actors.runtime.processor_waits import ProcessorWaits
from understudy.drill.processes import Allowance

LIMIT_S = 60.0


def spin() -> int:
    """A process that wants a processor all the time, on the first one only."""
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        while True:
            pass
    return pid


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the kernel does not count")
def test_two_that_share_a_processor_wait_for_it_and_one_that_sleeps_does_not() -> None:
    both = [spin(), spin()]
    sleeper = os.fork()
    if sleeper == 0:
        signal.pause()
    try:
        waits = ProcessorWaits()
        first = waits.since_last_ms([*both, sleeper])
        waited = dict.fromkeys(both, 0)
        allowance = Allowance(LIMIT_S)
        while min(waited.values()) < 50:
            assert not allowance.is_used_up()
            for pid, wait_ms in waits.since_last_ms(both).items():
                waited[pid] += wait_ms
        assert set(first.values()) == {0}
    finally:
        for pid in (*both, sleeper):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert ProcessorWaits().since_last_ms([pid]) == {pid: 0}
