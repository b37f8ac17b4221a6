"""Faults on demand: what streams of real venues have been seen to do."""

from __future__ import annotations

import enum
from typing import Protocol

import attrs

from venue.frames import Channel, Frame


class FaultKind(enum.Enum):
    """What a stream can be made to do."""

    STALL = "stall"
    """Open connections answer PING and send nothing else; new ones work."""
    GARBLE = "garble"
    """The next frames are cut off in the middle."""
    DROP = "drop"
    """All connections are closed."""
    DUPLICATE = "duplicate"
    """The next frames are sent twice."""
    REORDER = "reorder"
    """Each of the next frames is sent after the one that follows it."""
    RESUME = "resume"
    """Stalled connections send again; everything that was still to come is called off."""


@attrs.define
class FaultPlan:
    """What will still go wrong with one channel's frames."""

    garble_count: int = 0
    duplicate_count: int = 0
    reorder_count: int = 0
    _held: Frame | None = None

    def plan(self, kind: FaultKind, count: int) -> None:
        """Let the next ``count`` frames suffer; RESUME calls everything off."""
        if kind is FaultKind.GARBLE:
            self.garble_count = count
        elif kind is FaultKind.DUPLICATE:
            self.duplicate_count = count
        elif kind is FaultKind.REORDER:
            self.reorder_count = count
        elif kind is FaultKind.RESUME:
            self.garble_count = self.duplicate_count = self.reorder_count = 0

    def apply(self, frame: Frame) -> list[Frame]:
        """Turn a frame into what is sent in its place, in order."""
        if self.garble_count > 0:
            self.garble_count -= 1
            frame = attrs.evolve(frame, text=frame.text[: len(frame.text) // 2])
        sent = [frame]
        if self.duplicate_count > 0:
            self.duplicate_count -= 1
            sent.append(frame)
        if self._held is not None:
            held, self._held = self._held, None
            return [*sent, held]
        if self.reorder_count > 0:
            self.reorder_count -= 1
            self._held = frame
            return sent[1:]
        return sent


class _Injector(Protocol):
    def __call__(self, channel: Channel, kind: FaultKind, count: int = 1) -> None: ...


class Faults:
    """The faults of a running exchange, by name; see ``FaultKind`` for what each does."""

    def __init__(self, inject: _Injector) -> None:
        self.inject = inject

    def stall(self, channel: Channel | str) -> None:
        """Let open connections fall silent."""
        self.inject(Channel(channel), FaultKind.STALL)

    def resume(self, channel: Channel | str) -> None:
        """Call all faults of a channel off."""
        self.inject(Channel(channel), FaultKind.RESUME)

    def drop(self, channel: Channel | str) -> None:
        """Close all connections."""
        self.inject(Channel(channel), FaultKind.DROP)

    def garble(self, channel: Channel | str, count: int = 1) -> None:
        """Cut off the next frames."""
        self.inject(Channel(channel), FaultKind.GARBLE, count)

    def duplicate(self, channel: Channel | str, count: int = 1) -> None:
        """Send the next frames twice."""
        self.inject(Channel(channel), FaultKind.DUPLICATE, count)

    def reorder(self, channel: Channel | str, count: int = 1) -> None:
        """Send each of the next frames after the one that follows it."""
        self.inject(Channel(channel), FaultKind.REORDER, count)
