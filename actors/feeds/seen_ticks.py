"""The averages seen lately, from either service, each second once."""

from __future__ import annotations

from collections.abc import Sequence

from actors.messages.feeds import POLYBOLT, TwapTick

BOUNDARY_MS = 300_000
"""Every window, of 5 or more minutes, starts and ends on a multiple of this."""
BOUNDARY_TOLERANCE_MS = 1_000
"""Ticks within a boundary's own second are kept; the directory decides what they prove."""
BOUNDARIES_KEPT = 5
TICKS_KEPT = 600


class SeenTicks:
    """Removes duplicate ticks, and notices when two services contradict each other."""

    def __init__(self) -> None:
        self.newest: TwapTick | None = None
        self._ticks: dict[int, TwapTick] = {}
        self._boundaries: dict[int, TwapTick] = {}

    def note(self, tick: TwapTick) -> tuple[bool, TwapTick | None]:
        """Add a tick.

        Returns:
            Whether it is to be passed on, because it is new or corrects an earlier one; and the
            tick of the same moment that it contradicts, if there is one. PolyBolt takes precedence.
        """
        known = self._ticks.get(tick.timestamp_ms)
        if known is not None:
            if (known.price_e18, known.window_s) == (tick.price_e18, tick.window_s):
                return False, None
            if tick.source != POLYBOLT or known.source == POLYBOLT:
                return False, known
        self._keep(tick)
        return True, known

    def at(self, timestamp_ms: int) -> TwapTick | None:
        """Return the tick of exactly this moment, if it is still kept."""
        return self._ticks.get(timestamp_ms) or self._boundaries.get(timestamp_ms)

    @property
    def boundaries(self) -> Sequence[TwapTick]:
        """The ticks of the last boundaries' own seconds, oldest first."""
        return [tick for _, tick in sorted(self._boundaries.items())]

    def _keep(self, tick: TwapTick) -> None:
        self._ticks[tick.timestamp_ms] = tick
        if len(self._ticks) > TICKS_KEPT:
            del self._ticks[next(iter(self._ticks))]  # the one that came first
        if self.newest is None or tick.timestamp_ms >= self.newest.timestamp_ms:
            self.newest = tick
        if is_boundary(tick):
            boundary_ms = tick.timestamp_ms // BOUNDARY_MS * BOUNDARY_MS
            known = self._boundaries.get(boundary_ms)
            if known is None or tick.timestamp_ms <= known.timestamp_ms:
                self._boundaries[boundary_ms] = tick
            if len(self._boundaries) > BOUNDARIES_KEPT:
                del self._boundaries[min(self._boundaries)]


def is_boundary(tick: TwapTick) -> bool:
    """Return whether it is in a second in which a window can start or end."""
    return tick.timestamp_ms % BOUNDARY_MS < BOUNDARY_TOLERANCE_MS
