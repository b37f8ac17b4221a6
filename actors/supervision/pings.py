"""Paced Pings: a round is sent in parts, so that the answers do not delay market messages."""

from __future__ import annotations

from actors.messages.lifecycle import Ping

PING_GAP_MS = 40
"""Between two parts."""
_PARTS = 6
"""A round is sent in about this many parts, or a few more."""


class PacedPings:
    """Pings waiting to be sent, the newest of each child, in the order of the children."""

    def __init__(self) -> None:
        self._waiting: dict[int, Ping] = {}
        """By the child's handle."""
        self._part_left_at_ms = 0

    def add(self, handle: int, ping: Ping, now_ms: int) -> bool:
        """Queue a Ping; return whether to send a part ``PING_GAP_MS`` from now."""
        is_first = not self._waiting
        if is_first:
            self._part_left_at_ms = now_ms
        self._waiting[handle] = ping
        return is_first

    def take_part(self, now_ms: int) -> list[tuple[int, Ping]]:
        """Return the Pings to send now, including those that are overdue.

        Without the latter, a supervisor that rarely gets to run would hear from each child so
        rarely that it would take responsive ones for hung.
        """
        parts = max(1, (now_ms - self._part_left_at_ms) // PING_GAP_MS)
        self._part_left_at_ms = now_ms
        handles = list(self._waiting)[: parts * (1 + len(self._waiting) // _PARTS)]
        return [(handle, self._waiting.pop(handle)) for handle in handles]

    @property
    def are_waiting(self) -> bool:
        """Whether to send another part ``PING_GAP_MS`` from now."""
        return bool(self._waiting)
