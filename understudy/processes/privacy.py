"""What a process of ours does so that nobody else reads what it has: files, memory, core dumps."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

PRIVATE_UMASK = 0o077
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4


def begin_private() -> None:
    """Let no file of this process or its children be others', and no core of them be written."""
    os.umask(PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_memory() -> None:
    """Let no debugger into this process, and no core of it be written; root can do both (Linux).

    For whoever has read a secret. ``/proc/<pid>/mem``, ``environ`` and ``fd`` are root's from then
    on (PR_SET_DUMPABLE, prctl(2), ptrace(2)); forks are as hidden, other programs are not.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def is_memory_hidden() -> bool:
    """Whether ``hide_memory`` was called, or something like it."""
    return bool(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
