"""What arrived at this process's sockets and was refused: counted, and told in its log."""

from __future__ import annotations

import time
from collections.abc import Callable

_GAP_S = 1.0
"""Between two lines: a stranger who knocks a thousand times must not fill a disk."""


class Refusals:
    """Counts for one process; a fork begins anew."""

    def __init__(self) -> None:
        self.count = 0
        self._untold_count = 0
        self._told_at = -_GAP_S
        self._write: Callable[[str], None] = lambda _text: None

    def listen(self, write: Callable[[str], None]) -> None:
        """From now on have this told of refusals, at most once a second."""
        self._write = write

    def begin_anew(self) -> None:
        """Forget what the process counted that this one was forked from."""
        self.count = self._untold_count = 0

    def note(self, what: str) -> None:
        """Count a refusal, and tell it if none was told just now."""
        self.count += 1
        now = time.monotonic()
        if now - self._told_at < _GAP_S:
            self._untold_count += 1
            return
        more = f" ({self._untold_count:,} more were refused before)" if self._untold_count else ""
        self._told_at, self._untold_count = now, 0
        self._write(f"refused {what}{more}")


REFUSALS = Refusals()
"""This process's."""
