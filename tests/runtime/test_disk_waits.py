"""F52: that a process waits for the disk is known to whoever shares memory with it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_journal import open_journal, save

from actors.runtime.disk_waits import disk_wait_ms, waiting_for_disk
from actors.runtime.journal_file import prepare
from understudy.drill.processes import Allowance, wait_for

LIMIT_S = 30.0


def until_waiting(pid: int, *, is_wanted: bool = True) -> int:
    allowance = Allowance(LIMIT_S)
    while bool(waited_ms := disk_wait_ms(pid)) is not is_wanted:
        assert not allowance.is_used_up()
        time.sleep(0.001)
    return waited_ms


@pytest.fixture
def waiting_child(tmp_path: Path) -> Iterator[int]:
    """A process that waits for its turn, because another has the journal's lock."""
    prepare(tmp_path)
    other = open_journal(tmp_path, "desk")._connection
    other.execute("BEGIN IMMEDIATE")
    pid = os.fork()
    if pid == 0:
        open_journal(tmp_path, "executor").record(save(1), at_ms=1)
        signal.pause()
        os._exit(0)
    try:
        until_waiting(pid)
        yield pid
    finally:
        other.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_process_that_waits_for_its_turn_to_write_is_seen_to_wait(waiting_child: int) -> None:
    first_ms = until_waiting(waiting_child)
    assert wait_for(lambda: disk_wait_ms(waiting_child) >= first_ms + 20, LIMIT_S)


def test_a_process_that_was_stopped_in_its_wait_does_not_wait_for_the_disk(
    waiting_child: int,
) -> None:
    os.kill(waiting_child, signal.SIGSTOP)
    until_waiting(waiting_child, is_wanted=False)
    os.kill(waiting_child, signal.SIGCONT)
    until_waiting(waiting_child)


def fail_within_two_waits() -> None:
    with waiting_for_disk():
        with waiting_for_disk():
            assert disk_wait_ms(os.getpid()) > 0
        assert disk_wait_ms(os.getpid()) > 0
        raise OSError("full")


def test_a_wait_ends_with_its_outermost_block_and_whatever_ended_it() -> None:
    assert disk_wait_ms(os.getpid()) == 0
    with pytest.raises(OSError, match="full"):
        fail_within_two_waits()
    assert disk_wait_ms(os.getpid()) == 0


def test_a_process_of_whom_nothing_is_known_does_not_wait() -> None:
    assert disk_wait_ms(1) == 0
