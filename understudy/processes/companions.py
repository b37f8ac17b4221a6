"""Watcher processes beside a run: started with it, restarted when they crash, ended last.

They have no part in trading: whatever one of them does, the run only logs it.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import attrs

from actors.runtime.process_ties import end_with_parent
from actors.settings import Settings
from understudy.processes.exit_codes import ExitCode
from understudy.processes.isolation import module_command

_BACKOFF_FIRST_S = 1.0
_BACKOFF_MAX_S = 60.0
_END_LIMIT_S = 4.0
"""How long one may take to end; less than any process may outlive its run."""
_NICENESS = 10
_OUR_PREFIX = "UNDERSTUDY_"
_HANDED_ON = ("UNDERSTUDY_ALERTS", "UNDERSTUDY_DRILL")
"""Variables of ours, which may name secrets; a watcher gets only those that it needs."""
_HOPELESS = (ExitCode.BAD_INPUT, ExitCode.LOCKED)
"""Exit codes that another attempt would not change."""

LogLine = Callable[[str, str], None]


@attrs.define
class _Companion:
    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    due_at_s: float = 0.0
    backoff_s: float = _BACKOFF_FIRST_S
    is_given_up: bool = False
    gone_by_s: float | None = None
    """The watcher is no longer wanted, and is killed if it still runs at that time."""


class Companions:
    """The watchers that a run's settings enable."""

    def __init__(self, settings: Settings, data_dir: Path, log: LogLine) -> None:
        self._log = log
        self._data_dir = data_dir
        self._all = [_Companion(name, arguments) for name, arguments in _wanted(settings)]

    def adopt(self, settings: Settings) -> None:
        """Switch to the watchers that other settings enable; never waits."""
        wanted = dict(_wanted(settings))
        for each in self._all:
            if each.gone_by_s is None and wanted.get(each.name) == each.arguments:
                del wanted[each.name]
            elif each.gone_by_s is None:
                each.gone_by_s = time.monotonic() + _END_LIMIT_S
                if each.process is not None:
                    each.process.terminate()
        self._all += [_Companion(name, arguments) for name, arguments in wanted.items()]

    def beat(self) -> None:
        """Start missing watchers that may be started, and end unwanted ones; never waits."""
        for each in self._all:
            if each.process is not None and each.process.poll() is not None:
                self._note_end(each, each.process.returncode)
            elif each.process is not None and time.monotonic() >= (each.gone_by_s or math.inf):
                each.process.kill()
        self._all = [each for each in self._all if each.process or each.gone_by_s is None]
        leaving = {each.name for each in self._all if each.gone_by_s is not None}
        for each in self._all:
            is_due = time.monotonic() >= each.due_at_s
            if (
                each.process is None
                and is_due
                and not each.is_given_up
                and each.name not in leaving
            ):
                self._start(each)

    def _start(self, each: _Companion) -> None:
        command = module_command("understudy", *each.arguments)
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_OUR_PREFIX) or name.startswith(_HANDED_ON)
        }
        try:
            each.started_at_s = time.monotonic()
            # Its own session: a Ctrl-C is for the run, which ends the watcher in its turn.
            each.process = subprocess.Popen(  # noqa: S603 # our own module, our own arguments
                [*command, "--data-dir", str(self._data_dir)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                preexec_fn=_giving_way(),
            )
        except OSError as error:
            self._log("warning", f"{each.name} was not started: {error.strerror}")
            self._put_off(each)

    def _note_end(self, each: _Companion, code: int) -> None:
        each.process = None
        if each.gone_by_s is not None:
            return
        if code in _HOPELESS:
            each.is_given_up = True
            command = " ".join(["understudy", *each.arguments])
            self._log("warning", f"{each.name} cannot run (exit code {code}): try `{command}`")
            return
        self._log("warning", f"{each.name} ended with status {code}; it is started again")
        self._put_off(each)

    def _put_off(self, each: _Companion) -> None:
        if each.started_at_s and time.monotonic() - each.started_at_s > _BACKOFF_MAX_S:
            # it had served well, so this crash counts as the first
            each.backoff_s = _BACKOFF_FIRST_S
        each.due_at_s = time.monotonic() + each.backoff_s
        each.backoff_s = min(_BACKOFF_MAX_S, each.backoff_s * 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_what: object) -> None:
        """End all watchers, by force if they do not exit."""
        running = [each.process for each in self._all if each.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _END_LIMIT_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wanted(settings: Settings) -> list[tuple[str, Sequence[str]]]:
    wanted: list[tuple[str, Sequence[str]]] = []
    if settings.metrics.enabled:
        wanted.append(("metrics", ("metrics", "--port", str(settings.metrics.port))))
    if settings.alerts.enabled:
        wanted.append(("alerts", ("alerts", "watch")))
    if settings.web.enabled:
        page = settings.web
        words = ["web", "--host", page.host, "--port", str(page.port)]
        words += [word for name in page.names for word in ("--name", name)]
        words += ["--login"] if page.login else []
        wanted.append(("web", words))
    return wanted


def _giving_way() -> Callable[[], None]:
    """Give a process a lower priority than trading, and end it when the run is gone."""
    tie = end_with_parent(signal.SIGTERM)

    def give_way() -> None:
        os.nice(_NICENESS)
        tie()

    return give_way
