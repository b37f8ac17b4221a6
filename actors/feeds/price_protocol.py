"""The common interface of the venue's two price services, for one connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from actors.core import Effects
from actors.feeds.decoding import each_by_itself
from actors.messages.feeds import TwapTick


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What one frame contains, and the required replies."""

    ticks: tuple[TwapTick, ...] = ()
    """Oldest first."""
    problems: tuple[str, ...] = ()
    """A sentence for each part that could not be read."""
    replies: tuple[str, ...] = ()
    """Texts that the protocol requires to be sent now."""
    lost_count: int = 0
    """Number of frames lost before this one, by its number or by the service's own report."""
    refusal: str = ""
    """Why the connection is useless: the service refused a request."""
    are_credentials_refused: bool = False
    """The credentials were refused, so retrying with the same ones is useless."""


class PriceProtocol(Protocol):
    """The protocol of one connection, without its input and output."""

    def opening(self, name: str) -> Effects:
        """Return the first commands for the open connection of this name."""
        ...

    def receive(self, raw: bytes) -> Received:
        """Read one frame; never raises for its content."""
        ...


def read_ticks(
    payload: Mapping[str, Any], read: Callable[[Mapping[str, Any]], TwapTick]
) -> tuple[list[TwapTick], list[str]]:
    """Read the ticks of a history, oldest first, or the single tick of an update.

    A tick of a history without its exact value is left out: it would prove no price.

    Args:
        payload: the content of a frame.
        read: reads one tick's fields; raises NotExact if they are unreadable.

    Returns:
        The ticks, and a sentence for each unreadable one.
    """
    history = payload.get("data")
    if isinstance(history, list):
        ticks, problems = each_by_itself(history, lambda row: _past(row, read))
    else:
        ticks, problems = each_by_itself([payload], read)
    return sorted(ticks, key=lambda tick: tick.timestamp_ms), problems


def _past(row: Mapping[str, Any], read: Callable[[Mapping[str, Any]], TwapTick]) -> TwapTick | None:
    return None if row.get("full_accuracy_value") is None else read(row)
