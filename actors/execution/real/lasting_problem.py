"""Logs a lasting problem only when it begins or changes, not each time it occurs."""

from __future__ import annotations

from actors.core import Effects, Log


class LastingProblem:
    """Remembers the problem that was logged last, until it has ended."""

    def __init__(self, level: str = "warning") -> None:
        self._level = level
        self._logged = ""

    def met(self, text: str) -> Effects:
        """Log a problem, unless it was the last one logged."""
        if text == self._logged:
            return []
        self._logged = text
        return [Log(self._level, text)]

    def over(self, text: str = "") -> Effects:
        """Note that the problem has ended; log ``text`` if the problem had been logged."""
        was_logged, self._logged = bool(self._logged), ""
        return [Log("info", text)] if was_logged and text else []
