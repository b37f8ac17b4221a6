"""What a process is called in ``top``, ``pgrep`` and ``htop`` (there as the thread's own name)."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_NAME = 15
NAME_MOST_BYTES = 15
"""The kernel keeps no more."""


def name_process(name: str) -> None:
    """Give the calling process, from its main thread, a name; Linux only (prctl(2)).

    The command line that ``ps -f`` shows stays as it is. A library that changes it writes over the
    process's environment, too, and by a mark in it drills find every process of a system.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:NAME_MOST_BYTES], 0, 0, 0)
