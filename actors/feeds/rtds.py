"""Polymarket's real-time data service: the 60-second average that settles windows.

Source: Polymarket's documentation, RTDS. ``full_accuracy_value`` is the price times 10**18 as an
integer in text; the ``value`` beside it is rounded and so never used. The first frame after a
subscription may be of type "subscribe" and hold recent ticks in ``payload.data``.
"""

from __future__ import annotations

import msgspec

from actors.feeds.decoding import UNREADABLE, MalformedFrame, scaled_integer
from actors.feeds.messages import TwapTick
from actors.units import NotExact

TWAP_TOPIC = "crypto_prices_twap_sixty"
TWAP_WINDOW_S = 60


def subscribe_text(symbol: str) -> str:
    """First frame on a new connection; the filter must be compact JSON inside a text."""
    filters = msgspec.json.encode({"symbol": symbol}).decode()
    subscription = {"topic": TWAP_TOPIC, "type": "update", "filters": filters}
    message = {"action": "subscribe", "subscriptions": [subscription]}
    return msgspec.json.encode(message).decode()


class _Tick(msgspec.Struct, gc=False):
    timestamp: int
    full_accuracy_value: str | None = None
    window_s: int | None = None


class _Payload(msgspec.Struct, gc=False):
    symbol: str
    timestamp: int | None = None
    full_accuracy_value: str | None = None
    window_s: int | None = None
    data: list[_Tick] | None = None


class _Frame(msgspec.Struct, gc=False):
    topic: str
    payload: msgspec.Raw


_frame_decoder = msgspec.json.Decoder(_Frame)
_payload_decoder = msgspec.json.Decoder(_Payload)


def decode(raw: bytes, symbol: str) -> list[TwapTick]:
    """Decode one frame to the symbol's ticks, oldest first; other topics and symbols give none.

    A tick of the history without its exact value is left out: it would prove no price.

    Raises:
        MalformedFrame: it is not a frame of this service, or a tick is not exact.
    """
    try:
        frame = _frame_decoder.decode(raw)
        if frame.topic != TWAP_TOPIC:
            return []
        payload = _payload_decoder.decode(frame.payload)
        if payload.symbol != symbol:
            return []
        ticks = [_tick(one, payload.window_s) for one in _wire_ticks(payload)]
    except UNREADABLE as error:
        raise MalformedFrame(str(error)) from None
    return sorted(ticks, key=lambda tick: tick.timestamp_ms)


def _wire_ticks(payload: _Payload) -> list[_Tick]:
    if payload.data is not None:
        return [one for one in payload.data if one.full_accuracy_value is not None]
    if payload.timestamp is None or payload.full_accuracy_value is None:
        raise NotExact("a tick needs both timestamp and full_accuracy_value")
    return [_Tick(payload.timestamp, payload.full_accuracy_value, payload.window_s)]


def _tick(wire: _Tick, window_s: int | None) -> TwapTick:
    price = scaled_integer(wire.full_accuracy_value or "", 0)
    if price == 0:
        raise NotExact("full_accuracy_value is 0, which is no price")
    return TwapTick(
        price_e18=price,
        timestamp_ms=wire.timestamp,
        window_s=wire.window_s or window_s or TWAP_WINDOW_S,
    )
