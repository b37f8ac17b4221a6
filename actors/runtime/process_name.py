"""The name of a process in ``htop``, ``ps``, ``top`` and ``pgrep``; Linux only."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_PR_SET_NAME = 15
NAME_MOST_BYTES = 15
"""The kernel limits the short name to this."""
_ARG_START, _ARG_END = 47, 48
"""Indices of these two fields of /proc/self/stat (proc(5))."""


def name_process(name: str) -> None:
    """Name the calling process, from its main thread: ``market-state (understudy)``.

    ``top`` and ``pgrep`` show the short name (prctl(2)), the name alone. ``htop`` and ``ps`` show
    the command line, which is overwritten in place, as far as there is room. The library for that
    also overwrites the environment behind it, where drills look for a mark by which they find every
    process of a system.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:NAME_MOST_BYTES], 0, 0, 0)
        _write_over_arguments(f"{name} (understudy)".encode())


def _write_over_arguments(title: bytes) -> None:
    # The second field, the short name, may contain blanks and brackets; later fields do not.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = (int(fields[place - 2]) for place in (_ARG_START, _ARG_END))
    room = end - start
    if 0 < start < end and room > 1:
        ctypes.memmove(start, title[: room - 1].ljust(room, b"\0"), room)
