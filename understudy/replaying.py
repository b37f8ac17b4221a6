"""Reproduces a crash from its file, and says whether it is the same one."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import deque
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import attrs

from actors.runtime.crash_file import CrashReport, read_flight, read_report
from actors.runtime.flight_recorder import Flight, HungCore
from actors.runtime.replay import play

HANG_LIMIT_S = 5.0
"""A core that handles a message for this long hangs again; it should take microseconds."""


class NotReplayed(Exception):
    """A file is not replayed unless forced; the sentence says why."""


@attrs.frozen(kw_only=True)
class Replayed:
    """The result of a replay."""

    report: CrashReport
    error: Exception | None
    """What the core raised; None if it handled every message."""

    @property
    def is_same(self) -> bool:
        """Whether the crash happened again: the same class of exception with the same text."""
        if self.error is None or not self.report.is_in_core:
            return False
        if self.report.is_hang:
            return isinstance(self.error, HungCore)
        again = attrs.evolve(self.report, error=type(self.error).__name__, text=str(self.error))
        return again.signature() == self.report.signature()

    @property
    def sentence(self) -> str:
        """Describe the result in a sentence."""
        report, error = self.report, self.error
        who = f"{report.role}, generation {report.generation}"
        if error is None:
            if report.is_in_core:
                return (
                    f"{who} handled all of its {report.heard_count:,} messages: no {report.error}"
                )
            return (
                f"{who} handled all of its {report.heard_count:,} messages: it was not the core "
                f"that failed but what it asked for: {report.error}: {report.text}"
            )
        what = f"{type(error).__name__}: {error}"
        if not self.is_same:
            return f"{who} raised another exception: {what}; it was {report.error}: {report.text}"
        if report.is_hang:
            return f"{who} hangs again on {report.message}: {error}"
        return f"{who} raised the same again on {report.message}: {what}"


def check(path: Path) -> CrashReport:
    """Read a crash file's report, and check that its flight may be replayed.

    Raises:
        BadCrashFile: it cannot be read.
        NotReplayed: another version wrote it, or somebody else may have.
    """
    report = read_report(path)
    ours = version("understudy")
    if report.version != ours:
        raise NotReplayed(f"{path} is of version {report.version}, and this is {ours}")
    status = path.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise NotReplayed(f"{path} belongs to another user, or others may write to it")
    return report


def replay_file(path: Path) -> Replayed:
    """Replay a crash file's flight; whatever the core raises is in the result.

    Raises:
        BadCrashFile: the file has no readable flight.
    """
    report, flight = read_report(path), read_flight(path)
    try:
        if report.is_hang:
            play_within(flight, HANG_LIMIT_S)
        else:
            deque(play(flight), maxlen=0)
    except Exception as error:  # whatever it is, it is what was asked for
        return Replayed(report=report, error=error)
    return Replayed(report=report, error=None)


def play_within(flight: Flight, limit_s: float) -> None:
    """Replay a flight; in the main thread.

    Raises:
        HungCore: it has not ended within the limit; names where it was.
        Exception: whatever the core raises.
    """

    def interrupt(_number: int, frame: FrameType | None) -> None:
        # Raised at the next line: where a signal interrupts a loop, there may be none.
        sys.settrace(stop)
        while frame is not None:
            frame.f_trace = stop
            frame = frame.f_back

    def stop(frame: FrameType, _event: str, _argument: object) -> None:
        sys.settrace(None)
        where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        raise HungCore(f"still at it after {limit_s:g} s, at {where}")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        deque(play(flight), maxlen=0)
    except HungCore as hung:
        _end_at_core(hung)
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _end_at_core(hung: HungCore) -> None:
    """Make a traceback end where the core was, and not in what interrupted it."""
    trace = hung.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_next.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        trace.tb_next = None


_TEST = '''"""{what}.

Written by ``understudy replay --test`` from the crash file beside it, of version {version}.
"""

from collections import deque
from pathlib import Path

from actors.runtime.crash_file import read_flight
from actors.runtime.replay import play
{imports}
RECORD = Path(__file__).with_name({record!r})


def test_{name}() -> None:
    {call}
'''


def write_test(path: Path, report: CrashReport, test: Path) -> Path:
    """Write a pytest that fails like the crash until the core is fixed; return its record.

    The crash file is copied beside the test.

    Raises:
        OSError: it cannot be written, or exists already.
    """
    record = test.with_suffix(".crash")
    how = "hung on" if report.is_hang else f"raised {report.error} on"
    role = report.role.partition("/")[0].replace("-", "_")
    call, imports = "deque(play(read_flight(RECORD)), maxlen=0)", ""
    if report.is_hang:
        call = f"play_within(read_flight(RECORD), {HANG_LIMIT_S:g})"
        imports = "from understudy.replaying import play_within\n"
    text = _TEST.format(
        what=f"{report.role.capitalize()}, generation {report.generation}, {how} {report.message}",
        version=report.version,
        imports=imports,
        record=record.name,
        name=f"{role}_takes_what_it_fell_on",
        call=call,
    )
    if report.is_hang:
        text = text.replace("from collections import deque\n", "")
        text = text.replace("from actors.runtime.replay import play\n", "")
    with test.open("x", encoding="utf-8") as file:
        file.write(text)
    shutil.copyfile(path, record)
    record.chmod(0o600)
    return record
