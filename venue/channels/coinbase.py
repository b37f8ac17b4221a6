"""The protocol of Coinbase's Exchange feed: subscribe by channel and product."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from venue.channels.session import Reply, Session
from venue.prices import PriceBoard
from venue.wire import coinbase as wire

SUBSCRIBE_WITHIN_S = 5.0
"""A client that has not subscribed within this real time is disconnected."""
_CHANNELS = ("ticker", "heartbeat")


class _Channel(msgspec.Struct):
    name: str
    product_ids: list[str] = []


class _Request(msgspec.Struct):
    type: str
    channels: list[_Channel | str] = []
    product_ids: list[str] = []


_decode = msgspec.json.Decoder(_Request).decode


class CoinbaseSession(Session):
    """One client of the Coinbase feed."""

    def __init__(self, prices: PriceBoard) -> None:
        self.keys: set[str] = set()
        self._prices = prices

    def receive(self, text: str) -> Sequence[Reply]:
        """Answer with the current subscriptions and the newest ticker of each new product."""
        try:
            request = _decode(text)
        except msgspec.DecodeError as error:
            return [wire.error_text("Failed to parse message", str(error))]
        wanted = _wanted(request)
        unknown = [key for key in wanted if not self._is_known(key)]
        if request.type not in ("subscribe", "unsubscribe"):
            return [wire.error_text("Malformed JSON", f"{request.type} is not a type")]
        if unknown or not wanted:
            names = ", ".join(unknown) or "no channel"
            return [wire.error_text("Failed to subscribe", f"{names} is not valid")]
        if request.type == "unsubscribe":
            self.keys -= set(wanted)
            return [self._subscriptions()]
        self.keys |= set(wanted)
        products = (key.removeprefix("ticker:") for key in wanted if key.startswith("ticker:"))
        tickers = [self._prices.ticker_text(product) for product in dict.fromkeys(products)]
        return [self._subscriptions(), *(ticker for ticker in tickers if ticker)]

    def _is_known(self, key: str) -> bool:
        channel, _, product = key.partition(":")
        return channel in _CHANNELS and product in self._prices.products

    def _subscriptions(self) -> str:
        channels: dict[str, list[str]] = {}
        for key in sorted(self.keys):
            channel, _, product = key.partition(":")
            channels.setdefault(channel, []).append(product)
        return wire.subscriptions_text(channels)


def _wanted(request: _Request) -> list[str]:
    """Return the keys a request names; products stand beside the channels or inside them."""
    wanted = []
    for channel in request.channels:
        if isinstance(channel, str):
            channel = _Channel(name=channel)
        products = channel.product_ids or request.product_ids
        wanted += [f"{channel.name}:{product}" for product in products]
    return wanted
