"""The tree of actor processes, from outside: start it, query it, end it, leave nothing behind."""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from thespian.actors import ActorSystemException

from actors.messages.lifecycle import Address, Envelope
from actors.runtime import codec, process_ties, thespian_hooks
from actors.runtime.sockets.directory import SocketDirectory, SocketsNotPrivate
from actors.runtime.unix_system import system_over
from actors.supervision.messages import (
    ChildrenReport,
    GetAddress,
    GetChildren,
    ReplaceSettings,
    ShutDown,
    SupervisorBoot,
)
from supervisor import Supervisor

FOREGROUND = "foreground"
THESPIAN_LOG_NAME = "thespian.log"
_END_LIMIT_S = 30.0
"""How long killed processes may take to disappear: on a machine whose processors are all busy,
longer than one would expect."""
_START_RETRIES_MOST = 5
_START_PAUSE_FIRST_S = 0.5
"""Pause before a failed start is tried again; doubled each time."""
_NO_MEMORY_NOW = (errno.EAGAIN, errno.ENOMEM)
_SHUTDOWN_MARGIN_S = 3.0
"""How much longer than the supervisor to wait for the orders' end."""


class TreeFailed(Exception):
    """The actor system could not be started, or could not be ended."""


class StartFailed(TreeFailed):
    """The actor system did not start; another attempt may succeed."""


@functools.cache
def prepare_to_fork() -> None:
    """Do once what every actor process inherits: patch Thespian, and import the code.

    Takes some tenths of a second, so call it before the market's clock runs.
    """
    codec.warm_up()
    thespian_hooks.install()
    process_ties.tie_children_to_parents()
    gc.freeze()  # forks share these pages until one of them writes to them


def _is_alive(pid: int) -> bool:
    """Whether a process exists and is not just a zombie waiting to be reaped."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return _can_be_signalled(pid)


def _can_be_signalled(pid: int) -> bool:
    """Whether there is such a process, even if /proc hides it.

    A mount of /proc with ``hidepid=2`` (systemd's ProtectProc=invisible) hides processes with a
    secret.
    """
    try:
        os.kill(pid, 0)
    # gone, and its id belongs to another process by now
    except (ProcessLookupError, PermissionError):
        return False
    return True


def children_of_this() -> set[int]:
    """Ids of this process's children; none if the kernel does not list them."""
    children: set[int] = set()
    for each in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # its thread has ended
            children.update(map(int, each.read_text(encoding="ascii").split()))
    return children


class ActorTree:
    """One life of admin, supervisor and all actors. A new life needs a new object."""

    def __init__(self, boot: SupervisorBoot) -> None:
        self._request_id = 0
        others = children_of_this()
        self.last_report: ChildrenReport | None = None
        self._ending_limit_s = boot.settings.execution.ending_limit_ms / 1000 + _SHUTDOWN_MARGIN_S
        data_dir = Path(boot.data_dir)
        thespian_hooks.keep_log_in(data_dir / THESPIAN_LOG_NAME)
        try:
            self._sockets = SocketDirectory.make(data_dir)
        except SocketsNotPrivate as error:
            raise TreeFailed(f"the actor system did not start: {error}") from error
        try:
            self._system = system_over(self._sockets)
            self._supervisor = self._system.createActor(Supervisor)
        except Exception as error:
            may_pass = isinstance(error, ActorSystemException) or (
                isinstance(error, OSError) and error.errno in _NO_MEMORY_NOW
            )
            self._pids = children_of_this() - others
            self.kill()  # an admin that was only slow would serve beside the next one
            failure = StartFailed if may_pass else TreeFailed
            raise failure(f"the actor system did not start: {error}") from error
        # Until a report tells all: the admin, whose end is that of whatever comes from it.
        self._pids = children_of_this() - others
        self._system.tell(self._supervisor, boot)

    def ask_children(self, patience_s: float) -> ChildrenReport | None:
        """Ask the supervisor for its report; None if it does not answer in time."""
        self._request_id += 1
        wanted = self._request_id
        report = self._ask(
            self._supervisor,
            GetChildren(wanted),
            patience_s,
            lambda answer: isinstance(answer, ChildrenReport) and answer.request_id == wanted,
        )
        if report is not None:
            self.last_report = report
            self._pids = {report.pid, report.parent_pid}
            self._pids |= {child.pid for child in report.children if child.pid}
        return report  # type: ignore[no-any-return] # _ask returns what the predicate accepted

    def replace_settings(self, boot: SupervisorBoot) -> None:
        """Make the supervisor send every actor other settings, and adjust the actors to them."""
        self._system.tell(self._supervisor, ReplaceSettings(boot))

    def ask_role(self, role: str, message: object, wanted: type, patience_s: float) -> Any:
        """Ask the actor of a role for an answer of a type; None if none comes in time."""
        found = self._ask(
            self._supervisor,
            GetAddress(role),
            patience_s,
            lambda answer: answer is None or isinstance(answer, Address),
        )
        if found is None:
            return None
        envelope = Envelope(sender_role=FOREGROUND, generation=0, message=message, to=role)
        answer = self._ask(
            found.address,
            envelope,
            patience_s,
            lambda answer: isinstance(answer, Envelope) and isinstance(answer.message, wanted),
        )
        return None if answer is None else answer.message

    def _ask(self, address: Any, message: object, patience_s: float, is_wanted: Any) -> Any:
        if self.dead_process() is not None:
            # nobody would answer: a question to a dead process only uses up its patience
            return None
        # Thespian's ask returns the next message from anyone: late answers to earlier questions are
        # skipped here.
        deadline = time.monotonic() + patience_s
        answer = self._system.ask(address, message, timedelta(seconds=patience_s))
        while answer is not None and not is_wanted(answer):
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            answer = self._system.listen(timedelta(seconds=left))
        return answer

    def dead_process(self) -> str | None:
        """Name the process, admin or supervisor, that has died; None while both live."""
        report = self.last_report
        if report is None:
            return None
        if not _is_alive(report.parent_pid):
            return "admin"
        if not _is_alive(report.pid):
            return "supervisor"
        return None

    def end(self, reason: str) -> ChildrenReport | None:
        """End in good order: orders, then actors, nothing left running; return the last report."""
        deadline = time.monotonic() + self._ending_limit_s
        while time.monotonic() < deadline and self.dead_process() is None:
            self._system.tell(self._supervisor, ShutDown(reason))  # sent twice, it counts once
            report = self.ask_children(patience_s=1.0)
            if report is not None and report.is_cleared:
                break
            time.sleep(0.02)
        self._system.shutdown()
        self.kill()
        return self.last_report

    def kill(self) -> None:
        """Kill every process of this tree that still lives, at once."""
        deadline = time.monotonic() + _END_LIMIT_S
        while left := [pid for pid in self._pids if _is_alive(pid)]:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TreeFailed(f"processes {sorted(left)} do not end")
            time.sleep(0.01)
        self._sockets.close()


def start_tree(
    boot: SupervisorBoot, retries: int, note: Callable[[str], None] | None = None
) -> ActorTree:
    """Start a tree; one that has not started is ended, and started again after a pause.

    Args:
        boot: the supervisor's first message.
        retries: the most retries.
        note: called with each failure that is not the last, in a sentence.

    Raises:
        TreeFailed: it never started, or fails in a way that another attempt would as well.
    """
    retries = min(retries, _START_RETRIES_MOST)
    for number in range(retries):
        try:
            return ActorTree(boot)
        except StartFailed as error:
            pause_s = _START_PAUSE_FIRST_S * 2**number
            if note is not None:
                note(f"{error}; it is started again in {pause_s:g} s")
            time.sleep(pause_s)
    try:
        return ActorTree(boot)
    except StartFailed as error:
        raise TreeFailed(f"{error} (tries: {retries + 1})") from error
