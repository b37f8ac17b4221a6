"""A journal that is damaged: whole runs with signed orders, none of which is left unknown."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest
from live_onlookers import LiveExchange
from run_stage import LiveRun, watched

from actors.runtime.journal_file import JOURNAL_NAME
from understudy.processes.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def damage(data_dir: Path, kind: str) -> None:
    """Change a byte of every open row of a kind, as a bad disk or another hand would."""
    connection = sqlite3.connect(data_dir / JOURNAL_NAME, timeout=10)
    with connection:
        connection.execute(
            "UPDATE state SET body = '[' || substr(body, 2) WHERE kind = ? AND is_open = 1", (kind,)
        )
    connection.close()


def left_by_a_kill(run: LiveRun) -> frozenset[str]:
    """The venue's ids of orders that rest there although all of the run has been killed."""
    while True:
        run.until_an_order_rests()
        run.system.kill_all()
        left = run.books().open_ids
        if left:
            return left
        run.system.start()  # they were matched meanwhile


def names_an_order(line: str) -> bool:
    return "is set aside, nobody follows it any more" in line


def test_orders_whose_record_is_damaged_are_set_aside_and_taken_back_and_the_rest_goes_on(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path)
    with watched(run):
        lost = left_by_a_kill(run)
        damage(tmp_path, "live")
        run.system.start()
        run.until("they are named", lambda: [*filter(names_an_order, run.log_lines("foreground"))])
        run.until("they are taken back", lambda: not lost & run.books().open_ids)
        run.system.tell(signal.SIGTERM)
        run.assert_ended_in_order(ExitCode.OK)
