"""A round of Pings leaves in parts: all answers at once would hold up what the market does then."""

from __future__ import annotations

from actors.messages.lifecycle import Ping

PING_GAP_MS = 40
"""Between two parts."""
_PARTS = 6
"""A round leaves in so many parts or a few more."""


class PacedPings:
    """Pings that are to leave soon, the newest of each child, in the order of their children."""

    def __init__(self) -> None:
        self._waiting: dict[int, Ping] = {}
        """By the child's handle."""
        self._part_left_at_ms = 0

    def add(self, handle: int, ping: Ping, now_ms: int) -> bool:
        """Let a Ping wait for its turn; whether a part is to leave ``PING_GAP_MS`` from now."""
        is_first = not self._waiting
        if is_first:
            self._part_left_at_ms = now_ms
        self._waiting[handle] = ping
        return is_first

    def take_part(self, now_ms: int) -> list[tuple[int, Ping]]:
        """The Pings that leave now, and all that would have left since, were there a processor.

        Otherwise a supervisor that runs rarely would hear so rarely of each child that it takes
        those for hung that answer at once.
        """
        parts = max(1, (now_ms - self._part_left_at_ms) // PING_GAP_MS)
        self._part_left_at_ms = now_ms
        handles = list(self._waiting)[: parts * (1 + len(self._waiting) // _PARTS)]
        return [(handle, self._waiting.pop(handle)) for handle in handles]

    @property
    def are_waiting(self) -> bool:
        """Whether another part is to leave ``PING_GAP_MS`` from now."""
        return bool(self._waiting)
