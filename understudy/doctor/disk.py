"""Check: the disk below the data directory takes writes, keeps them, and has room."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from actors.runtime.disk_trouble import find_trouble
from understudy.doctor.findings import Finding, failed, passed, warned
from understudy.doctor.subject import Subject
from understudy.watching.health import FREE_MB_FAIL, FREE_MB_WARN

NAME = "disk"

_MB = 1_000_000
SYNC_MS_WARN = 20.0
"""With durability "full" each record waits for the disk, and an order has several before it leaves.

Beyond this the disk takes more of an order's time than the way to the venue does.
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
            return failed(NAME, trouble.what, trouble.advice)
        return failed(
            NAME,
            f"{where} cannot be written: {problem.strerror}",
            "give this user the directory, or name another with --data-dir",
        )
    room = f"{where} has {free_mb:,} MB free; fsync takes {sync_ms:.1f} ms"
    make_room = "free some space, or name a directory on another disk with --data-dir"
    if free_mb < FREE_MB_FAIL:
        return failed(NAME, f"{room}: when it is full, trading stops", make_room)
    if free_mb < FREE_MB_WARN:
        return warned(NAME, room, make_room)
    if sync_ms > SYNC_MS_WARN and subject.settings.execution.durability == "full":
        slow = "put the data directory on a faster disk, a local SSD rather than a network's"
        return warned(NAME, f"{room}, and every record of an order waits for that", slow)
    return passed(NAME, room)


def _nearest_directory(path: Path) -> Path:
    """The directory itself, or the one in which it would be made."""
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
