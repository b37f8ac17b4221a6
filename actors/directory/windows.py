"""What the directory knows of a window, and where strike and close come from."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Record, Save
from actors.messages.directory import MarketOpened, MarketResolved
from actors.messages.feeds import POLYBOLT, RTDS, TwapTick
from actors.model import Market, Side, Strike, StrikeOrigin
from actors.settings import Settings
from actors.units import e18_text

_TOLD_BY = ", "
"""Stands before the service's name in a strike's source."""
_BOUNDARIES_KEPT = 8


@attrs.frozen(kw_only=True)
class WindowState:
    """One window from its opening until its result is beyond doubt; saved at each change."""

    market: Market
    strike: Strike | None = None
    close: Strike | None = None
    """The average at the window's end, proven like the strike."""
    resolution: MarketResolved | None = None
    strike_missing: str = ""
    """Why there was no strike when that was told; empty if it never was."""
    settled_at_ms: int | None = None
    """When position had settled the newest resolution; None before."""
    reviews_count: int = 0
    """How often the result was looked at again since then."""

    @property
    def opening(self) -> MarketOpened:
        """The announcement of this window, with the strike as far as it is proven."""
        return MarketOpened(market=self.market, strike=self.strike)

    def resolved(self, winner: Side | None, evidence: str) -> WindowState:
        """Take in the venue's decision, the first or one that contradicts those before it."""
        before = self.resolution
        resolution = MarketResolved(
            market=self.market,
            winner=winner,
            strike_e18=self.strike.price_e18 if self.strike else None,
            close_e18=self.close.price_e18 if self.close else None,
            evidence=evidence,
            strike_source=self.strike.source if self.strike else "",
            revision=before.revision + 1 if before is not None else 0,
        )
        return attrs.evolve(self, resolution=resolution, settled_at_ms=None, reviews_count=0)

    def without_inexact_strike(self) -> WindowState:
        """Drop a strike of an earlier release that was taken from a neighbouring tick."""
        strike = self.strike
        is_exact = strike is None or strike.timestamp_ms == self.market.opens_at_ms
        if is_exact or self.resolution is not None:
            return self
        return attrs.evolve(self, strike=None)

    def expected_winner(self) -> Side | None:
        """Who wins by the ticks we saw ourselves (a tie is Up); None without both proofs."""
        if self.strike is None or self.close is None:
            return None
        return Side.YES if self.close.price_e18 >= self.strike.price_e18 else Side.NO


@attrs.frozen(kw_only=True)
class CloseProven:
    """Recorded: the average at a window's end was seen."""

    market_id: str
    close: Strike


@attrs.frozen
class WindowFinished:
    """Recorded: position has settled the window; only its result is looked at again."""

    market_id: str


def record(event: object, window: WindowState, *, is_open: bool = True) -> Record:
    """Record an event and the window's state after it; a closed one is not recovered."""
    save = Save("window", window.market.market_id, window, is_open=is_open)
    return Record(event, saves=(save,))


class BoundaryTicks:
    """The ticks that prove a strike or a close: those of exactly a boundary's instant.

    The venue stamps its average with whole seconds, so the boundary's value is the tick of that
    very second, and any other is the value of another moment. Kept by boundary and by length of
    average, since only a tick of the length that the market's metadata names settles it. They may
    arrive late, twice or out of order.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._ticks: dict[tuple[int, int], TwapTick] = {}

    def note(self, tick: TwapTick) -> bool:
        """Take a tick in; True if it proves a boundary, or corrects what proved it so far."""
        key = (tick.timestamp_ms, tick.window_s)
        known = self._ticks.get(key)
        if tick.timestamp_ms % self._window_ms or (
            known is not None and not _corrects(tick, known)
        ):
            return False
        self._ticks[key] = tick
        for old in sorted(self._ticks)[:-_BOUNDARIES_KEPT]:
            del self._ticks[old]
        return True

    def contradiction(self, tick: TwapTick) -> str:
        """Say so if a tick differs from the one that was taken for the same boundary."""
        known = self._ticks.get((tick.timestamp_ms, tick.window_s))
        if known is None or known.price_e18 == tick.price_e18:
            return ""
        stands = "PolyBolt's counts" if _corrects(tick, known) else "the first stands"
        return (
            f"the tick of {tick.timestamp_ms} is told as {e18_text(tick.price_e18)} by "
            f"{tick.source} and was {e18_text(known.price_e18)} by {known.source}: {stands}"
        )

    def prove(self, window: WindowState) -> WindowState:
        """Give a window its strike and close as far as ticks prove them."""
        market = window.market
        strike = self._at(market.opens_at_ms, market.twap_window_s, "start")
        close = self._at(market.closes_at_ms, market.twap_window_s, "end")
        return attrs.evolve(
            window,
            strike=better(window.strike, strike),
            close=better(window.close, close),
        )

    def _at(self, boundary_ms: int, window_s: int, boundary_name: str) -> Strike | None:
        tick = self._ticks.get((boundary_ms, window_s))
        if tick is None:
            return None
        return Strike(
            price_e18=tick.price_e18,
            source=(
                f"twap-{tick.window_s}s tick of the window's {boundary_name}{_TOLD_BY}{tick.source}"
            ),
            timestamp_ms=tick.timestamp_ms,
        )


def better(known: Strike | None, found: Strike | None) -> Strike | None:
    """The strike to go by: of the better origin, and of the same one the newest word.

    A tick is the settling average itself, and stands; only PolyBolt's, the service that the venue
    keeps, corrects one of RTDS.
    """
    if known is None or found is None:
        return found or known
    is_correction = found.origin is known.origin and (
        known.origin is not StrikeOrigin.TICK
        or (known.source.endswith(_TOLD_BY + RTDS) and found.source.endswith(_TOLD_BY + POLYBOLT))
    )
    is_better = found.origin.is_better_than(known.origin)
    is_news = is_better or (is_correction and found.price_e18 != known.price_e18)
    return found if is_news else known


def _corrects(tick: TwapTick, known: TwapTick) -> bool:
    """Whether a tick counts for more than another one of the same moment."""
    is_better_told = (known.source, tick.source) == (RTDS, POLYBOLT)
    return is_better_told and tick.price_e18 != known.price_e18


def is_orphan(settings: Settings, market: Market) -> bool:
    """Whether a window is of a series that was traded once and is not now.

    It is closed at once: nothing more is traded in it, and only its result is still to come.
    """
    return market.series not in ("", *(plan.series.name for plan in settings.plans))


def windows_of(settings: Settings, saved: Iterable[object]) -> list[WindowState]:
    """The recorded windows that a directory looks after, in the order of their openings.

    They are those of its series; for the first series' directory those of orphans as well.
    """
    own, first = settings.series.name, settings.plans[0].series.name
    kept = [
        window
        for window in saved
        if isinstance(window, WindowState)
        and (
            window.market.series in ("", own)
            or (own == first and is_orphan(settings, window.market))
        )
    ]
    return sorted(kept, key=lambda window: window.market.opens_at_ms)
