"""A journal that is damaged: whole runs with signed orders, none of which is left unknown."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest
from live_onlookers import LiveExchange
from run_stage import LiveRun, watched

from actors.runtime.journal_file import JOURNAL_NAME
from understudy.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def damage(data_dir: Path, kind: str) -> None:
    """Change a byte of every open row of a kind, as a bad disk or another hand would."""
    connection = sqlite3.connect(data_dir / JOURNAL_NAME, timeout=10)
    with connection:
        connection.execute(
            "UPDATE state SET body = '[' || substr(body, 2) WHERE kind = ? AND is_open = 1", (kind,)
        )
    connection.close()


def sentences(run: LiveRun) -> list[str]:
    return [line for line in run.system.last_words().splitlines() if "understudy: " in line]


def test_orders_whose_record_is_damaged_are_set_aside_and_taken_back_and_the_rest_goes_on(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path)
    with watched(run):
        run.until_an_order_rests()
        run.system.kill_all()
        lost = run.books().open_ids
        assert lost
        damage(tmp_path, "live")
        run.system.start()
        run.until("they are taken back", lambda: not lost & run.books().open_ids)
        run.until_whole()
        assert [line for line in run.log_lines("foreground") if "is set aside" in line]
        run.system.tell(signal.SIGTERM)
        run.assert_ended_in_order(ExitCode.OK)


def test_damage_to_what_cannot_be_spared_takes_all_orders_back_and_is_one_sentence(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path)
    with watched(run):
        run.until_an_order_rests()

        def has_ended() -> bool:
            damage(tmp_path, "desk")  # again: the desk may have written its row anew
            return run.system.wait_for_end(0.2) is not None

        run.until("it is noticed", has_ended)
        run.assert_ended_in_order(ExitCode.JOURNAL_UNUSABLE)
        assert "Traceback" not in (tmp_path / "understudy.log").read_text()
        assert "record of desk desk cannot be read" in sentences(run)[-1]

        run.system.start()
        run.assert_ended_in_order(ExitCode.JOURNAL_UNUSABLE)
        assert "record of desk desk cannot be read" in sentences(run)[-1]
