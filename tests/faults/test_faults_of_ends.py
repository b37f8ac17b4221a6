"""F32, F50: whatever ends a run, short of its sudden death, ends its orders first."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from live_onlookers import LiveExchange
from run_stage import LiveRun, SystemInTerminal, watched

from actors.runtime.journal import JOURNAL_NAME
from actors.runtime.log import LOG_NAME
from understudy.processes.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def falls_of(run: LiveRun) -> list[str]:
    told = run.log_lines("supervisor") + run.log_lines("foreground")
    return [line for line in told if "crashed" in line]


def test_f32_several_signals_that_end_a_run_end_its_orders_first(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path)
    with watched(run):
        run.until_an_order_rests()
        # A window manager, a shell and the kernel may each send one.
        for number in (signal.SIGQUIT, signal.SIGHUP, signal.SIGRTMIN + 3):
            os.kill(run.system.foreground_pid, number)
        run.assert_ended_in_order(ExitCode.OK)
    assert run.unfinished() == []


def test_f32_a_service_manager_that_tells_every_process_at_once_leaves_no_order(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path, "supervision.layout=isolated")
    with watched(run):
        run.until_an_order_rests()
        falls = falls_of(run)
        run.tell_all(signal.SIGTERM)
        run.assert_ended_in_order(ExitCode.OK)
        assert falls_of(run) == falls  # no actor leaves before its orders have ended
    assert run.unfinished() == []


def test_f32_a_terminal_cannot_suspend_a_run_and_one_that_was_stopped_goes_on_until_it_is_closed(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path, kind=SystemInTerminal)
    with watched(run):
        before = run.until_whole()
        for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            run.system.tell(number)
        assert run.until_whole().supervisor_pid == before.supervisor_pid
        run.system.tell(signal.SIGSTOP)
        run.until("it is stopped", run.is_stopped)
        run.let_pass(4.0)  # more than a supervisor may be silent
        run.system.tell(signal.SIGCONT)
        assert run.until_whole().supervisor_pid == before.supervisor_pid
        run.until_an_order_rests()
        assert isinstance(run.system, SystemInTerminal)
        run.system.terminal.close()
        run.assert_ended_in_order(ExitCode.OK)
    assert run.unfinished() == []


def test_f50_a_record_that_the_foreground_cannot_read_ends_the_orders_before_the_run(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path)
    with watched(run):
        run.until_an_order_rests()
        with contextlib.closing(sqlite3.connect(tmp_path / JOURNAL_NAME)) as journal:
            # Only the foreground reads what the desk has recorded, while the desk lives.
            journal.execute(
                "CREATE TRIGGER unreadable AFTER UPDATE ON state WHEN NEW.class != 'no:Such' AND "
                "NEW.kind = 'desk' BEGIN UPDATE state SET class = 'no:Such' WHERE kind = 'desk'; "
                "END"
            )
            journal.execute("UPDATE state SET class = class WHERE kind = 'desk'")
            journal.commit()
        run.assert_ended_in_order(ExitCode.JOURNAL_UNUSABLE)
        assert "record of desk desk cannot be read" in run.system.last_words()
        assert "Traceback" not in (tmp_path / LOG_NAME).read_text()

        run.system.start()  # what cannot be spared keeps the next run from starting
        assert run.system.wait_for_end(60.0) == ExitCode.JOURNAL_UNUSABLE
        assert "record of desk desk cannot be read" in run.system.last_words()
