"""F48, F49: neither the terminal nor the data directory's name decides whether a run goes on."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from live_onlookers import LiveExchange
from run_stage import LiveRun, SystemInTerminal, watched

from understudy.processes.exit_codes import ExitCode

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def shown(command: str, *options: str, encoding: str = "utf-8") -> str:
    """What a command prints for a run's directory; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "understudy", command, *options],
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "200"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    return done.stdout.decode(encoding)


class AsciiTerminal(SystemInTerminal):
    encoding = "ascii"


def test_f49_a_terminal_without_utf_8_shows_all_and_once_it_takes_nothing_holds_up_nothing(
    live: LiveExchange, tmp_path: Path
) -> None:
    run = LiveRun(live, tmp_path, kind=AsciiTerminal)
    with watched(run):
        run.until_an_order_rests()
        assert isinstance(run.system, AsciiTerminal)
        terminal = run.system.terminal
        run.until("it is drawn", lambda: "settled" in terminal.text)
        here = ("--data-dir", str(tmp_path))
        assert "market-state" in shown("ps", *here, encoding="ascii")
        assert "btc-updown" in shown("orders", *here, encoding="ascii")
        assert shown("report", *here, encoding="ascii").strip()
        terminal.takes_more.clear()
        run.until("the terminal is full", terminal.is_full)
        run.until_an_order_rests()
        run.system.tell(signal.SIGTERM)
        run.until("nothing rests any more", lambda: not run.books().open_ids)
        terminal.takes_more.set()
        run.assert_ended_in_order(ExitCode.OK)
        assert terminal.text.isascii()


NAME = b'what?#1 100%41 it\'s "quoted" [bold] \\ caf\xe9 \xff'


def test_f48_a_data_directory_may_have_any_name(live: LiveExchange, tmp_path: Path) -> None:
    directory = tmp_path / os.fsdecode(NAME)
    directory.mkdir(mode=0o700)
    run = LiveRun(live, directory)
    with watched(run):
        run.until_an_order_rests()
        here = ("--data-dir", str(directory))
        assert "market-state" in shown("ps", *here)
        assert "halted" in shown("halt", *here)
        assert "trading" in shown("resume", *here)
        for command in ("orders", "report"):
            assert shown(command, *here)
        run.system.tell(signal.SIGTERM)
        run.assert_ended_in_order(ExitCode.OK)
    assert run.unfinished() == []
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [NAME]
    ours = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    private = {name: mode for name, mode in ours.items() if "journal" in name or ".log" in name}
    assert set(private.values()) == {0o600}, ours
