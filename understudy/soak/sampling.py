"""A running system's use of the machine at one instant, and its latencies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import attrs

from actors.runtime.journal import JournalReader
from actors.runtime.journal_file import JOURNAL_NAME
from actors.runtime.log import LOG_NAME
from understudy.display.latency import Histogram
from understudy.display.status import Status
from understudy.drill.processes import command_of
from understudy.drill.system import DrilledSystem
from understudy.watching.observation import Unanswered, ask_status, size_of

FOREGROUND, SUPERVISOR, ADMIN, LOGGER = "foreground", "supervisor", "admin", "logger"
_FORKED = "run"
"""Name of processes forked from the foreground that have no name of their own."""
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@attrs.frozen
class ProcessUse:
    """What one process uses."""

    pid: int
    rss_kib: int
    descriptors: int
    threads: int


@attrs.frozen(kw_only=True)
class Sample:
    """One sample."""

    at_s: float
    """Real time since the first one."""
    processes: Mapping[str, ProcessUse]
    """By name: processes of the layout, of the tree, and watchers."""
    journal_bytes: int
    wal_bytes: int
    """Size of SQLite's log beside the journal."""
    log_bytes: int
    event_count: int
    """Recorded since the journal began."""
    latencies_ms: Mapping[str, tuple[float, float]]
    """p50 and p99 since the last sample, by measured path."""


class Sampler:
    """Samples one system repeatedly."""

    def __init__(self, system: DrilledSystem) -> None:
        self._system = system
        self._before: dict[str, dict[int, int]] = {}

    def look(self, at_s: float) -> Sample | None:
        """Take a sample; None while the system does not answer."""
        directory = self._system.data_dir
        try:
            status = ask_status(directory)
        except Unanswered:
            return None
        reader = JournalReader(directory)
        event_count, _ = reader.last_event()
        reader.close()
        return Sample(
            at_s=at_s,
            processes=self._processes(status),
            journal_bytes=size_of(directory / JOURNAL_NAME),
            wal_bytes=size_of(directory / f"{JOURNAL_NAME}-wal"),
            log_bytes=size_of(directory / LOG_NAME),
            event_count=event_count,
            latencies_ms=dict(self._latencies(status)),
        )

    def _processes(self, status: Status) -> dict[str, ProcessUse]:
        names = {self._system.foreground_pid: FOREGROUND}
        report = status.report
        if report is not None:
            names |= {report.pid: SUPERVISOR, report.parent_pid: ADMIN}
            names |= {child.pid: child.process for child in report.children if child.pid}
        found = {}
        for pid in self._system.pids():
            name, use = names.get(pid) or command_of(pid), use_of(pid)
            if name and use is not None:  # one that is just being restarted has no name yet
                found[LOGGER if name == _FORKED else name] = use
        return found

    def _latencies(self, status: Status) -> list[tuple[str, tuple[float, float]]]:
        found = []
        for name, histogram in status.latencies.items():
            counts, before = histogram.counts, self._before.get(name, {})
            self._before[name] = counts
            if any(counts.get(us, 0) < count for us, count in before.items()):
                before = {}  # the foreground was restarted, and its counts begin anew
            fresh = Histogram.of_counts(
                {us: count - before.get(us, 0) for us, count in counts.items()}
            )
            p50, p99 = fresh.percentile(50), fresh.percentile(99)
            if fresh.count and p50 is not None and p99 is not None:
                found.append((name, (p50 / 1000, p99 / 1000)))
        return found


def use_of(pid: int) -> ProcessUse | None:
    """What a process uses; None if it is gone, or may not be examined by this user."""
    folder = Path(f"/proc/{pid}")
    try:
        words = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        pages = int((folder / "statm").read_text().split()[1])
        descriptors = len(list((folder / "fd").iterdir()))
    except (OSError, IndexError):
        return None
    return ProcessUse(pid, pages * _PAGE_KIB, descriptors, int(words[17]))
