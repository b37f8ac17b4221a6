"""Virtual time: what is to happen, and when; nothing waits and nothing happens by itself."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

_Entry = tuple[int, int, Callable[..., None], tuple[Any, ...]]


class Agenda:
    """Calls in order of their time; those of one millisecond in the order they were entered."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        """The venue's true time, ms since 1970."""
        self.called_count = 0
        self._entered_count = 0
        self._entries: list[_Entry] = []

    def after(self, delay_ms: int, call: Callable[..., None], *arguments: Any) -> None:
        """Plan a call; a delay of nothing comes after all that is planned for this instant."""
        self._entered_count += 1
        heappush(self._entries, (self.now_ms + delay_ms, self._entered_count, call, arguments))

    def run_until(self, end_ms: int) -> None:
        """Make every call that is due by then, each at its own time."""
        entries = self._entries
        while entries and entries[0][0] <= end_ms:
            at_ms, _, call, arguments = heappop(entries)
            self.now_ms = at_ms
            self.called_count += 1
            call(*arguments)
        self.now_ms = end_ms
