"""Virtual time: scheduled calls, made in order of time without waiting for real time.

Any number of hosts share one scheduler, in one thread. It injects no faults: a simulation adds its
own to the post, the journal, the clocks and the ports that it gives to the hosts.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

_Entry = tuple[Callable[..., None], tuple[Any, ...]]


class Scheduler:
    """Makes calls in order of time; those of the same millisecond in order of entry."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        """The venue's true time, ms since 1970."""
        self.called_count = 0
        self._entries: dict[int, list[_Entry]] = {}
        """Scheduled calls, by time."""
        self._times: list[int] = []
        """Each of these times once, as a heap."""

    def after(self, delay_ms: int, call: Callable[..., None], *arguments: Any) -> None:
        """Schedule a call; without a delay it comes after all others scheduled for this instant."""
        at_ms = self.now_ms + delay_ms if delay_ms > 0 else self.now_ms
        entries = self._entries.get(at_ms)
        if entries is None:
            self._entries[at_ms] = [(call, arguments)]
            heappush(self._times, at_ms)
        else:
            entries.append((call, arguments))

    def run_until(self, end_ms: int) -> None:
        """Make every call that is due until then, each at its own time."""
        times = self._times
        while times and times[0] <= end_ms:
            self.now_ms = at_ms = times[0]
            for call, arguments in self._entries[at_ms]:  # it grows during the loop
                self.called_count += 1
                call(*arguments)
            heappop(times)  # nothing earlier can have been scheduled meanwhile
            del self._entries[at_ms]
        self.now_ms = end_ms


class VirtualTimers:
    """A host's timers on a scheduler."""

    def __init__(self, scheduler: Scheduler, wake: Callable[[str, int], None]) -> None:
        """Keep timers; when one may be due, ``wake`` is called with its key and number."""
        self._scheduler = scheduler
        self._wake = wake
        self._numbers: dict[str, int] = {}
        self._set_count = 0

    def set(self, key: str, delay_ms: int) -> None:
        """Set the key's timer to this much time from now, replacing an earlier one."""
        self._set_count = number = self._set_count + 1
        self._numbers[key] = number
        self._scheduler.after(delay_ms, self._wake, key, number)

    def cancel(self, key: str) -> None:
        """Cancel the key's timer."""
        self._numbers.pop(key, None)

    def clear(self) -> None:
        """Cancel all."""
        self._numbers.clear()

    def is_due(self, key: str, number: int) -> bool:
        """Return whether an expired timer was neither cancelled nor replaced meanwhile."""
        return self._numbers.get(key) == number

    def take(self, key: str, number: int) -> bool:
        """Remove an expired timer; return False if it was cancelled or replaced meanwhile."""
        if not self.is_due(key, number):
            return False
        del self._numbers[key]
        return True
