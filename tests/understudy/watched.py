"""Systems as watchers see them: observations, and a control socket that answers like a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from scenes import NOW_MS, child, report, view

from actors.execution.desk_state import DeskState
from actors.settings import Settings
from understudy.control import ControlServer
from understudy.data_dir.last_run import RunRecord
from understudy.data_dir.ownership import DataDirLock
from understudy.display.latency import Histogram
from understudy.display.status import Status, status_reply
from understudy.watching.observation import Observation

ROLES = ("observer", "position", "desk", "strategy", "market-state", "market-feed", "directory")
WELL = report(children=tuple(child(role) for role in ROLES), restarts={})
WALL_MS = 1_795_000_000_000


def status(**changes: object) -> Status:
    fields: dict[str, object] = {
        "view": view(),
        "report": WELL,
        "now_ms": NOW_MS,
        "speed": 1.0,
        "latencies": {
            "tick_to_order": Histogram([3_000, 9_000]),
            "journal_write": Histogram([80, 300]),
        },
        "restarts": {"strategy": 1},
        "handled_count": 14_808,
        "refused_count": 3,
        "settings": Settings(),
        **changes,
    }
    return Status(**fields)  # type: ignore[arg-type]


def observation(**changes: object) -> Observation:
    fields: dict[str, object] = {
        "at_ms": WALL_MS,
        "is_running": True,
        "status": status(),
        "last_run": RunRecord(pid=1, began_at_ms=WALL_MS - 60_000),
        "desk": DeskState(minute=NOW_MS // 60_000, minute_count=3),
        "journal_bytes": 77_824,
        "log_bytes": 4_096,
        "disk_free_bytes": 50_000_000_000,
        "event_counts": {"Fill": 2, "OrdersCreated": 1},
        "error_counts": {("post_refused", "425"): 4, ("outcome_unknown", ""): 1},
        **changes,
    }
    return Observation(**fields)  # type: ignore[arg-type]


def down(**changes: object) -> Observation:
    """A system that nobody runs."""
    return observation(is_running=False, status=None, trouble="no understudy runs", **changes)


@contextlib.contextmanager
def running(data_dir: Path, shown: Status) -> Iterator[None]:
    """Hold a data directory and answer "status" there, as a run does."""
    lock = DataDirLock(data_dir)
    server = ControlServer(data_dir, {"status": lambda _request: status_reply(shown)})
    server.start()
    try:
        yield
    finally:
        server.close()
        lock.release()
