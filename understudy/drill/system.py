"""The system under drill: ``understudy run`` as a process, observed and hit from outside."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from actors.roles import is_of_series, series_role
from actors.runtime.process_ties import end_with_parent
from actors.supervision.messages import ChildReport
from understudy import control
from understudy.composition import ACTORS
from understudy.display.status import children_of
from understudy.drill import processes
from understudy.drill.plan import ONE_SERIES
from understudy.processes.isolation import module_command

STDERR_NAME, STDOUT_NAME = "stderr.txt", "stdout.txt"
OUTLIVE_LIMIT_S = 5.0
"""The longest that a process may outlive its system (invariant 8)."""
_LAST_WORDS_BYTES = 2_000

PERMANENT = tuple(ACTORS)
"""Roles that are always served, in a run of one series."""


def permanent_roles(series: Sequence[str]) -> tuple[str, ...]:
    """Roles that are always served in a run of these series."""
    if len(series) == 1:
        return PERMANENT
    return tuple(
        role
        for base in PERMANENT
        for role in ([series_role(base, one) for one in series] if is_of_series(base) else [base])
    )


class RunEnded(Exception):
    """The system ended although nobody had ended it; the sentence contains its last words."""


@attrs.frozen
class Seen:
    """A running system at one instant, as ``understudy ps`` reports it."""

    supervisor_pid: int
    admin_pid: int
    children: tuple[ChildReport, ...]
    permanent: tuple[str, ...] = PERMANENT
    """Roles that are always served."""

    def child(self, role: str) -> ChildReport | None:
        """A role's row; None while nobody has the role."""
        return next((child for child in self.children if child.role == role), None)


class DrilledSystem:
    """Starts, observes and ends one system; restarted, it is the same system recovered."""

    def __init__(
        self, data_dir: Path, options: Sequence[str], series: Sequence[str] = ONE_SERIES
    ) -> None:
        self.data_dir = data_dir
        self.series = tuple(series)
        self.mark = secrets.token_hex(8)
        self._command = module_command("understudy", "run", "--data-dir", str(data_dir))
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def foreground_pid(self) -> int:
        """Process id of ``understudy run``."""
        return self._running.pid

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("the system was never started")
        return self._process

    @property
    def has_ended(self) -> bool:
        """Whether the foreground process is gone."""
        return self._running.poll() is not None

    def start(self) -> None:
        """Start it, as a service manager would."""
        with (
            (self.data_dir / STDOUT_NAME).open("wb") as stdout,
            (self.data_dir / STDERR_NAME).open("ab") as stderr,
        ):
            self._process = subprocess.Popen(  # noqa: S603 # our own command, our own options
                [*self._command, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, processes.MARK: self.mark},
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    def look(self) -> Seen | None:
        """Observe its actors; None if it does not answer yet.

        Raises:
            RunEnded: the run has ended.
        """
        code = self._running.poll()
        if code is not None:
            raise RunEnded(f"the run ended by itself with status {code}: {self.last_words()}")
        try:
            reply = control.ask(self.data_dir, "ps")
        except (control.NotRunning, control.ControlError):
            return None
        roles = permanent_roles(self.series)
        return Seen(reply["pid"], reply["parent_pid"], children_of(reply), roles)

    def pids(self) -> frozenset[int]:
        """Every process of it that lives."""
        return processes.marked(self.mark)

    def logger_pid(self, seen: Seen) -> int | None:
        """Thespian's logger, which is the admin's other child; None while there is none."""
        others = processes.children_of(seen.admin_pid, self.pids()) - {seen.supervisor_pid}
        return next(iter(others), None)

    def tell(self, number: signal.Signals) -> None:
        """Send the foreground process a signal, as a person or a service manager does."""
        processes.send(number, [self.foreground_pid])

    def wait_for_end(self, limit_s: float) -> int | None:
        """Exit status of the foreground process; None if it still runs at the limit."""
        processes.wait_for(lambda: self.has_ended, limit_s)
        return self._running.poll()

    def outliving(self) -> frozenset[int]:
        """Processes that have outlived the foreground process for too long."""
        return processes.left_after(OUTLIVE_LIMIT_S, self.mark)

    def kill_all(self) -> None:
        """End every process of it at once."""
        processes.send(signal.SIGKILL, self.pids())
        if self._process is not None:
            self._process.wait()

    def last_words(self) -> str:
        """The end of what it wrote to stderr."""
        text = (self.data_dir / STDERR_NAME).read_bytes()[-_LAST_WORDS_BYTES:]
        return text.decode(errors="replace").strip() or "it said nothing"
