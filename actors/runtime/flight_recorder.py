"""Keeps what is needed to reproduce an actor's crash: a copy of its core, and all messages since.

A core is pure, so a copy that handles the same messages at the same times raises the same
exception. Messages are immutable and kept by reference. The core is pickled now and then, after all
effects of a message. What is kept is limited in number and bytes, and covers at least the last half
of that limit. The recorder never disturbs its actor: if it fails, it warns and keeps nothing from
then on.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Protocol

import attrs

from actors.core import Core, UnknownMessage
from actors.runtime.host_context import HostWatch, RunningHost
from actors.runtime.journal_file import JournalError
from actors.runtime.pause_points import MadeToRaise

Heard = tuple[int, object]
"""Venue time in ms, and the message."""

PROTOCOL = 5
_MESSAGES_MAX = 512
_BYTES_MAX = 64_000
"""Limit of one interval, pickled; two are kept. In memory a book takes ten times as much."""
_LOOK_EVERY = 64
"""Messages between two checks of the size kept; one message is measured, and stands for all."""
_SNAPSHOT_SHARE = 100
"""Snapshots are at least this many times their own duration apart, so their cost is limited."""
_STRETCHES_MAX = 4
"""An interval that waits for a snapshot is dropped when it exceeds the limits this many times."""


class HungCore(Exception):
    """A core did not return from a message, and its process was ended."""


@attrs.frozen(kw_only=True)
class Flight:
    """A core as it was, and the messages since; it crashed on the last one."""

    role: str
    generation: int
    core: Core
    heard: tuple[Heard, ...]


class KeepsFlights(Protocol):
    """Where the flight of a crashed actor is kept."""

    newest: FlightRecorder | None
    """The recorder whose core was given a message last."""

    def keep(self, flight: Flight, error: Exception, *, is_in_core: bool) -> None:
        """Keep a flight.

        Args:
            flight: what led to the crash.
            error: what the actor crashed on.
            is_in_core: whether it was raised within the core, so that a replay meets it.
        """
        ...

    def warn(self, text: str) -> None:
        """Report that nothing can be kept, and why."""
        ...


@attrs.define
class _Stretch:
    """The messages since a snapshot."""

    snapshot: bytes | None
    """None: the core was new."""
    heard: list[Heard] = attrs.field(factory=list)


class FlightRecorder(HostWatch):
    """Records one host."""

    def __init__(self, make_core: Callable[[int], Core], keeps: KeepsFlights) -> None:
        """Begin without a core.

        Args:
            make_core: makes the core of a generation again, the same each time.
            keeps: where the flight goes when the actor crashes.
        """
        self._make_core = make_core
        self._keeps = keeps
        self._stretches: list[_Stretch] = []
        self._heard: list[Heard] = []
        self._look_at = _LOOK_EVERY
        self._bytes = 0
        self._not_before_ns = 0
        self._is_off = False
        self.host: RunningHost | None = None

    def made(self, host: RunningHost) -> None:
        """Begin with a new core, which can be made again and so need not be copied."""
        self.host = host
        self._stretches.clear()
        self._begin(None)

    def hears(self, host: RunningHost, message: object, now_ms: int) -> None:
        """Keep a message."""
        del host
        self._keeps.newest = self
        self._heard.append((now_ms, message))

    def handled(self, host: RunningHost, message: object) -> None:
        """Take a snapshot, if enough messages came since the last one."""
        del message
        if len(self._heard) >= self._look_at:
            try:
                self._look(host)
            except Exception as error:  # whatever cannot be copied, the actor goes on
                self._is_off = True
                self._keeps.warn(f"a crash of {host.role} will leave no record: {error!r}")
                self._drop()

    def raised(self, host: RunningHost, message: object, error: Exception) -> None:
        """Keep what led to a crash, unless the journal or a drill caused it."""
        del message
        if isinstance(error, UnknownMessage | JournalError | MadeToRaise) or self.host is not host:
            return
        self._hand_over(error, is_in_core=_is_in_core(error.__traceback__))
        self.host = None

    def hung(self, error: HungCore, frame: FrameType | None) -> None:
        """Keep what led to a hang, which was interrupted in this frame."""
        self._hand_over(error, is_in_core=_is_held_in_core(frame))

    def flight(self) -> Flight | None:
        """The flight so far; None if nothing is kept."""
        host = self.host
        if host is None or not self._stretches:
            return None
        first = self._stretches[0]
        core = (
            self._make_core(host.generation)
            if first.snapshot is None
            else pickle.loads(first.snapshot)  # noqa: S301 # this process wrote it
        )
        heard = tuple(each for stretch in self._stretches for each in stretch.heard)
        return Flight(role=host.role, generation=host.generation, core=core, heard=heard)

    def _hand_over(self, error: Exception, *, is_in_core: bool) -> None:
        try:
            flight = self.flight()
            if flight is not None:
                self._keeps.keep(flight, error, is_in_core=is_in_core)
        except Exception as problem:  # the actor's crash proceeds as it would without a recorder
            self._keeps.warn(f"this crash left no record: {problem!r}")

    def _begin(self, snapshot: bytes | None) -> None:
        stretch = _Stretch(snapshot)
        self._stretches = [*self._stretches[-1:], stretch]
        self._heard = stretch.heard
        self._look_at = _LOOK_EVERY
        self._bytes = 0

    def _drop(self) -> None:
        """Keep nothing until the next snapshot."""
        self._stretches = []
        self._heard = []
        self._look_at = _LOOK_EVERY
        self._bytes = 0

    def _look(self, host: RunningHost) -> None:
        heard = self._heard
        if self._is_off:
            heard.clear()
            return
        self._look_at = len(heard) + _LOOK_EVERY
        self._bytes += _LOOK_EVERY * len(pickle.dumps(heard[-1], PROTOCOL))
        full = max(len(heard) / _MESSAGES_MAX, self._bytes / _BYTES_MAX)
        if full < 1:
            return
        began_ns = time.perf_counter_ns()
        if began_ns < self._not_before_ns:
            if full >= _STRETCHES_MAX:
                self._drop()
            return
        self._begin(pickle.dumps(host.core, PROTOCOL))
        ended_ns = time.perf_counter_ns()
        self._not_before_ns = ended_ns + (ended_ns - began_ns) * _SNAPSHOT_SHARE


def _is_in_core(trace: TracebackType | None) -> bool:
    """Whether an exception came out of a core's ``handle``."""
    while trace is not None:
        if _handles(trace.tb_frame):
            return True
        trace = trace.tb_next
    return False


def _is_held_in_core(frame: FrameType | None) -> bool:
    """Whether an interrupted frame is a core's ``handle``, or was called from it."""
    while frame is not None:
        if _handles(frame):
            return True
        frame = frame.f_back
    return False


def _handles(frame: FrameType) -> bool:
    is_named_so = frame.f_code.co_name == Core.handle.__name__
    return is_named_so and isinstance(frame.f_locals.get("self"), Core)
