"""The price streams around the markets: Coinbase's ticker and the venue's own source (RTDS)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from venue.average import SecondSamples
from venue.frames import Channel, Frame
from venue.wire import coinbase, rtds

_PRICE_PLACES = {"xrp": 4, "doge": 5}
"""Decimals of Coinbase's prices where they are not cents."""
_PUBLISH_DELAY_S = 1
"""A second's price and average are told one second later, as on the venue."""


class PriceStreams:
    """Samples the settling source each second and tells both sources' prices."""

    def __init__(self, asset: str, ticker_period_ms: int, dice: Random) -> None:
        self.symbol = f"{asset}/usd"
        self.product = f"{asset.upper()}-USD"
        self.samples = SecondSamples()
        self._price_places = _PRICE_PLACES.get(asset, 2)
        self._ticker_period_ms = ticker_period_ms
        self._dice = dice
        self._last_tick: coinbase.Tick | None = None

    def sample(self, now_ms: int, price_e18: int) -> None:
        """Take the settling source's price if a second is full."""
        if now_ms % 1000 == 0:
            self.samples.add(now_ms // 1000, price_e18)

    def publish(self, now_ms: int, coinbase_dollars: float) -> list[Frame]:
        """Tell what is due at this instant; ``sample`` comes first."""
        frames = []
        if now_ms % self._ticker_period_ms == 0 or self._last_tick is None:
            self._last_tick = self._next_tick(now_ms, coinbase_dollars)
            text = coinbase.ticker_text(self._last_tick)
            frames.append(Frame(Channel.COINBASE, (f"ticker:{self.product}",), text))
        if now_ms % 1000 == 0:
            text = coinbase.heartbeat_text(self._last_tick, now_ms)
            frames.append(Frame(Channel.COINBASE, (f"heartbeat:{self.product}",), text))
            frames += self._rtds_frames(now_ms)
        return frames

    def ticker_text(self) -> str | None:
        """The newest ticker, for a new subscriber; None before the first."""
        return None if self._last_tick is None else coinbase.ticker_text(self._last_tick)

    def history_text(self, topic: str, now_ms: int) -> str:
        """What a topic told in the last minute, for a new subscriber."""
        newest = now_ms // 1000 - _PUBLISH_DELAY_S
        price_at = self._price_at(topic)
        ticks = [
            (second * 1000, price_e18)
            for second in range(newest - 59, newest + 1)
            if (price_e18 := price_at(second)) is not None
        ]
        return rtds.history_text(topic, self.symbol, ticks, now_ms)

    def _price_at(self, topic: str) -> Callable[[int], int | None]:
        return self.samples.average if topic == rtds.TWAP_TOPIC else self.samples.price

    def _rtds_frames(self, now_ms: int) -> list[Frame]:
        frames = []
        second = now_ms // 1000 - _PUBLISH_DELAY_S
        for topic in rtds.TOPICS:
            price_e18 = self._price_at(topic)(second)
            if price_e18 is not None:
                text = rtds.price_text(topic, self.symbol, price_e18, second * 1000, now_ms)
                frames.append(Frame(Channel.RTDS, (topic,), text))
        return frames

    def _next_tick(self, now_ms: int, price_dollars: float) -> coinbase.Tick:
        last, dice = self._last_tick, self._dice
        price_steps = max(1, round(price_dollars * 10**self._price_places))
        return coinbase.Tick(
            product=self.product,
            sequence=(last.sequence if last else 37_475_248_783) + 1 + dice.getrandbits(6),
            trade_id=(last.trade_id if last else 370_843_400) + 1,
            price_places=self._price_places,
            price_steps=price_steps,
            open_steps=last.open_steps if last else price_steps,
            low_steps=min(last.low_steps, price_steps) if last else price_steps,
            high_steps=max(last.high_steps, price_steps) if last else price_steps,
            size_satoshi=1 + dice.getrandbits(22),
            taker_buys=dice.random() < 0.5,
            at_ms=now_ms,
        )
