"""Makes the kernel end every process of a run whose parent has ended.

docs/decisions/leaving-no-process.md says why.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ADOPTION_LIMIT_S = 2.0


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return the function that a started process must call first (subprocess's ``preexec_fn``).

    The kernel then sends it that signal as soon as this process has ended. If this process ended
    earlier, the child notices that and exits. Linux only; elsewhere it has no effect.
    """
    parent_pid = os.getpid()

    def tie() -> None:
        if sys.platform.startswith("linux"):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
            if os.getppid() != parent_pid:
                os._exit(1)

    return tie


def tie_children_to_parents() -> None:
    """Make the kernel SIGKILL every process forked from here on as soon as its parent has ended.

    A crash then cascades: supervisor before actors, admin before supervisor, this process before
    all, even if the crashed process was hung or stopped. Thespian starts its admin as a daemon, by
    forking twice; this process adopts it (as its subreaper) and so stays its parent. Linux only;
    elsewhere the foreground process ends leftovers by pid.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    root_pid = os.getpid()
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent_before_fork = root_pid
    depth = 0

    def remember_parent() -> None:
        nonlocal parent_before_fork
        parent_before_fork = os.getpid()

    def tie() -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            # This is Thespian's intermediate process, which forks the admin and exits at once. The
            # admin must not be killed by that, so nothing is tied here. Its own children set depth
            # to 2.
            return
        if depth == 2:
            limit = time.monotonic() + _ADOPTION_LIMIT_S
            while os.getppid() == parent_before_fork and time.monotonic() < limit:
                time.sleep(0.001)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        expected = root_pid if depth == 2 else parent_before_fork
        if os.getppid() != expected:
            os._exit(1)

    os.register_at_fork(before=remember_parent, after_in_child=tie)
