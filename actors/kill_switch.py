"""The kill switch: while a file of this name lies in the data directory, nothing is traded.

It needs no running system, no command and no working control socket: ``touch`` is enough. Its
first line is the reason. Removing it does not resume; ``understudy resume`` does.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from actors.messages.execution import HaltTrading
from actors.messages.halts import KILL_SWITCH

KILL_SWITCH_NAME = "HALT"
_REASON_BYTES = 500


def kill_switch_reason(data_dir: Path) -> str | None:
    """Why the kill switch is pulled; None if it is not.

    A file that cannot be read counts as much as one that can.
    """
    path = data_dir / KILL_SWITCH_NAME
    try:
        with path.open("rb") as file:
            text = file.read(_REASON_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"there is {path}, which cannot be read: {error.strerror}"
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else f"there is a file {path}"


def pull_kill_switch(data_dir: Path, reason: str) -> Path:
    """Write the file, unless there is one; returns its path.

    Raises:
        OSError: it cannot be written.
    """
    path = data_dir / KILL_SWITCH_NAME
    if not path.exists():
        path.touch()  # it halts as it is; on a full disk there is no room for the reason
        with contextlib.suppress(OSError):
            path.write_text(f"{reason}\n", encoding="utf-8", errors="replace")
    return path


def kill_switch_halt(reason: str, request_id: int = 0) -> HaltTrading:
    """What the desk is told while the switch is pulled."""
    return HaltTrading(reason, cancel=True, who=KILL_SWITCH, request_id=request_id)
