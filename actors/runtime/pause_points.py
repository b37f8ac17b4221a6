"""Named points at which a drill can pause an actor, or make its core raise or hang.

An actor passes a point before its core handles a message, after each record and before each send:
``<who>/handling``, ``<who>/recorded/<Event>`` and ``<who>/sending/<Message>``, where every Order is
called ``order``, a strategy of any series ``strategy``, and a value with a status adds it, as in
``executor/recorded/OrderReport/PARTIALLY_FILLED``.

A drill arms a point by a file in a directory that Boot names. The first actor that reaches the
point takes the file, so that each file affects one actor once. An empty file pauses the actor until
the file is removed or ``HOLD_LIMIT_S`` has passed. Otherwise the file says what its core does,
which works before a message is handled. In any other run Boot names no directory, so nothing can be
armed and nothing is checked.
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
"""Separates the point from the paused role, in the name of the taken file."""


RAISE, LOOP = "raise", "loop"
"""Contents of an armed point's file: the core raises, or computes forever."""


class MadeToRaise(Exception):
    """A core raises because a drill or a simulation makes it."""


def who(role: str) -> str:
    """Return a role's name in points: "order" for every order, and a kind without its series."""
    return "order" if order_id_of(role) is not None else base_role(role)


def point_name(role: str, moment: str, value: object) -> str:
    """Return the name of the point at which a role's actor is.

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
    """An actor's side: passes the points, and pauses at an armed one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def reach(self, role: str, moment: str, value: object) -> None:
        """Pass a point; returns at once unless it is armed.

        Raises:
            MadeToRaise: the point is armed to make a core raise.
        """
        armed = _file_of(self._directory, point_name(role, moment, value))
        held = armed.with_name(f"{armed.name}{_HELD}{os.getpid()}@{role.replace('/', '.')}")
        try:
            act = armed.read_text()  # before another process may take it
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
    """The actor that is paused at a point."""

    pid: int
    role: str


class Trap:
    """A drill's side: one armed point."""

    def __init__(self, directory: Path, point: str, act: str = "") -> None:
        self._armed = _file_of(directory, point)
        written = self._armed.with_name(f".{self._armed.name}")
        written.write_text(act)
        written.rename(self._armed)  # so that no process takes a half-written file

    def held(self) -> Held | None:
        """Return who is paused at the point; None if no actor has reached it."""
        for path in self._held_files():
            pid, _, role = path.name.partition(_HELD)[2].partition("@")
            return Held(int(pid), role.replace(".", "/"))
        return None

    def release(self) -> None:
        """Disarm the point, and resume the actor that is paused there, if it is alive."""
        self._armed.unlink(missing_ok=True)
        for path in self._held_files():
            path.unlink(missing_ok=True)

    def _held_files(self) -> list[Path]:
        return list(self._armed.parent.glob(f"{self._armed.name}{_HELD}*"))
