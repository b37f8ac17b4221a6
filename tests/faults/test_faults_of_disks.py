"""F27, F52: a disk that is full or stalls: it costs time, or there is one clear end."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_onlookers import LiveExchange
from onlookers import LIMIT_S, understudy
from run_stage import LiveRun, SystemInTerminal, watched
from stalling_disk import COMPILER, StallingDisk

from understudy.processes.exit_codes import ExitCode

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(COMPILER is None, reason="a C compiler makes the disk stall"),
]

SYNCED = "execution.durability=full"
LIMITS = ("supervision.heartbeat_limit_ms=3000", "supervision.max_restarts=5")


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Iterator[StallingDisk]:
    disk = StallingDisk(tmp_path_factory.mktemp("disk"))
    for name, value in disk.variables.items():
        monkeypatch.setenv(name, value)
    yield disk
    disk.go_on()


def taken_for_hung(run: LiveRun) -> list[str]:
    return [line for line in run.log_lines("supervisor") if "hung" in line or "giving up" in line]


def test_f52_a_disk_that_stalls_costs_time_and_no_actor_or_beyond_its_limit_ends_the_run_once(
    live: LiveExchange, tmp_path: Path, disk: StallingDisk
) -> None:
    run = LiveRun(live, tmp_path, SYNCED, *LIMITS)
    with watched(run):
        run.until_an_order_rests()
        before = taken_for_hung(run)
        disk.stall(LIMIT_S)
        run.let_pass(4.0)
        disk.go_on()
        run.until_whole()
        run.until_an_order_is_new()
        assert taken_for_hung(run) == before
        run.until_an_order_rests()
        disk.stall(LIMIT_S)
        run.let_pass(12.0)
        disk.go_on()
        run.assert_ended_in_order(ExitCode.JOURNAL_UNUSABLE)
        (given_up,) = set(taken_for_hung(run)) - set(before)
        assert "the disk has completed no record" in given_up
        assert "the disk has completed no record" in run.system.last_words()
        run.system.start()
        run.until_whole()
        run.system.tell(signal.SIGTERM)
        run.assert_ended_in_order(ExitCode.OK)
    assert run.unfinished() == []
    assert run.findings() == []


def test_f27_a_disk_that_takes_no_more_is_one_end_and_one_sentence_and_the_next_run_goes_on(
    live: LiveExchange, tmp_path: Path, disk: StallingDisk
) -> None:
    run = LiveRun(live, tmp_path, SYNCED, *LIMITS, kind=SystemInTerminal)  # it cannot be full
    with watched(run):
        run.until_an_order_rests()
        disk.fill(errno.ENOSPC)
        run.assert_ended_in_order(ExitCode.JOURNAL_UNUSABLE)
        told = [line for line in run.system.last_words().splitlines() if "understudy: " in line]
        (sentence,) = [line for line in told if "whether" not in line]
        assert "is full" in sentence
        assert "what was recorded is safe" in sentence

        refused = understudy("run", "--demo", "--data-dir", str(tmp_path))
        assert refused.returncode == ExitCode.JOURNAL_UNUSABLE
        (sentence,) = refused.stderr.splitlines()
        assert "is full" in sentence
        assert "what was recorded is safe" in sentence
        examined = understudy("doctor", "--data-dir", str(tmp_path))
        (line,) = [line for line in examined.stdout.splitlines() if " disk " in line]
        assert line.startswith("fail")
        assert "is full" in line

        disk.go_on()
        run.system.start()
        run.until_whole()
        run.system.tell(signal.SIGTERM)
        run.assert_ended_in_order(ExitCode.OK)
    assert run.unfinished() == []
