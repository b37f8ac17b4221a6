"""The prices of recordings, as the local exchange's sources send them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from actors.feeds import rtds
from actors.feeds.polybolt import PolyBoltProtocol
from actors.messages.feeds import TwapTick
from research.recordings.model import RecordedChannel, RecordedFrame
from venue.frames import Channel, Frame
from venue.prices import PriceStreams
from venue.wire import polybolt as polybolt_wire
from venue.wire import rtds as rtds_wire

KEPT_S = 600
"""Averages older than this are forgotten."""
LATE_S_MAX = 10
"""A recorded tick that arrived later than this is history, and is not sent live."""
_TICKER, _HEARTBEAT = b'"type":"ticker"', b'"type":"heartbeat"'
_AVERAGES = (rtds_wire.TWAP_TOPIC, polybolt_wire.TWAP_CHANNEL)


class RecordedPrices(PriceStreams):
    """Sends the recorded reference, and recorded averages through both price services.

    The settling source's price of a single second is not sent: only its average is recorded.
    """

    def __init__(self, asset: str, missing_share: float) -> None:
        super().__init__(asset, 1_000, Random("recorded"), missing_share)
        self._averages: dict[int, int] = {}
        self._newest_ns: dict[int, int] = {}
        """Receipt of each channel's newest frame: windows overlap by some prices."""
        self._last_ticker: str | None = None
        self._polybolt = PolyBoltProtocol(self.polybolt_symbol)

    def average(self, at_ms: int) -> int | None:
        """The recorded average of a second, 10**-18 dollars; None if unknown."""
        return self._averages.get(at_ms // 1000)

    def take(self, frame: RecordedFrame, now_ms: int) -> list[Frame]:
        """Return the frames for a recorded price, unless it was sent before."""
        if frame.received_ns <= self._newest_ns.get(frame.channel, 0) and not frame.is_derived:
            return []
        self._newest_ns[frame.channel] = frame.received_ns
        if frame.channel == RecordedChannel.REFERENCE:
            return self._reference(frame.payload)
        if frame.channel == RecordedChannel.RTDS:
            ticks, _ = rtds.decode(frame.payload, self.symbol)
        else:
            ticks = list(self._polybolt.receive(frame.payload).ticks)
        return [frame for tick in ticks for frame in self._average(tick, now_ms)]

    def ticker_text(self) -> str | None:
        """The newest recorded ticker, for a new subscriber."""
        return self._last_ticker

    def _reference(self, payload: bytes) -> list[Frame]:
        if self.product.encode() not in payload:
            return []
        kind = "ticker" if _TICKER in payload else "heartbeat" if _HEARTBEAT in payload else ""
        if not kind or (kind == "ticker" and not self._has_tickers):
            return []
        text = payload.decode()
        if kind == "ticker":
            self._last_ticker = text
        return [Frame(Channel.COINBASE, (f"{kind}:{self.product}",), text)]

    def _average(self, tick: TwapTick, now_ms: int) -> list[Frame]:
        second = tick.timestamp_ms // 1000
        if tick.timestamp_ms % 1000 or second in self._averages:
            return []
        self._averages[second] = tick.price_e18
        for old in [each for each in self._averages if each < second - KEPT_S]:
            del self._averages[old]
        if now_ms // 1000 - second > LATE_S_MAX:
            return []
        return self._second_frames(second, now_ms)

    def _price_at(self, topic: str) -> Callable[[int], int | None]:
        return self._averages.get if topic in _AVERAGES else _unknown


def _unknown(_second: int) -> int | None:
    return None
