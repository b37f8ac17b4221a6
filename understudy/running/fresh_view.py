"""Gives the control thread a fresh view, which only the foreground's loop may request.

Without a terminal the observer's view is requested only when a watcher wants it.
"""

from __future__ import annotations

import threading

PATIENCE_S = 1.0
"""How long a watcher's request waits for it; after that it is answered with the previous view."""


class FreshView:
    """One flag each way between the two threads."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._taken = threading.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for a view."""
        return self._wanted.is_set()

    def give(self) -> None:
        """Release those who wait: the loop has asked, and was answered or not."""
        self._wanted.clear()
        self._taken.set()

    def wait(self, patience_s: float = PATIENCE_S) -> None:
        """Request a fresh view, and wait for it at most this long."""
        self._taken.clear()
        self._wanted.set()
        self._taken.wait(patience_s)
