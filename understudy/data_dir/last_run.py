"""The record of the newest run in its data directory: when it began, and how it ended.

The journal records what was traded. This record shows watchers whether a system that is gone was
ended, gave up, or died without a word. Times are real, not venue time.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import attrs
import cattrs

from actors.runtime.private_files import read_plain, write_plain

RUN_NAME = "run.json"


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run."""

    pid: int
    began_at_ms: int
    ended_at_ms: int | None = None
    """None: it is running, or died without a word."""
    reason: str = ""
    """Why it ended."""
    exit_code: int | None = None


def note_begin(data_dir: Path) -> str:
    """Record that this process begins a run; return the problem, if there is one."""
    return _write(data_dir, RunRecord(pid=os.getpid(), began_at_ms=_now_ms()))


def note_end(data_dir: Path, reason: str, exit_code: int) -> str:
    """Record how the run ends; return the problem, so that a full disk does not prevent the end."""
    known = read_run(data_dir)
    begun = known or RunRecord(pid=os.getpid(), began_at_ms=_now_ms())
    ended = attrs.evolve(begun, ended_at_ms=_now_ms(), reason=reason, exit_code=exit_code)
    return _write(data_dir, ended)


def read_run(data_dir: Path) -> RunRecord | None:
    """The newest run; None if there was none, or its record cannot be read."""
    try:
        value = json.loads(read_plain(data_dir / RUN_NAME))
        return cattrs.structure(value, RunRecord)
    except (OSError, ValueError, cattrs.BaseValidationError):
        return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _write(data_dir: Path, record: RunRecord) -> str:
    path = data_dir / RUN_NAME
    try:
        write_plain(path, json.dumps(cattrs.unstructure(record)))
    except OSError as error:
        return f"{path} was not written: {error.strerror}"
    return ""
