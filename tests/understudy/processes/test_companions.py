from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import pytest
from unused_port import unused_port

from actors.settings import Settings
from actors.watcher_settings import MetricsSettings
from understudy.credentials.private_key import FILE_VARIABLE, KEY_VARIABLE
from understudy.drill.processes import MARK, marked, wait_for
from understudy.processes import companions
from understudy.processes.companions import Companions
from understudy.processes.exit_codes import ExitCode

pytestmark = pytest.mark.processes
REPOSITORY = Path(__file__).parents[3]
SETTINGS = Settings(metrics=MetricsSettings(enabled=True))


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, _level: str, text: str) -> None:
        self.lines.append(text)


def until(condition: Callable[[], object]) -> None:
    assert wait_for(condition, 60)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have companions run a program of the test's own in place of the command."""
    path = tmp_path / "program.py"

    def write(program: str, arguments: Sequence[str] = ("watch",)) -> None:
        path.write_text(program)
        words = [sys.executable, str(path)]
        monkeypatch.setattr(companions, "module_command", lambda *_words: words)
        monkeypatch.setattr(companions, "_wanted", lambda _settings: [("watcher", arguments)])

    return write


def test_none_is_started_unless_a_setting_says_so(tmp_path: Path) -> None:
    heard = Heard()
    with Companions(Settings(), tmp_path, heard) as idle:
        idle.beat()
    assert heard.lines == []


def test_one_that_falls_is_started_again_later_and_later(
    tmp_path: Path, programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(companions, "_BACKOFF_FIRST_S", 0.0)
    started = tmp_path / "started"
    programs(f"open({str(started)!r}, 'a').write('x')\nraise SystemExit(7)")
    heard = Heard()
    with Companions(SETTINGS, tmp_path, heard) as all_of_them:
        until(lambda: all_of_them.beat() or started.exists())
        until(lambda: all_of_them.beat() or heard.lines)
    assert heard.lines == ["watcher ended with status 7; it is started again"]


def test_one_that_falls_after_it_has_served_for_long_is_started_again_soon(tmp_path: Path) -> None:
    all_of_them = Companions(SETTINGS, tmp_path, Heard())
    (fallen,) = all_of_them._all
    fallen.backoff_s, fallen.started_at_s = 32.0, time.monotonic() - 10
    all_of_them._put_off(fallen)
    assert fallen.backoff_s == 60.0
    fallen.started_at_s = time.monotonic() - 100
    all_of_them._put_off(fallen)
    assert fallen.due_at_s - time.monotonic() <= 1.0


@pytest.mark.parametrize("code", [ExitCode.BAD_INPUT, ExitCode.LOCKED])
def test_one_that_cannot_run_is_given_up_and_says_what_to_try(
    tmp_path: Path, programs, code: ExitCode
) -> None:
    programs(f"raise SystemExit({int(code)})")
    heard = Heard()
    with Companions(SETTINGS, tmp_path, heard) as all_of_them:
        until(lambda: all_of_them.beat() or heard.lines)
        for _ in range(10):
            all_of_them.beat()
    assert heard.lines == [f"watcher cannot run (exit code {int(code)}): try `understudy watch`"]


def test_it_is_given_no_key_and_comes_after_whoever_trades(
    tmp_path: Path, programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "0x" + "11" * 32)
    monkeypatch.setenv(FILE_VARIABLE, "/proc/1/fd/3")
    told = tmp_path / "told"
    programs(
        "import os, time, pathlib\n"
        f"names = sorted(n for n in os.environ if n.startswith('UNDERSTUDY_'))\n"
        f"pathlib.Path({str(told)!r}).write_text(f'{{names}} {{os.nice(0)}}')\n"
        "time.sleep(600)"
    )
    with Companions(SETTINGS, tmp_path, Heard()) as all_of_them:
        until(lambda: all_of_them.beat() or (told.exists() and told.read_text()))
    assert told.read_text() == f"[] {min(19, os.nice(0) + 10)}"


def test_one_that_does_not_end_is_ended(
    tmp_path: Path, programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(companions, "_END_LIMIT_S", 0.1)
    mark = f"companion-{os.getpid()}"
    monkeypatch.setenv(MARK, mark)
    ready = tmp_path / "ready"
    programs(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(ready)!r}, 'w').close()\ntime.sleep(600)"
    )
    with Companions(SETTINGS, tmp_path, Heard()) as all_of_them:
        until(lambda: all_of_them.beat() or ready.exists())
        assert marked(mark)
    assert not marked(mark)


class Process:
    """A companion's process that ends when it is killed, and only then."""

    def __init__(self, *_command: object, **_options: object) -> None:
        self.signals: list[str] = []
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def terminate(self) -> None:
        self.signals.append("TERM")

    def kill(self) -> None:
        self.signals.append("KILL")
        self.returncode = -9


def test_watchers_follow_other_settings_and_none_is_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Process] = []

    def start(*command: object, **options: object) -> Process:
        made.append(Process(*command, **options))
        return made[-1]

    monkeypatch.setattr(companions.subprocess, "Popen", start)
    now_s = 1_000.0
    monkeypatch.setattr(companions.time, "monotonic", lambda: now_s)
    heard = Heard()
    watchers = Companions(Settings(), tmp_path, heard)
    watchers.adopt(SETTINGS)
    watchers.beat()
    watchers.adopt(SETTINGS)
    watchers.beat()
    assert [each.signals for each in made] == [[]], "one is started, and asked for again it stays"
    watchers.adopt(Settings())
    watchers.adopt(SETTINGS)
    watchers.beat()
    assert [each.signals for each in made] == [["TERM"]], "the next one waits until it is gone"
    now_s += companions._END_LIMIT_S
    watchers.beat()
    watchers.beat()
    assert [each.signals for each in made] == [["TERM", "KILL"], []]
    assert heard.lines == [], "nobody fell"


def test_a_killed_run_leaves_no_companion(tmp_path: Path) -> None:
    mark = f"companion-of-the-killed-{os.getpid()}"
    code = (
        "import pathlib, sys, time, actors.settings as s\n"
        "from understudy.processes.companions import Companions\n"
        "settings = s.Settings(metrics=s.MetricsSettings(enabled=True, port=int(sys.argv[2])))\n"
        "with Companions(settings, pathlib.Path(sys.argv[1]), print) as them:\n"
        "    while True: them.beat(); time.sleep(0.05)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(unused_port())],
        cwd=REPOSITORY,
        env={**os.environ, MARK: mark},
        stdout=subprocess.DEVNULL,
    ) as run:
        until(lambda: len(marked(mark)) > 1)
        run.send_signal(signal.SIGKILL)
    until(lambda: not marked(mark))


def test_settings_name_what_is_started() -> None:
    port = attrs.evolve(SETTINGS, metrics=MetricsSettings(enabled=True, port=1234))
    assert companions._wanted(port) == [("metrics", ("metrics", "--port", "1234"))]
