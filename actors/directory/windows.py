"""What the directory knows of a window, and where strike and close come from."""

from __future__ import annotations

import attrs

from actors.directory.messages import Market, MarketOpened, MarketResolved, Side, Strike
from actors.feeds.messages import TwapTick

PROOF_TOLERANCE_MS = 1_000
"""The venue publishes the average once a second: the first tick of the boundary's own second is
the boundary's value. A later one is no proof, and without proof there is no strike."""

_BOUNDARIES_KEPT = 8


@attrs.frozen(kw_only=True)
class WindowState:
    """One window from its opening until position has settled it; saved at each change."""

    market: Market
    strike: Strike | None = None
    close: Strike | None = None
    """The average at the window's end, proven like the strike."""
    resolution: MarketResolved | None = None

    @property
    def opening(self) -> MarketOpened:
        """The announcement of this window, with the strike as far as it is proven."""
        return MarketOpened(market=self.market, strike=self.strike)

    def resolved(self, winner: Side | None, evidence: str) -> WindowState:
        """Take in the venue's decision."""
        resolution = MarketResolved(
            market=self.market,
            winner=winner,
            strike_e18=self.strike.price_e18 if self.strike else None,
            close_e18=self.close.price_e18 if self.close else None,
            evidence=evidence,
        )
        return attrs.evolve(self, resolution=resolution)

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
    """Recorded: position has settled the window; the directory is done with it."""

    market_id: str


class BoundaryTicks:
    """The ticks that can prove a strike or a close: the first of each boundary's own second.

    Kept by boundary and by length of average, since only a tick of the length that the market's
    metadata names settles it. They may arrive late, twice or out of order.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._ticks: dict[tuple[int, int], TwapTick] = {}

    def note(self, tick: TwapTick) -> bool:
        """Take a tick in; True if it is the best proof so far for some boundary."""
        after_ms = tick.timestamp_ms % self._window_ms
        if after_ms >= PROOF_TOLERANCE_MS:
            return False
        key = (tick.timestamp_ms - after_ms, tick.window_s)
        known = self._ticks.get(key)
        if known is not None and known.timestamp_ms <= tick.timestamp_ms:
            return False
        self._ticks[key] = tick
        for old in sorted(self._ticks)[:-_BOUNDARIES_KEPT]:
            del self._ticks[old]
        return True

    def prove(self, window: WindowState) -> WindowState:
        """Give a window its strike and close as far as ticks prove them."""
        market = window.market
        strike = self._at(market.opens_at_ms, market.twap_window_s, "start")
        close = self._at(market.closes_at_ms, market.twap_window_s, "end")
        return attrs.evolve(
            window,
            strike=_nearer(window.strike, strike),
            close=_nearer(window.close, close),
        )

    def _at(self, boundary_ms: int, window_s: int, boundary_name: str) -> Strike | None:
        tick = self._ticks.get((boundary_ms, window_s))
        if tick is None:
            return None
        return Strike(
            price_e18=tick.price_e18,
            source=f"twap-{tick.window_s}s tick of the window's {boundary_name}",
            timestamp_ms=tick.timestamp_ms,
        )


def _nearer(known: Strike | None, found: Strike | None) -> Strike | None:
    """The proof nearer to the boundary; what is recorded stays unless a better one comes."""
    if known is None or found is None:
        return found or known
    return found if found.timestamp_ms < known.timestamp_ms else known
