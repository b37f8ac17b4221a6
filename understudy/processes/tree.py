"""The tree of actor processes, from outside: start it, ask it, end it, leave nothing behind."""

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
"""How long processes that were killed may take to be gone: on a machine whose processors are all
taken, longer than one would think."""
_START_RETRIES_MOST = 5
_START_PAUSE_FIRST_S = 0.5
"""Before a start that failed is tried again; twice as long each time."""
_NO_MEMORY_NOW = (errno.EAGAIN, errno.ENOMEM)
_SHUTDOWN_MARGIN_S = 3.0
"""How much longer than the supervisor waits for the orders' end."""


class TreeFailed(Exception):
    """The actor system could not be started, or not be ended."""


class StartFailed(TreeFailed):
    """The actor system did not start, which may be otherwise the next time."""


@functools.cache
def prepare_to_fork() -> None:
    """Do once what every actor process inherits: Thespian as it must be, and warm code.

    Takes some tenths of a second; do it before the market's clock runs.
    """
    codec.warm_up()
    thespian_hooks.install()
    process_ties.tie_children_to_parents()
    gc.freeze()  # forks share these pages for as long as nobody writes to them


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
    """Whether there is such a process; where /proc shows only what may be traced, no other tells.

    A mount of it with ``hidepid=2`` (systemd's ProtectProc=invisible) hides who has a secret.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # gone, and its number somebody else's by now
        return False
    return True


def children_of_this() -> set[int]:
    """Ids of the processes that have this one for a parent; none where the kernel lists none."""
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
        """Ask the supervisor how all are; None if it does not answer in time."""
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
        """Have the supervisor tell every actor other settings, and start and end who they ask."""
        self._system.tell(self._supervisor, ReplaceSettings(boot))

    def ask_role(self, role: str, message: object, wanted: type, patience_s: float) -> Any:
        """Ask an actor by its role for an answer of a type; None if none comes in time."""
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
        if self.fallen() is not None:
            return None  # nobody would say so: a question to the dead only uses up its patience
        # Thespian's ask returns the next message from anyone: what answers an earlier question
        # that had been given up on is passed over here.
        deadline = time.monotonic() + patience_s
        answer = self._system.ask(address, message, timedelta(seconds=patience_s))
        while answer is not None and not is_wanted(answer):
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            answer = self._system.listen(timedelta(seconds=left))
        return answer

    def fallen(self) -> str | None:
        """Name whichever of admin and supervisor has fallen; None while both live."""
        report = self.last_report
        if report is None:
            return None
        if not _is_alive(report.parent_pid):
            return "admin"
        if not _is_alive(report.pid):
            return "supervisor"
        return None

    def end(self, reason: str) -> ChildrenReport | None:
        """End in good order: orders over, actors gone, nothing left running; the last report."""
        deadline = time.monotonic() + self._ending_limit_s
        while time.monotonic() < deadline and self.fallen() is None:
            self._system.tell(self._supervisor, ShutDown(reason))  # said twice, it counts once
            report = self.ask_children(patience_s=1.0)
            if report is not None and report.is_cleared:
                break
            time.sleep(0.02)
        self._system.shutdown()
        self.kill()
        return self.last_report

    def kill(self) -> None:
        """End every process of this tree that still lives, at once."""
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
    """Start a tree; what has not started is ended, and started again after a pause.

    Args:
        boot: what the supervisor is told.
        retries: how often at most.
        note: is told each failure that is not the last, in a sentence.

    Raises:
        TreeFailed: it never started, or fails so that another start would as well.
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
