"""The faults of a soak besides kills of actors."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
from collections.abc import Callable, Mapping

from actors.runtime.log import LOG_NAME, ROTATE_AT_BYTES
from understudy.control import ControlError, NotRunning, ask
from understudy.drill import processes
from understudy.drill.conduct import Drill, DrillFailed
from understudy.drill.system import DrilledSystem
from understudy.drill.witness import ask_exchange
from understudy.processes.exit_codes import ExitCode
from understudy.soak.sampling import use_of
from understudy.watching.observation import size_of

HOLD_S = 15.0
"""How long a fault lasts that does not end by itself; less in a short soak."""
_SKEW_MS = 20_000
_FILE_LIMIT_BYTES = 70_000
"""More than a run needs to record its end, and less than the size of its journal's log."""
_LIMIT_S = 60.0
_LINE = b"2026-01-01T00:00:00.000Z INFO    soak             so that the log is rotated\n"

Wait = Callable[[float], object]
"""Lets this many seconds pass; sampling goes on meanwhile."""


class Troubles:
    """Injects faults, and reports what does not recover."""

    def __init__(
        self, drill: Drill, system: DrilledSystem, exchange_url: str, watchers: tuple[str, ...]
    ) -> None:
        self._drill = drill
        self._system = system
        self._url = exchange_url
        self._watchers = watchers
        self._reloads = 0

    @property
    def by_name(self) -> Mapping[str, Callable[[Wait, float], None]]:
        """Every kind; each is given a way to wait, and its duration."""
        return {
            "credentials expire": self._expire_credentials,
            "the clock is set": self._set_clock,
            "the disk fills": self._fill_disk,
            "the log is rotated": self._rotate_log,
            "settings are reloaded": self._reload,
            "watchers are killed": self._kill_watchers,
        }

    def _expire_credentials(self, wait: Wait, hold_s: float) -> None:
        """Refuse all credentials of the price feed for a while, on open connections too."""
        self._inject(kind="refuse_credentials", channel="polybolt")
        self._inject(kind="drop", channel="polybolt")
        wait(hold_s)
        self._inject(kind="resume", channel="polybolt")

    def _set_clock(self, wait: Wait, hold_s: float) -> None:
        """Make the venue's clock, which all others follow, jump ahead and back."""
        self._inject(kind="clock_skew", for_ms=_SKEW_MS)
        wait(hold_s)
        self._inject(kind="clock_skew", for_ms=0)

    def _fill_disk(self, wait: Wait, hold_s: float) -> None:
        """Prevent the run's files from growing; it must end in order, and the next one go on."""
        del wait, hold_s
        for pid in self._system.pids():
            with contextlib.suppress(ProcessLookupError):
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FILE_LIMIT_BYTES, hard))
        code = self._system.wait_for_end(_LIMIT_S)
        if code is None:
            raise DrillFailed(f"the run did not end in {_LIMIT_S:g} s without room for a record")
        if code != ExitCode.JOURNAL_UNUSABLE:
            words = self._system.last_words()
            self._drill.verdict.findings.append(f"a full disk ended the run with {code}: {words}")
        self._drill.start_again()

    def _rotate_log(self, wait: Wait, hold_s: float) -> None:
        """Make the log so long that the run rotates it."""
        path = self._system.data_dir / LOG_NAME
        with path.open("ab") as file:
            file.write(_LINE * (1 + ROTATE_AT_BYTES // len(_LINE)))
        wait(min(hold_s, 1.0))
        if not processes.wait_for(lambda: size_of(path) < ROTATE_AT_BYTES, _LIMIT_S):
            self._drill.verdict.findings.append(f"{path} was not rotated")

    def _reload(self, wait: Wait, hold_s: float) -> None:
        """Put another limit in force."""
        del wait, hold_s
        self._reloads += 1
        setting = f"strategy.max_trade_shares={900 + self._reloads % 2}"
        try:
            ask(self._system.data_dir, "reload", assignments=[setting])
        except (NotRunning, ControlError) as error:
            self._drill.verdict.findings.append(f"a reload was refused: {error}")

    def _kill_watchers(self, wait: Wait, hold_s: float) -> None:
        """Kill every watcher beside the run, which must restart it."""
        killed = {name: self._watcher_pids(name) for name in self._watchers}
        for pids in killed.values():
            processes.send(signal.SIGKILL, pids)
        wait(min(hold_s, 1.0))
        for name, old in killed.items():
            if not processes.wait_for(lambda: self._watcher_pids(name) - old, _LIMIT_S):  # noqa: B023 # called here
                self._drill.verdict.findings.append(f"{name} was not restarted")

    def _watcher_pids(self, command: str) -> frozenset[int]:
        return frozenset(
            pid
            for pid in self._system.pids()
            if processes.command_of(pid) == command and use_of(pid) is not None
        )

    def _inject(self, **fault: object) -> None:
        ask_exchange(f"{self._url}/admin/faults", json.dumps(fault).encode())
