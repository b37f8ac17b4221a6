"""Counts and logs what was refused at this process's sockets."""

from __future__ import annotations

import time
from collections.abc import Callable

_GAP_S = 1.0
"""Between two lines, so that a stranger's attempts cannot fill a disk."""


class Refusals:
    """Counts for one process; a fork starts from zero."""

    def __init__(self) -> None:
        self.count = 0
        self._untold_count = 0
        self._told_at = -_GAP_S
        self._write: Callable[[str], None] = lambda _text: None

    def listen(self, write: Callable[[str], None]) -> None:
        """Log refusals from now on, at most one a second."""
        self._write = write

    def begin_anew(self) -> None:
        """Reset the count that was inherited from the parent process."""
        self.count = self._untold_count = 0

    def note(self, what: str) -> None:
        """Count a refusal, and log it unless one was just logged."""
        self.count += 1
        now = time.monotonic()
        if now - self._told_at < _GAP_S:
            self._untold_count += 1
            return
        more = f" ({self._untold_count:,} more were refused before)" if self._untold_count else ""
        self._told_at, self._untold_count = now, 0
        self._write(f"refused {what}{more}")


REFUSALS = Refusals()
"""This process's refusals."""
