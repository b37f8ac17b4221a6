"""Notes of who waits for the disk, and since when, in memory shared by all processes of a run.

An actor that waits in ``fsync``, or for another actor that does, cannot answer. Its supervisor must
not take it for hung, and it cannot send a message, because its loop is what waits. So it writes a
note before and after waiting, in memory that is mapped when this module is first loaded and that
every process forked later shares. An actor that hangs anywhere else has no note, and is killed as
usual.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

WAIT_LIMIT_MS = 10_000
"""A disk that has not completed a record for this long is given up, and the run is ended."""

_NOTE = struct.Struct("=qq")
"""Process id and host monotonic ms; the time is 0 if the process does not wait."""
_SLOTS = 65_536
"""A process uses the slot of its id modulo this; if two share a slot, one may go unnoticed."""
_notes = mmap.mmap(-1, _SLOTS * _NOTE.size)
_depth = 0


@contextlib.contextmanager
def waiting_for_disk() -> Iterator[None]:
    """Note that this process may wait for the disk within the block; blocks may be nested."""
    global _depth  # of this process, as is the note
    _depth += 1
    if _depth == 1:
        _note(_now_ms())
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0:
            _note(0)


def disk_wait_ms(pid: int) -> int:
    """Return how long a process has waited for the disk; 0 if it does not, or is stopped."""
    noted_pid: int
    since_ms: int
    noted_pid, since_ms = _NOTE.unpack_from(_notes, pid % _SLOTS * _NOTE.size)
    if noted_pid != pid or since_ms == 0 or is_stopped(pid):
        return 0
    return max(1, _now_ms() - since_ms)


def _note(since_ms: int) -> None:
    pid = os.getpid()
    _NOTE.pack_into(_notes, pid % _SLOTS * _NOTE.size, pid, since_ms)


def is_stopped(pid: int) -> bool:
    """Return whether a process was stopped by a signal, so that it does not wait for the disk."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in {"T", "t"}


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
