"""Named instants at which a drill can hold an actor, or have its core raise or never return.

An actor passes a point before its core handles a message, after each record and before each send:
``<who>/handling``, ``<who>/recorded/<Event>`` and ``<who>/sending/<Message>``, where every Order is
called ``order``, a strategy of any series ``strategy``, and a value with a status adds it, as in
``executor/recorded/OrderReport/PARTIALLY_FILLED``.

A drill arms a point by a file in a directory that Boot names. The first actor that comes by takes
the file, so that each arming strikes one actor once. An empty file holds it there until the file is
gone or ``HOLD_LIMIT_S`` is over; otherwise the file says what its core does, which works where it
is about to handle a message. Boot names no directory in any other run: nothing can be armed, and
nobody even looks.
"""

from __future__ import annotations

import enum
import os
import time
from pathlib import Path

import attrs

from actors.roles import base_role, order_id_of

HANDLING = "handling"
HOLD_LIMIT_S = 5.0
_LOOK_AGAIN_S = 0.002
_HELD = "#"
"""Stands between a point and who is held there, in the name of the taken file."""


RAISE, LOOP = "raise", "loop"
"""What an armed point may say: the core raises, or computes without end."""


class MadeToRaise(Exception):
    """A core raises because a drill or a simulation wants it to."""


def who(role: str) -> str:
    """Name a role as points do: every order is "order", and a kind is the same in every series."""
    return "order" if order_id_of(role) is not None else base_role(role)


def point_name(role: str, moment: str, value: object) -> str:
    """Name the point at which a role's actor stands.

    ``moment`` is "handling", whatever the message, or "recorded" or "sending".
    """
    if moment == HANDLING:
        return f"{who(role)}/{HANDLING}"
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
        """Stand at a point; returns at once unless it is armed.

        Raises:
            MadeToRaise: the point is armed to have a core raise.
        """
        armed = _file_of(self._directory, point_name(role, moment, value))
        held = armed.with_name(f"{armed.name}{_HELD}{os.getpid()}@{role.replace('/', '.')}")
        try:
            act = armed.read_text()  # before anyone may take it away again
            armed.rename(held)
        except FileNotFoundError:
            return
        if act == RAISE:
            raise MadeToRaise(f"{role} is made to raise on {type(value).__name__}")
        while act == LOOP:
            continue
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

    def __init__(self, directory: Path, point: str, act: str = "") -> None:
        self._armed = _file_of(directory, point)
        written = self._armed.with_name(f".{self._armed.name}")
        written.write_text(act)
        written.rename(self._armed)  # nobody may take it half-written

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
