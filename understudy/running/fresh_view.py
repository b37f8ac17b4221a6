"""How the control thread gets a fresh view, for which only the foreground's loop may ask.

Without a terminal nobody looks at the observer's view, so it is asked for only when a watcher
wants it.
"""

from __future__ import annotations

import threading

PATIENCE_S = 1.0
"""How long a watcher's question waits for it; then it is answered with the view before."""


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
        """Let whoever waits go on: the loop has asked, and was answered or not."""
        self._wanted.clear()
        self._taken.set()

    def wait(self, patience_s: float = PATIENCE_S) -> None:
        """Ask for a fresh view, and wait for it or until the patience is over."""
        self._taken.clear()
        self._wanted.set()
        self._taken.wait(patience_s)
