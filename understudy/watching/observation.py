"""What a watcher sees of a system at one instant."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import attrs
import cattrs

from actors.execution.desk_state import DeskState
from actors.messages.halts import Halt
from actors.messages.position import WindowSettled
from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import JOURNAL_NAME, JournalError
from understudy.control import ControlError, NotRunning, ask
from understudy.data_dir.last_run import RunRecord, read_run
from understudy.data_dir.ownership import holder_of
from understudy.display.status import Status, status_of
from understudy.watching.tail import JournalTail


@attrs.frozen(kw_only=True)
class Observation:
    """A system at one instant, whether it runs or not."""

    at_ms: int
    """Unix time in ms, real time."""
    is_running: bool
    """Whether some process holds the data directory."""
    status: Status | None = None
    """The running system's status; None if it does not answer."""
    trouble: str = ""
    """Why there is no status."""
    last_run: RunRecord | None = None
    desk: DeskState | None = None
    """The desk's record; None before its first."""
    journal_trouble: str = ""
    """Why the journal cannot be read."""
    journal_bytes: int = 0
    log_bytes: int = 0
    """Size of SQLite's log beside the journal that is not copied into it yet."""
    disk_free_bytes: int = 0
    event_counts: Mapping[str, int] = attrs.field(factory=dict)
    """Recorded events by kind, since the journal began."""
    settled: tuple[WindowSettled, ...] = ()
    """Results recorded since the last observation, without the total of all windows."""
    error_counts: Mapping[tuple[str, str], int] = attrs.field(factory=dict)
    """Errors of the exchange by (kind, HTTP status), since the journal began."""

    @property
    def halts(self) -> tuple[Halt, ...]:
        """The lasting halts, even of a system that is down."""
        return self.desk.halts if self.desk is not None else ()


class Unanswered(Exception):
    """There is no status; the sentence says why."""


def ask_status(data_dir: Path) -> Status:
    """Ask the system that runs on a data directory for its status.

    Raises:
        Unanswered: it does not run, does not answer, or is of another version.
    """
    try:
        return status_of(ask(data_dir, "status"))
    except (NotRunning, ControlError) as error:
        raise Unanswered(str(error)) from None
    except (cattrs.BaseValidationError, KeyError, TypeError, ValueError) as error:
        name = type(error).__name__
        raise Unanswered(f"another version of the program answers: {name}") from None


class Lookout:
    """Observes one data directory; writes nothing, and keeps nothing open between observations."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._tail = JournalTail(data_dir)

    def look(self) -> Observation:
        """Observe the system; takes some seconds at most, whatever the system does.

        Raises:
            OSError: there is no such directory.
        """
        disk_free_bytes = shutil.disk_usage(self._data_dir).free
        status, trouble = self._ask()
        desk, journal_trouble = self._read()
        path = self._data_dir / JOURNAL_NAME
        return Observation(
            at_ms=time.time_ns() // 1_000_000,
            is_running=holder_of(self._data_dir) is not None,
            status=status,
            trouble=trouble,
            last_run=read_run(self._data_dir),
            desk=desk,
            journal_trouble=journal_trouble,
            journal_bytes=size_of(path),
            log_bytes=size_of(path.with_name(path.name + "-wal")),
            disk_free_bytes=disk_free_bytes,
            event_counts=self._tail.kinds,
            settled=self._tail.settled,
            error_counts=self._tail.errors,
        )

    def _ask(self) -> tuple[Status | None, str]:
        try:
            return ask_status(self._data_dir), ""
        except Unanswered as unanswered:
            return None, str(unanswered)

    def _read(self) -> tuple[DeskState | None, str]:
        try:
            self._tail.read()
            with contextlib.closing(JournalReader(self._data_dir)) as reader:
                states = reader.states("desk", "desk", open_only=False)
        except JournalError as error:
            return None, str(error)
        return next((each for each in states if isinstance(each, DeskState)), None), ""


def size_of(path: Path) -> int:
    """Size of a file; 0 if there is none."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
