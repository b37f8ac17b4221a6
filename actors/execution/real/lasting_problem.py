"""A problem that may last: it is logged when it begins or changes, not each time it is met."""

from __future__ import annotations

from actors.core import Effects, Log


class LastingProblem:
    """Remembers which problem was logged last, until it is over."""

    def __init__(self) -> None:
        self._logged = ""

    def met(self, text: str) -> Effects:
        """Log a problem as a warning, unless it is the one that was logged last."""
        if text == self._logged:
            return []
        self._logged = text
        return [Log("warning", text)]

    def over(self, text: str = "") -> Effects:
        """Note that all is well again, and log ``text`` if a problem had been logged."""
        was_logged, self._logged = bool(self._logged), ""
        return [Log("info", text)] if was_logged and text else []
