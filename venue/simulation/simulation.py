"""The simulated exchange: a reference price, the windows on it, and their rolling on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from random import Random

from venue.engine import Ledger
from venue.frames import Frame
from venue.prices import PriceStreams
from venue.simulation.market import SimulatedMarket, Surroundings
from venue.simulation.reference import START_DOLLARS, ReferenceWalk
from venue.windows import TWAP_SECONDS, Window, window_start_ms
from venue.world import STEP_MS, Catalogue, EndedMarket

_AHEAD = 2
"""Windows that are listed before they open."""
_KEPT = 20
"""Ended windows that Gamma still knows."""
_MOST_TICKERS_PER_S = 5
_FRAMES_A_TICKER = 100


class Simulation:
    """A seeded world that depends on its seed, rate and start, and on nothing else.

    Chance is drawn from one stream per part, so the reference price is the same at any rate, and
    prices are the same whatever instant the origin stands for.
    """

    def __init__(
        self,
        *,
        seed: int,
        asset: str,
        minutes: int,
        origin_ms: int,
        frames_per_second: float,
        missing_share: float = 0.0,
    ) -> None:
        self._seed = seed
        self._asset = asset
        self._minutes = minutes
        self._frames_per_second = frames_per_second
        self._now_ms = origin_ms - origin_ms % STEP_MS
        self._walk = ReferenceWalk(Random(f"{seed}/walk"), START_DOLLARS[asset], STEP_MS)
        period_ms = _ticker_period_ms(frames_per_second)
        tickers = Random(f"{seed}/tickers")
        self.prices = PriceStreams(asset, period_ms, tickers, missing_share)
        self.catalogue = Catalogue()
        self.ledger = Ledger()
        self._live: deque[SimulatedMarket] = deque()
        self._ended: deque[EndedMarket] = deque()
        self._window_count = 0
        self._first_start_ms = window_start_ms(minutes, self._now_ms)
        self._begin()

    @property
    def now_ms(self) -> int:
        """Venue time up to which it has advanced."""
        return self._now_ms

    def advance(self, until_ms: int) -> Iterator[list[Frame]]:
        """Step up to an instant; yield each step's frames."""
        while self._now_ms + STEP_MS <= until_ms:
            yield self._step()

    def _begin(self) -> None:
        """Walk through the time before the origin, so that strike and average have a history."""
        first = self._new_market()
        origin_ms = self._now_ms
        self._now_ms = self._first_start_ms - (TWAP_SECONDS + 1) * 1000
        while self._now_ms < origin_ms:
            self._walk_on()
            first.note_settlement(self._surroundings())
        first.begin(self._surroundings())
        for _ in range(_AHEAD):
            self._new_market().begin(self._surroundings())

    def _step(self) -> list[Frame]:
        self._walk_on()
        around = self._surroundings()
        frames = self.prices.publish(self._now_ms, self._walk.coinbase_dollars)
        for market in self._live:
            frames += market.step(around)
        if self._live[0].up_won is not None:
            self._retire(self._live.popleft())
        if self._now_ms == self._live[-_AHEAD].window.opens_at_ms:
            frames += self._new_market().begin(around)
        return frames

    def _walk_on(self) -> None:
        self._now_ms += STEP_MS
        self._walk.step()
        self.prices.sample(self._now_ms, self._walk.price_e18)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            now_ms=self._now_ms,
            price_e18=self._walk.price_e18,
            volatility_dollars=self._walk.volatility_dollars,
            samples=self.prices.samples,
            jump=self._walk.last_jump,
        )

    def _new_market(self) -> SimulatedMarket:
        opens_at_ms = self._first_start_ms + self._window_count * self._minutes * 60_000
        market = SimulatedMarket(
            Window.at(self._asset, self._minutes, opens_at_ms),
            self.ledger,
            self._frames_per_second,
            f"{self._seed}/{self._window_count}",
        )
        self._window_count += 1
        self._live.append(market)
        self.catalogue.add(market)
        return market

    def _retire(self, market: SimulatedMarket) -> None:
        """Keep what the public may still ask, and let the engine go: it remembers every order."""
        ended = EndedMarket(status=market.status, books=market.books)
        self.catalogue.add(ended)
        self._ended.append(ended)
        if len(self._ended) > _KEPT:
            self.catalogue.remove(self._ended.popleft())


def _ticker_period_ms(frames_per_second: float) -> int:
    """Coinbase trades as busily as the market does, within reason."""
    tickers_per_s = min(_MOST_TICKERS_PER_S, max(1.0, frames_per_second / _FRAMES_A_TICKER))
    return round(1000 / tickers_per_s) // STEP_MS * STEP_MS
