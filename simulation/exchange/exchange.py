"""The simulated venue: successive windows, prices, HTTP answers and published frames.

The market is sparse on purpose. Frames come in bursts of a few seconds with pauses between, in
which every book becomes too old to be traded on. A window has about a hundred changes of its books
where the real venue has hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from actors.feeds.polybolt import ApiCredentials
from actors.model import Side
from actors.runtime.scheduler import Scheduler
from actors.series import series_of
from actors.settings import Settings
from simulation.chance import dice
from simulation.exchange.order_rates import LiveFaultRates
from simulation.exchange.order_side import OrderSide
from simulation.exchange.walk import PriceWalk
from simulation.exchange.window import SimulatedWindow
from venue.channels.coinbase import CoinbaseSession
from venue.channels.market import MarketSession
from venue.channels.polybolt import PolyBoltSession
from venue.channels.rtds import RtdsSession
from venue.channels.session import Session
from venue.engine import Ledger
from venue.engine.messages import Outcome
from venue.frames import Channel, Frame
from venue.prices import PriceBoard, PriceStreams
from venue.windows import TWAP_SECONDS, Window, window_start_ms
from venue.wire.gamma import MarketStatus, event_row, market_row
from venue.world import Catalogue

PRICE_CREDENTIALS = ApiCredentials("prices", "secret", "passphrase")
"""The credentials for PolyBolt; nothing else requires them."""
PRICES_EVERY_S = 4
_PRICES_AT = 1
"""Prices are published in the second after a boundary, so that the boundary's own is among them."""
_LISTED_AHEAD_MS = 24 * 3_600_000
_KEPT_WINDOWS = 12
_STEADY_MS = 500
_LAG_CHANCE = 0.12
_TRADE_CHANCE = 0.25
_LATE_RESULT_CHANCE = 0.2
_LIVE_LAG_CHANCE, _LIVE_LATE_RESULT_CHANCE = 0.5, 0.6
"""With real orders pairs are cheap more often, and there is more time to merge them, since more can
go wrong."""
_RESULT_LATE_MOST_MS = 60_000
_MOVE_TICKS = 120.0
"""How far the fair value moves to make a pair cheap while one of its books lags."""


class Link(Protocol):
    """One client's open connection to a channel."""

    channel: Channel
    session: Session

    def push(self, texts: Iterable[str]) -> None:
        """Send frames to the client."""
        ...


class Exchange:
    """The whole simulated venue."""

    def __init__(self, scheduler: Scheduler, settings: Settings, seed: int) -> None:
        self.links: dict[Link, None] = {}
        self.windows: dict[tuple[str, int], SimulatedWindow] = {}
        """By series and start; those of each series are ordered from the oldest."""
        self.catalogue = Catalogue()
        self.outcomes: dict[str, Side | None] = {}
        """The winner of each resolved window, by slug; None if it is void."""
        self.order_side: OrderSide | None = None
        """Accepts real orders; None while orders are simulated."""
        self._lag_chance, self._late_result_chance = _LAG_CHANCE, _LATE_RESULT_CHANCE
        self._is_steady = False
        self._scheduler = scheduler
        self._seed = seed
        self._series = {plan.series.name: plan.series for plan in settings.plans}
        self._venue = settings.venue
        self._chance = dice(seed, "exchange")
        self._ledger = Ledger()
        self.streams: dict[str, PriceStreams] = {}
        """Prices by underlying."""
        self._walks: dict[str, PriceWalk] = {}
        for asset in settings.assets:
            # The first underlying's label is kept, so that its draws do not change.
            more = (asset,) if self._walks else ()
            self._walks[asset] = PriceWalk(dice(seed, "walk", *more))
            self.streams[asset] = PriceStreams(asset, 1_000, dice(seed, "ticker", *more))
        self._prices = PriceBoard(self.streams.values())
        self._burst_left = 0
        self._trading_number = 0
        """Number of the current trading schedule; earlier ones were replaced."""
        self._still_until_ms = 0

    def take_orders(self, rates: LiveFaultRates) -> OrderSide:
        """Accept real orders from the beginning, with faults at these rates."""
        self._lag_chance, self._late_result_chance = _LIVE_LAG_CHANCE, _LIVE_LATE_RESULT_CHANCE
        self.order_side = OrderSide(
            self._scheduler, self.catalogue, self._ledger, self._publish, rates, self._seed
        )
        return self.order_side

    # Time

    def begin(self) -> None:
        """Generate the averages before the run, and go on from there."""
        now_ms = self._scheduler.now_ms
        starts_ms = {
            name: window_start_ms(series.window_minutes, now_ms)
            for name, series in self._series.items()
        }
        self._second = min(now_ms, *starts_ms.values()) // 1000 - TWAP_SECONDS - 1
        for name, start_ms in starts_ms.items():
            self._list_window(name, start_ms)
        self._walk_to(now_ms // 1000)
        self._publish_prices()
        self._trade_on(self._trading_number)
        if self.order_side is not None:
            self.order_side.begin()

    def _walk_to(self, second: int) -> None:
        while self._second < second:
            self._second += 1
            at_ms = self._second * 1000
            for asset, walk in self._walks.items():
                walk.step()
                self.streams[asset].sample(at_ms, walk.price_e18)
            for name, series in self._series.items():
                if at_ms % series.window_ms == 0:
                    self._turn(name, at_ms)

    def _turn(self, name: str, at_ms: int) -> None:
        """Set the average at a boundary: strike of one window, close of the previous one."""
        series = self._series[name]
        average_e18 = self.streams[series.asset].samples.average(at_ms // 1000)
        if (name, at_ms) not in self.windows:
            self._list_window(name, at_ms)
        self.windows[name, at_ms].strike_e18 = average_e18
        ended = self.windows.get((name, at_ms - series.window_ms))
        if ended is not None:
            ended.close_e18 = average_e18
            late_ms = 0
            if self._chance.random() < self._late_result_chance:
                late_ms = int(self._chance.random() * _RESULT_LATE_MOST_MS)
            delay_ms = ended.window.resolves_at_ms + late_ms - self._scheduler.now_ms
            self._scheduler.after(max(0, delay_ms), self._resolve, ended)

    def _publish_prices(self) -> None:
        """Publish prices now, and again at the next scheduled second."""
        self._walk_to(self._scheduler.now_ms // 1000)
        second = self._second
        for asset, walk in self._walks.items():
            self._publish(self.streams[asset].publish(second * 1000, walk.coinbase_dollars()))
        to_next_s = PRICES_EVERY_S - (second - _PRICES_AT) % PRICES_EVERY_S
        self._scheduler.after(
            (second + to_next_s) * 1000 - self._scheduler.now_ms, self._publish_prices
        )

    def _resolve(self, window: SimulatedWindow) -> None:
        self._publish(window.resolve(self._scheduler.now_ms))
        self.outcomes[window.window.slug] = window.winner

    # The market

    @property
    def open_windows(self) -> list[SimulatedWindow]:
        """The windows that are open now, one per series."""
        now_ms = self._scheduler.now_ms
        self._walk_to(now_ms // 1000)
        return [
            self.windows[name, window_start_ms(series.window_minutes, now_ms)]
            for name, series in self._series.items()
        ]

    def _list_window(self, name: str, start_ms: int) -> None:
        series = self._series[name]
        window = Window.at(series.asset, series.window_minutes, start_ms)
        more = () if name == next(iter(self._series)) else (name,)
        chance = dice(self._seed, "window", start_ms, *more)
        listed = SimulatedWindow(window, self._ledger, chance, self._scheduler.now_ms)
        self.windows[name, start_ms] = listed
        self.catalogue.add(listed)
        own = [key for key in self.windows if key[0] == name]
        for key in own[:-_KEPT_WINDOWS]:
            self.catalogue.remove(self.windows.pop(key))

    def _trade_on(self, number: int) -> None:
        """Let each market do one thing, and schedule the next."""
        if number != self._trading_number:
            return
        windows, now_ms = self.open_windows, self._scheduler.now_ms
        self._scheduler.after(self._pause_ms(), self._trade_on, number)
        if now_ms >= self._still_until_ms:
            for window in windows:
                self._trade_in(window, now_ms)

    def _trade_in(self, window: SimulatedWindow, now_ms: int) -> None:
        asset, chance = window.window.asset, self._chance
        window.value(self._walks[asset].price_e18, self.streams[asset].samples, now_ms)
        frames = window.release(now_ms) + window.fit_tick_size(now_ms)
        if chance.random() < _TRADE_CHANCE:
            frames += window.trade(now_ms)
        frames += window.requote(now_ms)
        self._publish(frames)

    def _pause_ms(self) -> int:
        chance = self._chance
        if self._is_steady:
            return _STEADY_MS
        if self._burst_left:
            self._burst_left -= 1
            return 20 + int(chance.random() * 600)
        self._burst_left = 2 + int(chance.random() * 8)
        if chance.random() < self._lag_chance:
            self.offer_cheap_pair()
        return 500 + int(chance.expovariate(1 / 12_000))

    def be_steady(self) -> None:
        """Change books every half second from now on, instead of in bursts."""
        self._is_steady = True
        self._trading_number += 1
        self._trade_on(self._trading_number)

    def pause(self, still_ms: int) -> None:
        """Change no book for a while."""
        self._still_until_ms = self._scheduler.now_ms + still_ms

    def offer_cheap_pair(self) -> None:
        """Move the fair value while one outcome's public book is frozen, making pairs cheap."""
        now_ms = self._scheduler.now_ms
        for window in self.open_windows:
            if window.publisher.lagging is None:
                is_up = window.is_up_cheap
                window.lag(Outcome.UP if is_up else Outcome.DOWN, now_ms + 1_500)
                self._publish(window.move(_MOVE_TICKS if is_up else -_MOVE_TICKS, now_ms))

    # Protocols

    def session(self, url: str) -> tuple[Channel, Session]:
        """Begin a client's session on the channel at this address.

        Raises:
            KeyError: nothing is served at the address.
        """
        if self.order_side is not None and url == self._venue.user_ws_url:
            return Channel.USER, self.order_side.new_session()
        sessions: dict[str, tuple[Channel, Session]] = {
            self._venue.market_ws_url: (
                Channel.MARKET,
                MarketSession(self.catalogue.book, lambda: self._scheduler.now_ms),
            ),
            self._venue.rtds_ws_url: (
                Channel.RTDS,
                RtdsSession(self._prices, lambda: self._scheduler.now_ms),
            ),
            self._venue.polybolt_ws_url: (Channel.POLYBOLT, self._polybolt_session()),
            self._venue.coinbase_ws_url: (Channel.COINBASE, CoinbaseSession(self._prices)),
        }
        return sessions[url]

    def _polybolt_session(self) -> PolyBoltSession:
        def now_ms() -> int:
            return self._scheduler.now_ms

        return PolyBoltSession(
            self._prices,
            lambda key, _secret, _passphrase: key if key == PRICE_CREDENTIALS.key else None,
            now_ms,
            now_ms,
            lambda: "nonce",
        )

    def answer(self, url: str) -> tuple[int, bytes]:
        """Answer an HTTP GET with status and body."""
        if url == f"{self._venue.clob_url}/time":
            return 200, str(self._scheduler.now_ms // 1000).encode()
        for kind in ("markets", "events"):
            if url.startswith(f"{self._venue.gamma_url}/{kind}/slug/"):
                return self._row(url.rpartition("/")[2], is_event=kind == "events")
        return 404, b'{"error":"not found"}'

    def _row(self, slug: str, *, is_event: bool) -> tuple[int, bytes]:
        start_text, now_ms = slug.rpartition("-")[2], self._scheduler.now_ms
        start_ms = int(start_text) * 1000 if start_text.isdigit() else -1
        series = self._series.get(series_of(slug))
        is_listed = series is not None and series.slug(start_ms) == slug
        if series is None or not is_listed or start_ms > now_ms + _LISTED_AHEAD_MS:
            return 404, b'{"type":"not found error","error":"slug not found"}'
        window = Window.at(series.asset, series.window_minutes, start_ms)
        known = self.windows.get((series.name, start_ms))
        status = MarketStatus(window=window) if known is None else known.status
        if is_event:
            return 200, msgspec.json.encode(event_row(status))
        return 200, msgspec.json.encode(market_row(status) | self._outcome(known))

    def _outcome(self, known: SimulatedWindow | None) -> dict[str, object]:
        """Return fields that the standard venue row lacks: void, or proposed and not decided."""
        if known is None or self._scheduler.now_ms < known.window.closes_at_ms:
            return {}
        if not known.is_resolved:
            up_text = "1" if int(known.window.number) % 2 else "0"
            prices = f'["{up_text}","{1 - int(up_text)}"]'
            return {"closed": True, "outcomePrices": prices, "umaResolutionStatus": "proposed"}
        if known.is_void:
            void = {"closed": True, "outcomePrices": '["0.5","0.5"]'}
            return {**void, "umaResolutionStatus": "resolved"}
        return {}

    def _publish(self, sent: Iterable[Frame]) -> None:
        frames = list(sent)
        if not frames:
            return
        for link in tuple(self.links):
            keys = link.session.keys
            replies = [
                reply
                for frame in frames
                if frame.channel is link.channel and not keys.isdisjoint(frame.keys)
                for reply in link.session.carry(frame)
            ]
            texts = [reply for reply in replies if isinstance(reply, str)]
            if texts:
                link.push(texts)
