"""Protects a process's files, memory and core dumps from other users."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

PRIVATE_UMASK = 0o077
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4


def begin_private() -> None:
    """Make new files of this process and its children private, and write no core dumps of them."""
    os.umask(PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_memory() -> None:
    """Keep debuggers out of this process, and write no core dump of it; root can do both (Linux).

    For processes that have read a secret. ``/proc/<pid>/mem``, ``environ`` and ``fd`` belong to
    root from then on (PR_SET_DUMPABLE, prctl(2), ptrace(2)). Forks are protected as well, other
    programs are not.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def is_memory_hidden() -> bool:
    """Whether ``hide_memory`` was called, or something equivalent."""
    return bool(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
