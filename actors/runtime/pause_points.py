"""Named instants at which a drill can hold an actor, to kill it exactly there.

A shell passes a point after each record and before each send:
``<who>/recorded/<Event>`` and ``<who>/sending/<Message>``, where every Order is called ``order``
and a value with a status adds it, as in ``executor/recorded/OrderReport/PARTIALLY_FILLED``.

A drill arms a point by a file in a directory that Boot names. The first actor that comes by takes
the file, so that each arming holds one actor once, and waits there until the file is gone or
``HOLD_LIMIT_S`` is over. Boot names no directory in any other run: nothing can be armed, and a
shell does not even look.
"""

from __future__ import annotations

import enum
import os
import time
from pathlib import Path

import attrs

from actors.roles import order_id_of

HOLD_LIMIT_S = 5.0
_LOOK_AGAIN_S = 0.002
_HELD = "#"
"""Stands between a point and who is held there, in the name of the taken file."""


def who(role: str) -> str:
    """Name a role as points do: every order is called "order"."""
    return "order" if order_id_of(role) is not None else role


def point_name(role: str, moment: str, value: object) -> str:
    """Name the point at which a role's actor stands; ``moment`` is "recorded" or "sending"."""
    status = getattr(value, "status", None)
    suffix = f"/{status.value}" if isinstance(status, enum.Enum) else ""
    return f"{who(role)}/{moment}/{type(value).__name__}{suffix}"


def _file_of(directory: Path, point: str) -> Path:
    return directory / point.replace("/", ".")


class PausePoints:
    """An actor's side: passes the points, and is held at an armed one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def reach(self, role: str, moment: str, value: object) -> None:
        """Stand at a point; returns at once unless it is armed."""
        armed = _file_of(self._directory, point_name(role, moment, value))
        held = armed.with_name(f"{armed.name}{_HELD}{os.getpid()}@{role.replace('/', '.')}")
        try:
            armed.rename(held)
        except FileNotFoundError:
            return
        deadline = time.monotonic() + HOLD_LIMIT_S
        while held.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)


@attrs.frozen
class Held:
    """The actor that is held at a point."""

    pid: int
    role: str


class Trap:
    """A drill's side: one point, armed from now on."""

    def __init__(self, directory: Path, point: str) -> None:
        self._armed = _file_of(directory, point)
        self._armed.touch()

    def held(self) -> Held | None:
        """Say who is held at the point; None while nobody has come by."""
        for path in self._held_files():
            pid, _, role = path.name.partition(_HELD)[2].partition("@")
            return Held(int(pid), role.replace(".", "/"))
        return None

    def release(self) -> None:
        """Disarm the point, and let go of whoever is held there and still lives."""
        self._armed.unlink(missing_ok=True)
        for path in self._held_files():
            path.unlink(missing_ok=True)

    def _held_files(self) -> list[Path]:
        return list(self._armed.parent.glob(f"{self._armed.name}{_HELD}*"))
