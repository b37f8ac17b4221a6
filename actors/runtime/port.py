"""An actor's connection to the world outside: a websocket, HTTP, the venue's client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class HostPort(Protocol):
    """An actor's connection to the world outside; its events are handed to the host."""

    def perform(self, command: object) -> None:
        """Start what a core commanded; never blocks."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class WatchedPort(HostPort, Protocol):
    """A port whose own thread does the waiting, as all ports of a process are."""

    def fileno(self) -> int:
        """Descriptor that becomes readable when events wait."""
        ...

    def drain(self) -> Sequence[object]:
        """Events that have happened since the last call, in order."""
        ...
