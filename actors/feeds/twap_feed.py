"""The TWAP feed: the venue's own average price, which sets strikes and settles windows.

A strike is the first tick in the second of a window's start. The ticks of such seconds are kept,
said again every few seconds, and given to a directory that was made anew, because one lost could
not be had again.
"""

from __future__ import annotations

from typing import Any

from actors.core import Dice, Effects, Send, handles
from actors.feeds.connection import Rhythm
from actors.feeds.feed_core import FeedCore
from actors.feeds.messages import TwapTick, TwapTickWanted
from actors.feeds.rtds import decode, subscribe_text
from actors.roles import DIRECTORY, MARKET_STATE
from actors.settings import Settings, VenueSettings

BOUNDARY_MS = 300_000
"""Every window, of 5 or 15 minutes, starts and ends on a multiple of this."""

BOUNDARY_TOLERANCE_MS = 1_000
"""The venue publishes once a second, not always on the second."""

BOUNDARIES_KEPT = 5
NEWEST_TOLD = 10


class TwapFeedCore(FeedCore):
    """Feeds directory and market state with every tick as it comes."""

    rhythm = Rhythm(stale_after_ms=10_000, ping_every_ms=5_000)

    def __init__(self, role: str, settings: Settings, dice: Dice) -> None:
        super().__init__(role, settings, dice)
        self._symbol = settings.series.twap_symbol
        self._boundaries: dict[int, TwapTick] = {}
        self._newest: TwapTick | None = None

    def url(self, venue: VenueSettings) -> str:
        """Address of the venue's real-time data service."""
        return venue.rtds_ws_url

    def first_texts(self) -> tuple[str, ...]:
        """Subscribe to the series' symbol."""
        return (subscribe_text(self._symbol),)

    def decode(self, raw: bytes) -> list[Any]:
        """Decode a frame to this symbol's ticks."""
        return decode(raw, self._symbol)

    def take(self, events: list[Any], oldest_ns: int, now_ms: int) -> Effects:
        """Tell every tick; of a long history the boundaries and the newest, not a burst."""
        del oldest_ns, now_ms
        ticks: list[TwapTick] = events
        for tick in ticks:
            self._keep(tick)
        told = [tick for tick in ticks[:-NEWEST_TOLD] if _is_boundary(tick)]
        told = told[-BOUNDARIES_KEPT:] + ticks[-NEWEST_TOLD:]
        return [Send(role, tick) for tick in told for role in (DIRECTORY, MARKET_STATE)]

    @handles(TwapTickWanted)
    def on_tick_wanted(self, wanted: TwapTickWanted, _now_ms: int) -> Effects:
        """Tell a boundary's tick again, if it is known."""
        tick = self._boundaries.get(wanted.timestamp_ms)
        return [] if tick is None else [Send(DIRECTORY, tick)]

    def catch_up(self, role: str, now_ms: int) -> Effects:
        """Tell a new directory the boundary ticks, and either peer the newest."""
        del now_ms
        ticks = self._kept_boundaries() if role == DIRECTORY else []
        if self._newest is not None and self._newest not in ticks:
            ticks.append(self._newest)
        return [Send(role, tick) for tick in ticks]

    def beat(self, now_ms: int) -> Effects:
        """Say the last boundary's tick again."""
        del now_ms
        return [Send(DIRECTORY, tick) for tick in self._kept_boundaries()[-1:]]

    def _keep(self, tick: TwapTick) -> None:
        if self._newest is None or tick.timestamp_ms >= self._newest.timestamp_ms:
            self._newest = tick
        if _is_boundary(tick):
            boundary_ms = tick.timestamp_ms // BOUNDARY_MS * BOUNDARY_MS
            known = self._boundaries.get(boundary_ms, tick)
            self._boundaries[boundary_ms] = min(known, tick, key=lambda each: each.timestamp_ms)
            if len(self._boundaries) > BOUNDARIES_KEPT:
                del self._boundaries[min(self._boundaries)]

    def _kept_boundaries(self) -> list[TwapTick]:
        return [tick for _, tick in sorted(self._boundaries.items())]


def _is_boundary(tick: TwapTick) -> bool:
    return tick.timestamp_ms % BOUNDARY_MS < BOUNDARY_TOLERANCE_MS
