"""Checks of the data directory: permissions, disk, sockets and journal."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from actors.execution.account import TradedAccount
from actors.runtime.disk_trouble import find_trouble
from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import (
    JOURNAL_NAME,
    SCHEMA_VERSION,
    connect,
    damaged_rows,
    journal_uri,
    reading,
)
from actors.runtime.journal_rows import JournalError
from actors.runtime.sockets.directory import (
    SOCKETS_NAME,
    PeerGone,
    SocketDirectory,
    SocketsNotPrivate,
)
from actors.runtime.sockets.peer import peer_of
from understudy.data_dir.kill_switch import KILL_SWITCH_NAME, kill_switch_reason
from understudy.data_dir.ownership import holder_of
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.subject import Subject
from understudy.watching.health import FREE_MB_FAIL, FREE_MB_WARN

DISK = "disk"

_MB = 1_000_000
SYNC_MS_WARN = 20.0
"""With durability "full" each record waits for the disk, and an order has several before it is
sent.

Beyond this the disk takes more of an order's time than the network does.
"""
_PROBES = 5
_PROBE_BYTES = 4_096


def check_disk(subject: Subject) -> Finding:
    """Write, sync and remove a small file where the journal is or will be."""
    place = _nearest_directory(subject.data_dir)
    where = str(place) if place == subject.data_dir else f"{place} (no {subject.data_dir} yet)"
    try:
        free_mb = shutil.disk_usage(place).free // _MB
        sync_ms = _sync_ms(place)
    except OSError as problem:
        trouble = find_trouble(problem, place)
        if trouble is not None:
            return failed(DISK, trouble.what, trouble.advice)
        return failed(
            DISK,
            f"{where} cannot be written: {problem.strerror}",
            "give this user the directory, or name another with --data-dir",
        )
    room = f"{where} has {free_mb:,} MB free; fsync takes {sync_ms:.1f} ms"
    make_room = "free some space, or name a directory on another disk with --data-dir"
    if free_mb < FREE_MB_FAIL:
        return failed(DISK, f"{room}: when it is full, trading stops", make_room)
    if free_mb < FREE_MB_WARN:
        return warned(DISK, room, make_room)
    if sync_ms > SYNC_MS_WARN and subject.settings.execution.durability == "full":
        slow = "put the data directory on a faster disk, a local SSD rather than a network's"
        return warned(DISK, f"{room}, and every record of an order waits for that", slow)
    return passed(DISK, room)


def _nearest_directory(path: Path) -> Path:
    """The directory itself, or the one in which it would be created."""
    return next(each for each in (path, *path.parents) if each.exists())


def _sync_ms(directory: Path) -> float:
    """Median time of an fsync after a small write.

    Raises:
        OSError: the directory cannot be written, or not synced.
    """
    spans = []
    with tempfile.TemporaryFile(dir=directory, prefix=".understudy-doctor-") as probe:
        for _ in range(_PROBES):
            probe.write(os.urandom(_PROBE_BYTES))
            probe.flush()
            began_ns = time.monotonic_ns()
            os.fsync(probe.fileno())
            spans.append((time.monotonic_ns() - began_ns) / 1e6)
    return statistics.median(spans)


SOCKETS = "sockets"

_ANOTHER_DISK = "name a --data-dir on a disk of this machine that keeps sockets and permissions"


def check_sockets(subject: Subject) -> Finding:
    """Create a directory like a run's, beside it, and connect in it; a run is not disturbed."""
    data_dir = subject.data_dir
    try:
        if os.path.lexists(data_dir / SOCKETS_NAME):
            SocketDirectory.find(data_dir).leave()
        place = _nearest_directory(data_dir)
        with tempfile.TemporaryDirectory(dir=place, prefix=".understudy-doctor-") as folder:
            _connect_in(Path(folder))
    except SocketsNotPrivate as problem:
        return failed(SOCKETS, str(problem), "do what the sentence says, while nothing runs there")
    except (OSError, PeerGone) as problem:
        return failed(SOCKETS, f"sockets do not work beside {data_dir}: {problem}", _ANOTHER_DISK)
    return passed(
        SOCKETS, f"processes can communicate in {data_dir / SOCKETS_NAME}, and nobody else"
    )


def _connect_in(folder: Path) -> None:
    directory = SocketDirectory.make(folder)
    try:
        name = f"{os.getpid()}-doctor"
        with (
            directory.listen(name) as listener,
            directory.connect(name, os.getpid()),
            listener.accept()[0] as accepted,
        ):
            if peer_of(accepted).pid != os.getpid():
                raise OSError("the kernel does not say who has connected")
    finally:
        directory.close()


JOURNAL = "journal"
LOCK = "lock"
HALT = "halt file"

INTEGRITY_LIMIT_S = 5.0
_STEPS_BETWEEN_LOOKS = 10_000


_ROWS_ADVICE = "a run sets a damaged order aside and trades on; of anything else it does not start"


class _TooLarge(Exception):
    """The file could not be read completely in time."""


def check_journal(subject: Subject) -> Finding:
    """Read the whole journal: its schema, its integrity, and whether it fits the mode."""
    path = subject.data_dir / JOURNAL_NAME
    if not path.exists():
        return passed(JOURNAL, f"there is none in {subject.data_dir} yet: a run begins one")
    try:
        damage = _damage(path)
    except _TooLarge:
        return warned(
            JOURNAL,
            f"{path} is too large to be checked within {INTEGRITY_LIMIT_S:g} s",
            "check it with: sqlite3 FILE 'PRAGMA integrity_check'",
        )
    except sqlite3.Error as problem:
        trouble = find_trouble(problem, path.parent)
        if trouble is not None:
            return failed(JOURNAL, trouble.what, trouble.advice)
        damage = str(problem)
    if damage:
        return failed(
            JOURNAL,
            f"{path} is damaged: {damage}",
            "restore it from a copy, or check the venue's own records and begin a new one",
        )
    try:
        return _read_through(subject, path)
    except JournalError as problem:
        return failed(JOURNAL, str(problem), "a run would not start: do what the sentence says")


def _read_through(subject: Subject, path: Path) -> Finding:
    """Read every row of a file that SQLite finds intact, and check whose orders it has.

    Raises:
        JournalError: it cannot be read.
    """
    with contextlib.closing(connect(path, read_only=True)) as connection, reading(path):
        rows = damaged_rows(connection, limit_s=INTEGRITY_LIMIT_S)
    if rows:
        more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
        return failed(JOURNAL, f"{rows[0]}{more}", _ROWS_ADVICE)
    with contextlib.closing(JournalReader(subject.data_dir)) as reader:
        event_count, _ = reader.last_event()
        whose = _misfit(subject, reader)
    if whose:
        return failed(JOURNAL, f"{path} holds {whose}", "give this run another --data-dir")
    return passed(JOURNAL, f"{path} is whole: schema {SCHEMA_VERSION}, {event_count:,} events")


def check_lock(subject: Subject) -> Finding:
    """Report who holds the data directory."""
    holder = holder_of(subject.data_dir)
    if holder is None:
        return passed(LOCK, "no other run holds the data directory")
    return warned(
        LOCK,
        f"an understudy with process id {holder} runs on {subject.data_dir}",
        "stop that one before another run, or give the other a --data-dir of its own",
    )


def check_halt(subject: Subject) -> Finding:
    """Check for the file by which trading was halted."""
    reason = kill_switch_reason(subject.data_dir)
    if reason is None:
        return passed(HALT, "there is none: nobody pulled the kill switch")
    return warned(
        HALT,
        f"{subject.data_dir / KILL_SWITCH_NAME} is there, nothing would be traded: {reason}",
        "find out who halted and why, remove the file, then `understudy resume`",
    )


def _misfit(subject: Subject, reader: JournalReader) -> str:
    """Whose orders the journal has that this run must not continue; empty if none."""
    wallet = (subject.settings.execution.wallet or "").lower()
    rows = reader.states("account", open_only=False)
    known = [each for each in rows if isinstance(each, TradedAccount)]
    others = [each.address for each in known if each.address != wallet]
    if others and (wallet or not subject.is_live):
        return f"the live orders of account {others[0]}"
    if subject.is_live and not known and any(reader.events(kind="OrdersCreated")):
        return "simulated orders, which the account knows nothing of"
    return ""


def _damage(path: Path) -> str:
    """What is wrong with the file; empty if nothing is.

    Raises:
        _TooLarge: it takes too long.
        sqlite3.Error: it cannot be read at all.
    """
    ends_at = time.monotonic() + INTEGRITY_LIMIT_S
    connection = sqlite3.connect(journal_uri(path, "ro"), uri=True, timeout=1.0)
    connection.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS_BETWEEN_LOOKS)
    try:
        lines = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise _TooLarge from None
        raise
    finally:
        connection.close()
    return "" if lines == ["ok"] else "; ".join(lines)
