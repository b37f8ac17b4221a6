"""When the executor wakes up by itself: one timer, for whatever is due next."""

from __future__ import annotations

from collections.abc import Iterable

from actors.core import Effects, SetTimer

ALARM_TIMER = "wake"
_LEAST_DELAY_MS = 10


class Alarm:
    """Rings for the earliest of many times."""

    def __init__(self) -> None:
        self._at_ms: int | None = None

    def set(self, times: Iterable[int], now_ms: int) -> Effects:
        """Ring at the first time that is still to come, if that is sooner than the next ring."""
        at_ms = min((each for each in times if each > now_ms), default=None)
        if at_ms is None or (self._at_ms is not None and self._at_ms <= at_ms):
            return []
        self._at_ms = at_ms
        return [SetTimer(ALARM_TIMER, max(_LEAST_DELAY_MS, at_ms - now_ms))]

    def clock_set_back(self, _by_ms: int) -> None:
        """Times are others now: the next that is set rings."""
        self._at_ms = None

    def rang(self) -> Effects:
        """It has rung; what is due is looked for after every message anyway."""
        self._at_ms = None
        return []
