"""Rows of a system as it is seen."""

from __future__ import annotations

from typing import Any

import attrs

from actors.supervision.messages import ChildReport, ChildState
from understudy.drill.system import PERMANENT, Seen


def row(role: str, pid: int, **changes: Any) -> ChildReport:
    serving = ChildReport(
        role=role,
        pid=pid,
        state=ChildState.SERVING,
        generation=1,
        restarts=0,
        uptime_ms=1_000,
        last_message_age_ms=1,
        handled_count=10,
        serving_since_ms=500,
    )
    return attrs.evolve(serving, **changes)


def seen(*more: ChildReport, without: str = "") -> Seen:
    """A system in which every permanent role is served: by process 100, 101…"""
    rows = [row(role, 100 + number) for number, role in enumerate(PERMANENT) if role != without]
    return Seen(supervisor_pid=3, admin_pid=2, children=(*rows, *more))
