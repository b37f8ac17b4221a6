"""An actor's connection to the outside world: a websocket, HTTP, the venue's client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class HostPort(Protocol):
    """An actor's connection to the outside world; its events are handed to the host."""

    def perform(self, command: object) -> None:
        """Start a command of the core; never blocks."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


class WatchedPort(HostPort, Protocol):
    """A port with a thread of its own for waiting, as all ports in a process have."""

    def fileno(self) -> int:
        """Descriptor that becomes readable when events are waiting."""
        ...

    def drain(self) -> Sequence[object]:
        """Events since the last call, in order."""
        ...
