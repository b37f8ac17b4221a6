"""Finds a run's processes by a mark in their environment (Linux)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

MARK = "UNDERSTUDY_DRILL"
"""The environment variable; every process that a marked one forks or starts carries it too."""

_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_LOOK_AGAIN_S = 0.01
_Found = TypeVar("_Found")


def marked(mark: str) -> frozenset[int]:
    """Process ids of all that live and carry the mark; a zombie has no environment any more.

    A process that has read a secret shows its environment to root only
    (understudy/processes/privacy.py): it counts as marked if its parent is.
    """
    wanted = f"{MARK}={mark}".encode()
    found, hidden = set(), set()
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()):
        try:
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
        except PermissionError:
            hidden.add(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    while theirs := {pid for pid in hidden - found if _parent_of(pid) in found}:
        found |= theirs
    return frozenset(found)


def children_of(pid: int, among: Iterable[int]) -> frozenset[int]:
    """Subset of ``among`` whose parent is ``pid``."""
    return frozenset(each for each in among if _parent_of(each) == pid)


def command_of(pid: int) -> str:
    """The command of ours with which a process was started, such as ``web``; empty if none."""
    with contextlib.suppress(*_GONE):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if words[3:5] == ["-m", "understudy"] and len(words) > 5:
            return words[5]
    return ""


def _parent_of(pid: int) -> int | None:
    with contextlib.suppress(*_GONE):
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    return None


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Send a signal to processes; one that has just gone is skipped."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def left_after(limit_s: float, mark: str) -> frozenset[int]:
    """Wait for all marked processes to end; return those left at the limit."""
    wait_for(lambda: not marked(mark), limit_s)
    return marked(mark)


class Allowance:
    """Seconds in which something must happen; on a busy machine they pass more slowly.

    Among three ready programs a processor works a third of the time for each. A second of which
    that is true counts as a third of one, so that a limit is about work, not about the machine.
    """

    def __init__(self, limit_s: float) -> None:
        self._left_s = limit_s
        self._seen_s = time.monotonic()

    def is_used_up(self) -> bool:
        """Whether no more is left, after what has passed since the last call or the start."""
        now_s = time.monotonic()
        self._left_s -= (now_s - self._seen_s) * _share()
        self._seen_s = now_s
        return self._left_s <= 0.0


def _share() -> float:
    """The part of a processor that each program gets which could use one; 1 where it is unknown.

    How many threads run or wait for a processor is the 4th field of proc_loadavg(5).
    """
    try:
        loads = Path("/proc/loadavg").read_text(encoding="ascii").split()
    except FileNotFoundError:  # not Linux
        return 1.0
    return min(1.0, (os.cpu_count() or 1) / max(1, int(loads[3].partition("/")[0])))


def wait_for(look: Callable[[], _Found], limit_s: float, every_s: float = _LOOK_AGAIN_S) -> _Found:
    """Look repeatedly until the result is true; return the last result.

    Args:
        look: returns something true at the end.
        limit_s: an `Allowance`.
        every_s: pause between looks.
    """
    allowance = Allowance(limit_s)
    while not (found := look()) and not allowance.is_used_up():
        time.sleep(every_s)
    return found
