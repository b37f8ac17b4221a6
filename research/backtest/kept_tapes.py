"""Decoded recordings cached between the trials of a search, in limited memory.

Reading and decoding a recording takes a third of a backtest, and is the same for every trial.
Successive books have most of their levels in common, so equal levels are stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import attrs
from msgspec.structs import replace

from actors.messages.feeds import BookEvent, MarketEvent
from actors.model import Level
from research.backtest.tape import MarketFrames, Moment, Tape
from research.recordings import open_recording
from research.recordings.places import read_all

KEPT_BYTES_MAX = 256 * 1024 * 1024
"""Approximate limit per process; the least recently used tape is dropped."""

_EVENT_BYTES = 300
_LEVEL_BYTES = 120
_REFERENCE_BYTES = 8


class KeptTape(Tape):
    """A tape whose moments are in memory; it can be played any number of times."""

    def __init__(self, tape: Tape, moments: list[tuple[int, Moment]], size_bytes: int) -> None:
        vars(self).update(vars(tape))
        self.size_bytes = size_bytes
        """Approximate memory used."""
        self._moments = moments

    def moments(self) -> Iterator[tuple[int, Moment]]:
        """Every moment with its venue time in ms, in order."""
        return iter(self._moments)


class TapeShelf:
    """Tapes by the digest of their recording."""

    def __init__(self, most_bytes: int) -> None:
        """Begin empty, with an approximate memory limit."""
        self._most_bytes = most_bytes
        self._kept: dict[tuple[str, str], KeptTape | None] = {}
        """Least recently used first; None: it is too large."""

    def tape(self, place: str | Path, settlement: str) -> tuple[Tape, str]:
        """A recording's tape, and the digest of its bytes (SHA-256).

        Raises:
            BadRecording: the file cannot be read.
        """
        digest = hashlib.sha256(read_all(place)).hexdigest()
        key = (digest, settlement)
        if key in self._kept:
            kept = self._kept.pop(key)
        else:
            kept = _kept(Tape(open_recording(place), settlement), self._most_bytes)
        self._kept[key] = kept
        self._make_room()
        return kept or Tape(open_recording(place), settlement), digest

    def _make_room(self) -> None:
        sizes = {key: kept.size_bytes for key, kept in self._kept.items() if kept is not None}
        taken_bytes = sum(sizes.values())
        for key, size_bytes in sizes.items():
            if taken_bytes <= self._most_bytes:
                return
            del self._kept[key]
            taken_bytes -= size_bytes


def _kept(tape: Tape, most_bytes: int) -> KeptTape | None:
    """Read a tape into memory; None if it would exceed the limit."""
    levels: dict[Level, Level] = {}
    moments: list[tuple[int, Moment]] = []
    size_bytes = 0
    for at_ms, moment in tape.moments():
        kept = moment
        if isinstance(moment, MarketFrames):
            kept = attrs.evolve(
                moment, events=tuple(_shared(each, levels) for each in moment.events)
            )
            size_bytes += sum(map(_size_bytes, kept.events))
        moments.append((at_ms, kept))
        if size_bytes + _LEVEL_BYTES * len(levels) > most_bytes:
            return None
    return KeptTape(tape, moments, size_bytes + _LEVEL_BYTES * len(levels))


def _shared(event: MarketEvent, levels: dict[Level, Level]) -> MarketEvent:
    if not isinstance(event, BookEvent):
        return event
    bids, asks = (tuple(map(levels.setdefault, side, side)) for side in (event.bids, event.asks))
    return replace(event, bids=bids, asks=asks)


def _size_bytes(event: MarketEvent) -> int:
    if not isinstance(event, BookEvent):
        return _EVENT_BYTES
    return _EVENT_BYTES + _REFERENCE_BYTES * (len(event.bids) + len(event.asks))
