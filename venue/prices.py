"""The price streams around the markets: Coinbase's ticker, and the venue's own (PolyBolt, RTDS)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from msgspec.structs import replace

from venue.faults import FaultKind
from venue.frames import Channel, Frame
from venue.windows import TWAP_SECONDS
from venue.wire import coinbase, polybolt, rtds

_PRICE_PLACES = {"xrp": 4, "doge": 5, "hype": 3}
"""Decimals of Coinbase's prices where they are not cents."""
_PUBLISH_DELAY_S = 1
"""A second's price and average are sent one second later, as at the venue."""
_KEPT_SECONDS = 3 * TWAP_SECONDS
_SEQUENCE_START = 37_475_248_783
_SEQUENCE_ANEW = 624_086
"""Coinbase's sequence number after a restart; users of the feed observed both."""
_SNAPSHOT_S = 120
"""Length of PolyBolt's snapshots."""
_RTDS_HISTORY_S = 60
_TWAPS = (rtds.TWAP_TOPIC, polybolt.TWAP_CHANNEL)


class SecondSamples:
    """The settling source's price at each whole second, and the average that settles windows."""

    def __init__(self) -> None:
        self._samples: dict[int, int] = {}
        self._newest = 0
        self._sums: dict[int, tuple[int, int]] = {}
        """Sum and number of all samples up to a second, for the seconds that are kept."""

    def add(self, second: int, price_e18: int) -> None:
        """Add the price at a whole second; seconds come in order."""
        self._samples[second] = price_e18
        self._samples.pop(second - _KEPT_SECONDS, None)
        so_far = self._sums.get(self._newest, (0, 0))
        for unknown in range(max(self._newest + 1, second - _KEPT_SECONDS), second):
            self._sums[unknown] = so_far
        total_e18, count = self._sums.get(second - 1, (0, 0))
        self._sums[second] = total_e18 + price_e18, count + 1
        self._newest = second
        while (oldest := next(iter(self._sums))) < second - _KEPT_SECONDS:
            del self._sums[oldest]

    def price(self, second: int) -> int | None:
        """The price at a second; None if it is unknown, or no longer kept."""
        return self._samples.get(second)

    def average(self, end_second: int) -> int | None:
        """Mean of the 60 samples up to and including this second; None if one is missing."""
        total_e18, known_count = self._sum(end_second)
        return total_e18 // TWAP_SECONDS if known_count == TWAP_SECONDS else None

    def expected_average(self, end_second: int, spot_e18: int) -> tuple[int, int]:
        """Estimate the average at a later second.

        Returns:
            The average with every missing sample taken as ``spot_e18``, and how many are
                missing.
        """
        total_e18, known_count = self._sum(end_second)
        missing_count = TWAP_SECONDS - known_count
        return (total_e18 + missing_count * spot_e18) // TWAP_SECONDS, missing_count

    def _sum(self, end_second: int) -> tuple[int, int]:
        total_e18, count = self._sum_until(end_second)
        before_e18, before_count = self._sum_until(end_second - TWAP_SECONDS)
        return total_e18 - before_e18, count - before_count

    def _sum_until(self, second: int) -> tuple[int, int]:
        kept = min(max(second, self._newest - _KEPT_SECONDS), self._newest)
        return self._sums.get(kept, (0, 0))


class PriceStreams:
    """Samples the settling source each second and publishes every source's prices of an underlying.

    The venue's own sources each skip a share of whole seconds live; the skipped ones are in the
    history that a new subscriber gets.
    """

    def __init__(
        self, asset: str, ticker_period_ms: int, dice: Random, missing_share: float = 0.0
    ) -> None:
        self.symbol = f"{asset}/usd"
        self.polybolt_symbol = f"{asset}usd"
        self.product = f"{asset.upper()}-USD"
        self.samples = SecondSamples()
        self._price_places = _PRICE_PLACES.get(asset, 2)
        self._ticker_period_ms = ticker_period_ms
        self._dice = dice
        self._last_tick: coinbase.Tick | None = None
        self.missing_share = missing_share
        self.missed_count = 0
        """Seconds that a source did not send live, by chance or by command."""
        self._missing_seed = dice.getrandbits(32)
        self._to_miss = {Channel.RTDS: 0, Channel.POLYBOLT: 0}
        self._has_tickers = True

    def sample(self, now_ms: int, price_e18: int) -> None:
        """Sample the settling source if a second is complete."""
        if now_ms % 1000 == 0:
            self.samples.add(now_ms // 1000, price_e18)

    def publish(self, now_ms: int, coinbase_dollars: float) -> list[Frame]:
        """Publish what is due at this instant, after ``sample``."""
        frames = []
        is_due = now_ms % self._ticker_period_ms == 0 and self._has_tickers
        if self._last_tick is None or is_due:
            self._last_tick = self._next_tick(now_ms, coinbase_dollars)
            text = coinbase.ticker_text(self._last_tick)
            frames.append(Frame(Channel.COINBASE, (f"ticker:{self.product}",), text))
        if now_ms % 1000 == 0:
            text = coinbase.heartbeat_text(self._last_tick, now_ms)
            frames.append(Frame(Channel.COINBASE, (f"heartbeat:{self.product}",), text))
            frames += self._second_frames(now_ms // 1000 - _PUBLISH_DELAY_S, now_ms)
        return frames

    def apply_fault(self, channel: Channel, kind: FaultKind, count: int) -> None:
        """Inject a fault into a source; kinds that do not apply to it change nothing."""
        if kind is FaultKind.MISSING_SECONDS:
            self._to_miss[channel] = count
        elif kind is FaultKind.TICKERS_STOP:
            self._has_tickers = False
        elif kind is FaultKind.SEQUENCE_ANEW and self._last_tick is not None:
            self._last_tick = replace(self._last_tick, sequence=_SEQUENCE_ANEW)
        elif kind is FaultKind.RESUME:
            if channel is Channel.COINBASE:
                self._has_tickers = True
            elif channel in self._to_miss:
                self._to_miss[channel] = 0

    def ticker_text(self) -> str | None:
        """The newest ticker; None before the first."""
        return None if self._last_tick is None else coinbase.ticker_text(self._last_tick)

    def ticks(self, topic: str, length_s: int, now_ms: int) -> list[tuple[int, int]]:
        """All ticks that a topic could have sent in the period up to now, whether or not it did."""
        newest = now_ms // 1000 - _PUBLISH_DELAY_S
        price_at = self._price_at(topic)
        return [
            (second * 1000, price_e18)
            for second in range(newest - length_s + 1, newest + 1)
            if (price_e18 := price_at(second)) is not None
        ]

    def _price_at(self, topic: str) -> Callable[[int], int | None]:
        return self.samples.average if topic in _TWAPS else self.samples.price

    def _second_frames(self, second: int, now_ms: int) -> list[Frame]:
        """Publish a second's price and average, as far as known, on both of the venue's streams."""
        frames = []
        for channel, names, symbol, tell in (
            (Channel.RTDS, rtds.TOPICS, self.symbol, rtds.price_text),
            (Channel.POLYBOLT, polybolt.CHANNELS, self.polybolt_symbol, polybolt.update_body),
        ):
            for name in () if self._is_missed(channel, second) else names:
                price_e18 = self._price_at(name)(second)
                if price_e18 is not None:
                    text = tell(name, symbol, price_e18, second * 1000, now_ms)
                    frames.append(Frame(channel, (f"{name}/{symbol}",), text))
        return frames

    def _is_missed(self, channel: Channel, second: int) -> bool:
        """Whether a second is never sent live, by command or by chance."""
        if self._to_miss[channel]:
            self._to_miss[channel] -= 1
            is_missed = True
        elif self.missing_share:
            dice = Random(f"{self._missing_seed}/{channel.value}/{second}")
            is_missed = dice.random() < self.missing_share
        else:
            is_missed = False
        self.missed_count += is_missed
        return is_missed

    def _next_tick(self, now_ms: int, price_dollars: float) -> coinbase.Tick:
        last, dice = self._last_tick, self._dice
        price_steps = max(1, round(price_dollars * 10**self._price_places))
        return coinbase.Tick(
            product=self.product,
            sequence=(last.sequence if last else _SEQUENCE_START) + 1 + dice.getrandbits(6),
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


class PriceBoard:
    """The prices of every underlying, as the channels publish them."""

    def __init__(self, streams: Iterable[PriceStreams]) -> None:
        self._streams = tuple(streams)
        self.symbols = tuple(each.symbol for each in self._streams)
        """RTDS's symbols, such as btc/usd."""
        self.products = tuple(each.product for each in self._streams)
        """Coinbase's products, such as BTC-USD."""

    def apply_fault(self, channel: Channel, kind: FaultKind, count: int) -> None:
        """Inject a fault into a source, for all underlyings."""
        for each in self._streams:
            each.apply_fault(channel, kind, count)

    def ticker_text(self, product: str) -> str | None:
        """A product's newest ticker, for a new subscriber; None before the first."""
        return self._streams[self.products.index(product)].ticker_text()

    def history_text(self, topic: str, symbol: str, now_ms: int) -> str:
        """The last minute of an RTDS topic for a symbol, for a new subscriber."""
        own = self._streams[self.symbols.index(symbol)]
        return rtds.history_text(topic, symbol, own.ticks(topic, _RTDS_HISTORY_S, now_ms), now_ms)

    def snapshot_body(self, channel: str, symbol: str, now_ms: int) -> str:
        """Body of PolyBolt's first frame to a new subscriber; empty for unknown symbols."""
        ticks = [
            tick
            for each in self._streams
            if each.polybolt_symbol == symbol
            for tick in each.ticks(channel, _SNAPSHOT_S, now_ms)
        ]
        return polybolt.snapshot_body(channel, symbol, ticks, now_ms)
