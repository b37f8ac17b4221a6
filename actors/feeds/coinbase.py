"""Coinbase's exchange feed: ticker and heartbeat of products.

Source: Coinbase's documentation, exchange websocket feed. ``sequence`` counts all messages of a
product and so jumps on the ticker channel: only its direction can be checked. Lost tickers are
noticed by the heartbeat's ``last_trade_id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import attrs
import msgspec

from actors.feeds.decoding import UNREADABLE, MalformedFrame, price_e18

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_ZonedTime = Annotated[datetime, msgspec.Meta(tz=True)]


@attrs.frozen(kw_only=True)
class CoinbaseTicker:
    """A match, or the last of several matches at the same instant."""

    product: str
    sequence: int
    trade_id: int
    price_e18: int
    timestamp_ms: int


@attrs.frozen(kw_only=True)
class CoinbaseHeartbeat:
    """Once a second: a sign of life, with the id of the product's last trade."""

    product: str
    last_trade_id: int


@attrs.frozen
class CoinbaseRefusal:
    """Coinbase's error about the subscription or the connection."""

    text: str


CoinbaseEvent = CoinbaseTicker | CoinbaseHeartbeat | CoinbaseRefusal


def subscribe_text(*products: str) -> str:
    """Return the first frame; without it Coinbase disconnects after five seconds."""
    return _subscription_text("subscribe", products)


def unsubscribe_text(*products: str) -> str:
    """Return the frame that unsubscribes from these products."""
    return _subscription_text("unsubscribe", products)


def _subscription_text(kind: str, products: Sequence[str]) -> str:
    channels = ["ticker", "heartbeat"]
    request = {"type": kind, "product_ids": [*products], "channels": channels}
    return msgspec.json.encode(request).decode()


class _Frame(msgspec.Struct, tag_field="type", gc=False):
    """A wire frame, which can convert itself to an event."""

    def decoded(self) -> list[CoinbaseEvent]:
        return []


class _Ticker(_Frame, tag="ticker"):
    product_id: str
    sequence: int
    trade_id: int
    price: str
    time: _ZonedTime

    def decoded(self) -> list[CoinbaseEvent]:
        ticker = CoinbaseTicker(
            product=self.product_id,
            sequence=self.sequence,
            trade_id=self.trade_id,
            price_e18=price_e18(self.price),
            timestamp_ms=(self.time - _EPOCH) // _MILLISECOND,
        )
        return [ticker]


class _Heartbeat(_Frame, tag="heartbeat"):
    product_id: str
    last_trade_id: int

    def decoded(self) -> list[CoinbaseEvent]:
        return [CoinbaseHeartbeat(product=self.product_id, last_trade_id=self.last_trade_id)]


class _Error(_Frame, tag="error"):
    message: str
    reason: str = ""

    def decoded(self) -> list[CoinbaseEvent]:
        return [CoinbaseRefusal(f"{self.message}: {self.reason}" if self.reason else self.message)]


class _Subscriptions(_Frame, tag="subscriptions"):
    """The list of active subscriptions: a known kind, which is ignored."""


_AnyFrame = _Ticker | _Heartbeat | _Error | _Subscriptions
_decoder: msgspec.json.Decoder[_AnyFrame] = msgspec.json.Decoder(_AnyFrame)


def decode(raw: bytes) -> list[CoinbaseEvent]:
    """Decode one frame.

    Raises:
        MalformedFrame: it is not a frame of the two channels.
    """
    try:
        return _decoder.decode(raw).decoded()
    except UNREADABLE as error:
        raise MalformedFrame(str(error)) from None
