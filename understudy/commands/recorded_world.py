"""Recordings that the local exchange is to serve, for the commands that start one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.commands.shared import failing_on
from understudy.processes.exit_codes import ExitCode

if TYPE_CHECKING:
    from research.recordings.serving import RecordedWorld


def recorded_world(recordings: tuple[str, ...], missing_share: float = 0.0) -> RecordedWorld:
    """Open recordings to serve them, or end the command: bad input."""
    # Loading the reader takes a while, and most runs do without it.
    from research.recordings.places import BadRecording
    from research.recordings.serving import RecordedWorld

    with failing_on(BadRecording, code=ExitCode.BAD_INPUT):
        return RecordedWorld([_place(each) for each in recordings], missing_share)


def _place(name: str) -> str | Path:
    return name if "://" in name else Path(name).expanduser()
