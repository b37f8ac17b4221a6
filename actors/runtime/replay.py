"""Replays a recording: the same core, the same messages at the same times, the same effects."""

from __future__ import annotations

from collections.abc import Iterator

from actors.core import Effects, UnknownMessage
from actors.runtime.flight_recorder import Flight


def play(flight: Flight) -> Iterator[tuple[int, object, Effects]]:
    """Hand the core each message; yield its time, the message and the core's effects.

    No effect is performed: the results that the core received are among its messages.

    Raises:
        Exception: whatever the core raises. An unknown message is skipped, as its host did.
    """
    for now_ms, message in flight.heard:
        effects: Effects = []
        try:
            effects = flight.core.handle(message, now_ms)
        except UnknownMessage:
            effects = []
        yield now_ms, message, effects
