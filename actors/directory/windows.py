"""The directory's state of a window, and the origins of strike and close."""

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
"""Precedes the service's name in a strike's source."""
_BOUNDARIES_KEPT = 8


@attrs.frozen(kw_only=True)
class WindowState:
    """One window from its opening until its result is final; saved at each change."""

    market: Market
    strike: Strike | None = None
    close: Strike | None = None
    """The average at the window's end, proven like the strike."""
    resolution: MarketResolved | None = None
    strike_missing: str = ""
    """Why there was no strike when that was reported; empty if it never was."""
    settled_at_ms: int | None = None
    """When position settled the newest resolution; None before."""
    reviews_count: int = 0
    """Number of reviews of the result since then."""

    @property
    def opening(self) -> MarketOpened:
        """The announcement of this window, with its strike if that is known."""
        return MarketOpened(market=self.market, strike=self.strike)

    def resolved(self, winner: Side | None, evidence: str) -> WindowState:
        """Return the window with the venue's result, which may contradict an earlier one."""
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
        """Return the window without a strike that an earlier release took from another tick."""
        strike = self.strike
        is_exact = strike is None or strike.timestamp_ms == self.market.opens_at_ms
        if is_exact or self.resolution is not None:
            return self
        return attrs.evolve(self, strike=None)

    def expected_winner(self) -> Side | None:
        """Return who wins by our own ticks (a tie is Up); None without both proofs."""
        if self.strike is None or self.close is None:
            return None
        return Side.YES if self.close.price_e18 >= self.strike.price_e18 else Side.NO


@attrs.frozen(kw_only=True)
class CloseProven:
    """Recorded: the average at a window's end arrived."""

    market_id: str
    close: Strike


@attrs.frozen
class WindowFinished:
    """Recorded: position has settled the window; only its result is still reviewed."""

    market_id: str


def record(event: object, window: WindowState, *, is_open: bool = True) -> Record:
    """Record an event and the window's state after it; a closed window is not recovered."""
    save = Save("window", window.market.market_id, window, is_open=is_open)
    return Record(event, saves=(save,))


class BoundaryTicks:
    """The ticks that prove a strike or a close: those of exactly a boundary's instant.

    The venue timestamps its average with whole seconds, so the boundary's value is the tick of that
    very second, and any other is the value of another moment. Kept by boundary and by length of
    average, since only a tick of the length that the market's metadata names settles it. Ticks may
    arrive late, twice or out of order.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._ticks: dict[tuple[int, int], TwapTick] = {}

    def note(self, tick: TwapTick) -> bool:
        """Add a tick; return whether it proves a boundary, or corrects the tick that did."""
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
        """Return a sentence if a tick differs from the one that was taken for the same boundary."""
        known = self._ticks.get((tick.timestamp_ms, tick.window_s))
        if known is None or known.price_e18 == tick.price_e18:
            return ""
        stands = "PolyBolt's counts" if _corrects(tick, known) else "the first is kept"
        return (
            f"{tick.source} reports the tick of {tick.timestamp_ms} as {e18_text(tick.price_e18)}, "
            f"{known.source} reported {e18_text(known.price_e18)}: {stands}"
        )

    def prove(self, window: WindowState) -> WindowState:
        """Return a window with its strike and close as far as ticks prove them."""
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
    """Return the better strike: of the more trusted origin, and of the same origin the newest.

    A tick is the settling average itself and is not replaced; only a tick of PolyBolt, the service
    that the venue keeps, corrects one of RTDS.
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
    """Return whether a tick takes precedence over another one of the same moment."""
    is_better_told = (known.source, tick.source) == (RTDS, POLYBOLT)
    return is_better_told and tick.price_e18 != known.price_e18


def is_orphan(settings: Settings, market: Market) -> bool:
    """Return whether a window belongs to a series that is no longer traded.

    It is closed at once: nothing more is traded in it, and only its result is still awaited.
    """
    return market.series not in ("", *(plan.series.name for plan in settings.plans))


def windows_of(settings: Settings, saved: Iterable[object]) -> list[WindowState]:
    """Return the recorded windows for which a directory is responsible, in order of opening.

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
