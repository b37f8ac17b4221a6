"""Writes a crash file for each actor of a process that crashes or hangs."""

from __future__ import annotations

import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from actors.core import Core
from actors.runtime.crash_file import CrashReport, write_crash
from actors.runtime.flight_recorder import Flight, FlightRecorder, HungCore
from actors.runtime.host_context import HostWatch
from actors.settings import Settings

HANG_SIGNAL = signal.SIGUSR2
"""Ends a process that hangs; one that executes Python code writes a crash file first."""
EXIT_HUNG = 72
_TEXT_CHARS_MAX = 100_000
UNRECORDED_VARIABLE = "UNDERSTUDY_BENCH_UNRECORDED"
"""Set only by a benchmark that measures the recorder's cost."""


class CrashKeeper:
    """Creates the flight recorders of a process, and writes their crash files."""

    def __init__(
        self, data_dir: Path, settings: Settings, seed: int, log: Callable[[str, str], None]
    ) -> None:
        """Begin.

        Args:
            data_dir: directory of the crash files.
            settings: the run's settings.
            seed: the run's seed.
            log: writes a log line; level and text.
        """
        self._data_dir = data_dir
        self.settings = settings
        """The settings in force."""
        self._seed = seed
        self._log = log
        self.newest: FlightRecorder | None = None
        """Recorder of the host whose core last received a message."""

    def recorder(self, make_core: Callable[[int], Core]) -> HostWatch:
        """Return the recorder of one host; ``make_core`` is the host's own."""
        if UNRECORDED_VARIABLE in os.environ:
            return HostWatch()
        return FlightRecorder(make_core, self)

    def listen(self) -> None:
        """Handle HANG_SIGNAL: write the recording of the actor that hangs, and end the process."""
        signal.signal(HANG_SIGNAL, self._on_hang)

    def keep(self, flight: Flight, error: Exception, *, is_in_core: bool) -> None:
        """Write a crash file.

        Raises:
            OSError: it cannot be written.
        """
        report = report_of(flight, error, self.settings, self._seed, is_in_core=is_in_core)
        path = write_crash(self._data_dir, report, flight)
        self._log("error", f"to reproduce this crash: understudy replay {path}")

    def warn(self, text: str) -> None:
        """Log that nothing can be recorded."""
        self._log("warning", text)

    def _on_hang(self, _number: int, frame: FrameType | None) -> None:
        signal.signal(HANG_SIGNAL, signal.SIG_IGN)
        recorder = self.newest
        if recorder is not None:
            where = "".join(traceback.format_stack(frame))
            recorder.hung(HungCore(f"no answer for too long; it was at\n{where}"), frame)
        os._exit(EXIT_HUNG)


def report_of(
    flight: Flight, error: Exception, settings: Settings, seed: int, *, is_in_core: bool
) -> CrashReport:
    """Return the report of a crash."""
    core_class = type(flight.core)
    is_hang = isinstance(error, HungCore)
    text = str(error)
    trace = text if is_hang else "".join(traceback.format_exception(error))
    return CrashReport(
        version=version("understudy"),
        python=f"{platform.python_version()} on {sys.platform}",
        at=datetime.now(UTC).isoformat(timespec="microseconds"),
        role=flight.role,
        generation=flight.generation,
        core=f"{core_class.__module__}:{core_class.__qualname__}",
        error=type(error).__name__,
        text=(text.partition("\n")[0] if is_hang else text)[:_TEXT_CHARS_MAX],
        trace=trace[-_TEXT_CHARS_MAX:],
        message=type(flight.heard[-1][1]).__name__ if flight.heard else "",
        is_in_core=is_in_core,
        is_hang=is_hang,
        seed=seed,
        settings=settings,
        heard_count=len(flight.heard),
    )
