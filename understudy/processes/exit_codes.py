"""Exit codes of every command; scripts may rely on these numbers."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit status of every ``understudy`` command."""

    OK = 0
    FAILED = 1
    """It was tried and failed; the last line says why."""
    BAD_INPUT = 2
    """An option, a file or a configured value is wrong; nothing was started."""
    LOCKED = 3
    """Another run holds the data directory; the last line says which."""
    GAVE_UP = 4
    """A child crashed too often; live orders were cancelled and trading stopped."""
    JOURNAL_UNUSABLE = 5
    """Nothing can be recorded, so nothing may be done."""
