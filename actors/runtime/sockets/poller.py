"""Waits for all sockets of a process at once, with one system call per turn."""

from __future__ import annotations

import contextlib
import math
import os
import select
from collections.abc import Callable

READABLE, WRITABLE = select.POLLIN, select.POLLOUT

Ready = Callable[[], None]


class Poller:
    """Calls the function registered for a ready descriptor. Any thread may register, one may wait.

    The end of a connection and its errors count as ready, whatever was registered. Descriptors of
    others can be watched too; these are only reported.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._enlisted: dict[int, Ready] = {}
        self._watched: frozenset[int] = frozenset()
        self._is_waiting = False
        self._woken_end, self._wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.enlist(self._woken_end, READABLE, self._on_woken)

    def enlist(self, descriptor: int, events: int, ready: Ready) -> None:
        """Register a function for a ready descriptor; without events: for a broken connection."""
        self._enlisted[descriptor] = ready
        self._poll.register(descriptor, events)
        self.nudge()

    def delist(self, descriptor: int) -> None:
        """Unregister a descriptor, before it is closed."""
        if self._enlisted.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def watch(self, descriptors: frozenset[int]) -> None:
        """Watch these descriptors of others for input, in place of all watched before."""
        if descriptors == self._watched:
            return
        for descriptor in self._watched - descriptors:
            self._poll.unregister(descriptor)
        for descriptor in descriptors - self._watched:
            self._poll.register(descriptor, READABLE)
        self._watched = descriptors

    def wake(self) -> None:
        """Interrupt the wait; may be called by a signal handler and from any thread."""
        if self._wake_end >= 0:
            with contextlib.suppress(BlockingIOError):  # a wake-up is already pending
                os.write(self._wake_end, b"\0")

    def nudge(self) -> None:
        """Interrupt the wait of another thread, so that it notices a registration."""
        if self._is_waiting:
            self.wake()

    def turn(self, timeout_s: float) -> list[int]:
        """Wait until something is ready, and call its function; return the ready watched ones."""
        timeout_ms = None if timeout_s == math.inf else math.ceil(timeout_s * 1000)
        watched = []
        self._is_waiting = True
        try:
            found = self._poll.poll(timeout_ms)
        finally:
            self._is_waiting = False
        for descriptor, flags in found:
            ready = self._enlisted.get(descriptor)  # an earlier call may have closed it
            if ready is not None:
                ready()
            elif descriptor in self._watched:
                if flags & select.POLLNVAL:  # its owner has closed it
                    self.watch(self._watched - {descriptor})
                else:
                    watched.append(descriptor)
        return watched

    def close(self) -> None:
        """Close the descriptors for wake-ups."""
        wake_end, self._wake_end = self._wake_end, -1
        self.delist(self._woken_end)
        os.close(self._woken_end)
        os.close(wake_end)

    def _on_woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken_end, 4096)
