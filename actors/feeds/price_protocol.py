"""What the venue's two price services have in common, seen from one connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from actors.core import Effects
from actors.feeds.decoding import each_by_itself
from actors.messages.feeds import TwapTick


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What one frame says, and what is to be said because of it."""

    ticks: tuple[TwapTick, ...] = ()
    """Oldest first."""
    problems: tuple[str, ...] = ()
    """A sentence for each part that could not be read."""
    replies: tuple[str, ...] = ()
    """Texts that the protocol wants said now."""
    lost_count: int = 0
    """Frames that were lost before this one, as its number or the service itself says."""
    refusal: str = ""
    """Why the connection is of no use: the service refused what it was asked."""
    are_credentials_refused: bool = False
    """The refusal is of the credentials: with the same ones it is no use trying again."""


class PriceProtocol(Protocol):
    """The protocol of one connection, without its input and output."""

    def opening(self, name: str) -> Effects:
        """What is to be said first on the open connection of this name."""
        ...

    def receive(self, raw: bytes) -> Received:
        """Read one frame; never raises for what a frame holds."""
        ...


def read_ticks(
    payload: Mapping[str, Any], read: Callable[[Mapping[str, Any]], TwapTick]
) -> tuple[list[TwapTick], list[str]]:
    """Read the ticks of a history, oldest first, or the one of an update.

    A tick of a history without its exact value is left out: it would prove no price.

    Args:
        payload: what a frame holds.
        read: reads one tick's fields; raises NotExact if they are unreadable.

    Returns:
        The ticks, and a sentence for each that could not be read.
    """
    history = payload.get("data")
    if isinstance(history, list):
        ticks, problems = each_by_itself(history, lambda row: _past(row, read))
    else:
        ticks, problems = each_by_itself([payload], read)
    return sorted(ticks, key=lambda tick: tick.timestamp_ms), problems


def _past(row: Mapping[str, Any], read: Callable[[Mapping[str, Any]], TwapTick]) -> TwapTick | None:
    return None if row.get("full_accuracy_value") is None else read(row)
