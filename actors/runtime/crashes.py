"""What a process does with the flights of its actors when one falls, or hangs: a file of each."""

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
"""Ends a process that hangs; one that runs Python leaves a crash file before."""
EXIT_HUNG = 72
_TEXT_CHARS_MAX = 100_000
UNRECORDED_VARIABLE = "UNDERSTUDY_BENCH_UNRECORDED"
"""Set by a benchmark that measures what the recorder costs, and by nobody else."""


class CrashKeeper:
    """Makes the recorders of a process, and writes their flights into its data directory."""

    def __init__(
        self, data_dir: Path, settings: Settings, seed: int, log: Callable[[str, str], None]
    ) -> None:
        """Begin.

        Args:
            data_dir: where crash files go.
            settings: the run's.
            seed: the run's.
            log: writes a line; level and text.
        """
        self._data_dir = data_dir
        self.settings = settings
        """Those in force."""
        self._seed = seed
        self._log = log
        self.newest: FlightRecorder | None = None
        """Of the host whose core was given a message last."""

    def recorder(self, make_core: Callable[[int], Core]) -> HostWatch:
        """Make the recorder of one host; ``make_core`` is the host's own."""
        if UNRECORDED_VARIABLE in os.environ:
            return HostWatch()
        return FlightRecorder(make_core, self)

    def listen(self) -> None:
        """End at HANG_SIGNAL, and leave the flight of whoever is being waited for."""
        signal.signal(HANG_SIGNAL, self._on_hang)

    def keep(self, flight: Flight, error: Exception, *, is_in_core: bool) -> None:
        """Write a crash file.

        Raises:
            OSError: it cannot be written.
        """
        report = report_of(flight, error, self.settings, self._seed, is_in_core=is_in_core)
        path = write_crash(self._data_dir, report, flight)
        self._log("error", f"the record of this crash: understudy replay {path}")

    def warn(self, text: str) -> None:
        """Say that nothing can be kept."""
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
    """Tell a crash."""
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
