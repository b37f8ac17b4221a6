"""Waits on all of a process's sockets at once, by one system call a turn."""

from __future__ import annotations

import contextlib
import math
import os
import select
from collections.abc import Callable

READABLE, WRITABLE = select.POLLIN, select.POLLOUT

Ready = Callable[[], None]


class Poller:
    """Calls whoever enlisted a descriptor when it is ready. Any thread may enlist, one may wait.

    The end of a connection and its errors count as ready, whatever was waited for. Besides, there
    are descriptors of others, which are only watched.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._enlisted: dict[int, Ready] = {}
        self._watched: frozenset[int] = frozenset()
        self._is_waiting = False
        self._woken_end, self._wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.enlist(self._woken_end, READABLE, self._on_woken)

    def enlist(self, descriptor: int, events: int, ready: Ready) -> None:
        """Have something called whenever a descriptor is ready; no events: when it breaks."""
        self._enlisted[descriptor] = ready
        self._poll.register(descriptor, events)
        self.nudge()

    def delist(self, descriptor: int) -> None:
        """Forget a descriptor, before it is closed."""
        if self._enlisted.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def watch(self, descriptors: frozenset[int]) -> None:
        """Watch these descriptors of others for something to read, and no longer any before."""
        if descriptors == self._watched:
            return
        for descriptor in self._watched - descriptors:
            self._poll.unregister(descriptor)
        for descriptor in descriptors - self._watched:
            self._poll.register(descriptor, READABLE)
        self._watched = descriptors

    def wake(self) -> None:
        """Have whoever waits look again; a signal's handler may call this, and any thread."""
        if self._wake_end >= 0:
            with contextlib.suppress(BlockingIOError):  # it is woken already
                os.write(self._wake_end, b"\0")

    def nudge(self) -> None:
        """Wake whoever waits, if that is another thread: it does not know what is new."""
        if self._is_waiting:
            self.wake()

    def turn(self, timeout_s: float) -> list[int]:
        """Wait until something is ready, and call for it; return what of the watched is."""
        timeout_ms = None if timeout_s == math.inf else math.ceil(timeout_s * 1000)
        watched = []
        self._is_waiting = True
        try:
            found = self._poll.poll(timeout_ms)
        finally:
            self._is_waiting = False
        for descriptor, flags in found:
            ready = self._enlisted.get(descriptor)  # an earlier one may have closed it
            if ready is not None:
                ready()
            elif descriptor in self._watched:
                if flags & select.POLLNVAL:  # its owner has closed it
                    self.watch(self._watched - {descriptor})
                else:
                    watched.append(descriptor)
        return watched

    def close(self) -> None:
        """Let go of what it was woken by."""
        wake_end, self._wake_end = self._wake_end, -1
        self.delist(self._woken_end)
        os.close(self._woken_end)
        os.close(wake_end)

    def _on_woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken_end, 4096)
