"""`understudy watch` shows what a system that was started elsewhere says of itself."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from watched import running, status

from understudy.commands import watch as watch_module
from understudy.commands.watch import _follow
from understudy.data_dir.last_run import note_begin, note_end
from understudy.display.live_view import LiveView
from understudy.drill.processes import Allowance
from understudy.processes.exit_codes import ExitCode
from understudy.watching import observation
from understudy.watching.observation import ask_status

LIMIT_S = 60.0
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"

pytestmark = pytest.mark.processes


class Screen:
    """A terminal of 120 columns and 40 rows with the command in it."""

    def __init__(self, data_dir: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "understudy", "watch", "--data-dir", str(data_dir)],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            env={**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm"},
        )
        os.close(theirs)

    def until(self, text: bytes) -> None:
        allowance = Allowance(LIMIT_S)
        while text not in self.seen:
            assert not allowance.is_used_up(), self.seen[-2000:]
            if select.select([self._ours], [], [], 0.1)[0]:
                self.seen += self._read()

    def ended(self) -> tuple[int, str]:
        """Everything it still writes, its exit code and what it says on stderr."""
        while data := self._read():
            self.seen += data
        _, stderr = self.process.communicate()
        return self.process.returncode, stderr.decode()

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, 65_536)
        except OSError:  # nobody has it open any more
            return b""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def test_two_people_watch_one_system_and_it_runs_on_without_them(
    tmp_path: Path, screens: list[Screen]
) -> None:
    with running(tmp_path, status()):
        screens += [Screen(tmp_path), Screen(tmp_path)]
        for screen in screens:
            screen.until(b"btc-updown-15m-1750000500")
        for screen in screens:
            screen.process.send_signal(signal.SIGINT)
        for screen in screens:
            assert screen.ended() == (ExitCode.OK, "")
            assert screen.seen.count(ENTER) == screen.seen.count(LEAVE) == 1
        assert ask_status(tmp_path).now_ms == status().now_ms


def test_a_run_that_ends_ends_the_view_and_says_why(tmp_path: Path, screens: list[Screen]) -> None:
    with running(tmp_path, status()):
        screens.append(Screen(tmp_path))
        screens[0].until(b"btc-updown-15m-1750000500")
        note_begin(tmp_path)
        note_end(tmp_path, "2 windows have settled", 0)
    code, stderr = screens[0].ended()
    assert code == ExitCode.OK
    assert stderr == "understudy: the newest run has ended: 2 windows have settled\n"


@pytest.mark.parametrize(("is_there", "words"), [(True, "no understudy runs on"), (False, "")])
def test_a_run_that_is_not_there_is_one_sentence(
    tmp_path: Path, screens: list[Screen], is_there: bool, words: str
) -> None:
    screens.append(Screen(tmp_path if is_there else tmp_path / "nowhere"))
    code, stderr = screens[0].ended()
    assert code == (ExitCode.FAILED if is_there else ExitCode.BAD_INPUT)
    assert words in stderr
    assert stderr.count("\n") == 1


def test_without_a_terminal_it_names_the_command_for_programs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "understudy", "watch", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.BAD_INPUT
    assert "understudy ps --json" in done.stderr


def test_a_terminal_that_fails_ends_the_view(tmp_path: Path) -> None:
    with LiveView(is_terminal=False, tell=print) as live:
        assert _follow(live, tmp_path, status(), ["the terminal cannot be written to"]) == ""


def test_a_system_that_hangs_is_given_up_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(observation, "holder_of", lambda _directory: 1)  # as from another process
    with running(tmp_path, status()), LiveView(is_terminal=False, tell=print) as live:
        (tmp_path / "control.sock").unlink()
        assert "no understudy runs on" in _follow(live, tmp_path, status(), [])
