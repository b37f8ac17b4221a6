"""The simulated exchange: reference prices, and the windows on them as they follow each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from venue.engine import Ledger
from venue.frames import Frame
from venue.prices import PriceBoard, PriceStreams
from venue.simulation.market import SimulatedMarket, Underlying
from venue.simulation.reference import START_DOLLARS, ReferenceWalk
from venue.windows import TWAP_SECONDS, Window, window_start_ms
from venue.world import STEP_MS, Catalogue, EndedMarket

_AHEAD = 2
"""Windows listed before they open."""
_KEPT_MS = 6 * 3_600_000
"""How long Gamma keeps an ended window: whoever settled by it checks again within hours."""
_MOST_TICKERS_PER_S = 5
_FRAMES_A_TICKER = 100


class Simulation:
    """A seeded world that depends only on its seed, rate, series and start.

    Randomness is drawn from one stream per part, so the reference prices are the same at any rate
    and for any origin. All series, each an asset and a length in minutes, share one clock and one
    ledger; the moves of underlyings are correlated. Frames per second are those of the market
    channel, for each series without a rate of its own; ``missing_share`` is the share of whole
    seconds that the venue's price sources never send live.
    """

    def __init__(
        self,
        *,
        seed: int,
        series: Sequence[tuple[str, int]],
        origin_ms: int,
        frames_per_second: float,
        own_rates: Mapping[tuple[str, int], float] | None = None,
        missing_share: float = 0.0,
    ) -> None:
        self.now_ms = origin_ms - origin_ms % STEP_MS
        self.catalogue = Catalogue()
        self.ledger = Ledger()
        rates = {each: (own_rates or {}).get(each, frames_per_second) for each in series}
        self._underlyings: dict[str, Underlying] = {}
        for asset, _minutes in series:
            part = f"/{asset}" if self._underlyings else ""
            if asset not in self._underlyings:
                busiest = max(rate for (other, _), rate in rates.items() if other == asset)
                period_ms = _ticker_period_ms(busiest)
                self._underlyings[asset] = Underlying(
                    ReferenceWalk(Random(f"{seed}/walk{part}"), START_DOLLARS[asset], STEP_MS),
                    PriceStreams(asset, period_ms, Random(f"{seed}/tickers{part}"), missing_share),
                )
        self.prices = PriceBoard(each.prices for each in self._underlyings.values())
        self._series = [
            _SeriesOfMarkets(
                self,
                (asset, minutes),
                self._underlyings[asset],
                rates[asset, minutes],
                f"{seed}/{asset}-{minutes}" if number else f"{seed}",
            )
            for number, (asset, minutes) in enumerate(series)
        ]
        self._begin()

    def advance(self, until_ms: int) -> Iterator[list[Frame]]:
        """Step up to an instant; yield each step's frames."""
        while self.now_ms + STEP_MS <= until_ms:
            yield self._step()

    def _begin(self) -> None:
        """Run through the time before the origin, so that strike and average have a history."""
        firsts = [each.new_market() for each in self._series]
        origin_ms = self.now_ms
        begin_ms = min(each.first_start_ms for each in self._series)
        self.now_ms = begin_ms - (TWAP_SECONDS + 1) * 1000
        while self.now_ms < origin_ms:
            self._walk_on()
            for first in firsts:
                first.note_settlement(self.now_ms)
        for series, first in zip(self._series, firsts, strict=True):
            first.begin(self.now_ms)
            for _ in range(_AHEAD):
                series.new_market().begin(self.now_ms)

    def _step(self) -> list[Frame]:
        self._walk_on()
        frames = []
        for each in self._underlyings.values():
            frames += each.prices.publish(self.now_ms, each.walk.coinbase_dollars)
        for series in self._series:
            frames += series.step(self.now_ms)
        return frames

    def _walk_on(self) -> None:
        self.now_ms += STEP_MS
        leader: ReferenceWalk | None = None
        for each in self._underlyings.values():
            each.walk.step(leader)
            each.prices.sample(self.now_ms, each.walk.price_e18)
            leader = leader or each.walk


class _SeriesOfMarkets:
    """The windows of one series, from their listing until they are forgotten."""

    def __init__(
        self,
        world: Simulation,
        series: tuple[str, int],
        underlying: Underlying,
        rate: float,
        seed: str,
    ) -> None:
        self._asset, self._minutes = series
        self.first_start_ms = window_start_ms(self._minutes, world.now_ms)
        self._world = world
        self._underlying = underlying
        self._rate = rate
        self._seed = seed
        self._live: deque[SimulatedMarket] = deque()
        self._ended: deque[EndedMarket] = deque()
        self._window_count = 0

    def step(self, now_ms: int) -> list[Frame]:
        """Advance every window, and list the next one when it is time."""
        frames = [frame for market in self._live for frame in market.step(now_ms)]
        if self._live[0].up_won is not None:
            self._retire(self._live.popleft(), now_ms)
        if now_ms == self._live[-_AHEAD].window.opens_at_ms:
            frames += self.new_market().begin(now_ms)
        return frames

    def new_market(self) -> SimulatedMarket:
        """List one more window."""
        opens_at_ms = self.first_start_ms + self._window_count * self._minutes * 60_000
        window = Window.at(self._asset, self._minutes, opens_at_ms)
        market = SimulatedMarket(
            window,
            self._world.ledger,
            self._underlying,
            self._rate,
            f"{self._seed}/{self._window_count}",
        )
        self._window_count += 1
        self._live.append(market)
        self._world.catalogue.add(market)
        return market

    def _retire(self, market: SimulatedMarket, now_ms: int) -> None:
        """Keep what the public may still query and drop the engine, which remembers every order."""
        ended = EndedMarket(status=market.status, books=market.books)
        self._world.catalogue.add(ended)
        self._ended.append(ended)
        while self._ended[0].status.window.closes_at_ms < now_ms - _KEPT_MS:
            self._world.catalogue.remove(self._ended.popleft())


def _ticker_period_ms(frames_per_second: float) -> int:
    """Period of Coinbase's ticker: as busy as the market, within bounds."""
    tickers_per_s = min(_MOST_TICKERS_PER_S, max(1.0, frames_per_second / _FRAMES_A_TICKER))
    return round(1000 / tickers_per_s) // STEP_MS * STEP_MS
