"""Plays a flight: the same core, the same messages at the same times, and so the same effects."""

from __future__ import annotations

from collections.abc import Iterator

from actors.core import Effects, UnknownMessage
from actors.runtime.flight_recorder import Flight


def play(flight: Flight) -> Iterator[tuple[int, object, Effects]]:
    """Hand the core each message; yields its time, the message and what the core wants done.

    Nothing is performed: what a core was told in return is among its messages.

    Raises:
        Exception: whatever the core raises. A message it does not know is passed over, as its host
            did.
    """
    for now_ms, message in flight.heard:
        effects: Effects = []
        try:
            effects = flight.core.handle(message, now_ms)
        except UnknownMessage:
            effects = []
        yield now_ms, message, effects
