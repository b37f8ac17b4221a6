"""Polymarket's older real-time data service: the 60-second average that settles windows.

Source: Polymarket's documentation, RTDS. ``full_accuracy_value`` is the price times 10**18 as an
integer in a string; the ``value`` beside it is rounded and so never used. The first frame after a
subscription may be of type "subscribe" and hold recent ticks in ``payload.data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from actors.core import Command, Effects
from actors.feeds.connection import NOT_DATA, SendText
from actors.feeds.decoding import (
    MalformedFrame,
    json_object,
    moment_ms,
    plausible_price_e18,
    whole_number,
)
from actors.feeds.price_protocol import Received, read_ticks
from actors.messages.feeds import RTDS, TwapTick
from actors.units import NotExact

TWAP_TOPIC = "crypto_prices_twap_sixty"
TWAP_WINDOW_S = 60


def subscribe_text(*symbols: str) -> str:
    """Return the first frame of a connection; a filter must be compact JSON inside a string."""
    filters = [msgspec.json.encode({"symbol": symbol}).decode() for symbol in symbols]
    wanted = [{"topic": TWAP_TOPIC, "type": "update", "filters": each} for each in filters]
    message = {"action": "subscribe", "subscriptions": wanted}
    return msgspec.json.encode(message).decode()


def decode(raw: bytes, *symbols: str) -> tuple[list[TwapTick], list[str]]:
    """Decode one frame into ticks of these symbols, oldest first; others are left out.

    A tick of the history without its exact value is left out: it would prove no price.

    Returns:
        The ticks, and a sentence for each unreadable part of the frame.
    """
    try:
        frame = json_object(raw)
    except MalformedFrame as problem:
        return [], [str(problem)]
    if frame.get("topic") != TWAP_TOPIC:
        return [], []
    payload = frame.get("payload")
    if not isinstance(payload, dict):
        return [], ["a frame of prices has no payload"]
    if payload.get("symbol") not in symbols:
        return [], []
    asset = _asset(payload["symbol"])
    return read_ticks(payload, partial(_tick, asset, payload.get("window_s")))


class RtdsProtocol:
    """One connection to the service."""

    def __init__(self, *symbols: str) -> None:
        self._symbols = symbols

    def opening(self, name: str) -> Effects:
        """Subscribe."""
        return [Command(SendText(subscribe_text(*self._symbols), name))]

    def receive(self, raw: bytes) -> Received:
        """Read one frame; frames have no numbers, so a lost one cannot be noticed."""
        if raw in NOT_DATA:
            return Received()
        ticks, problems = decode(raw, *self._symbols)
        return Received(ticks=tuple(ticks), problems=tuple(problems))


def _asset(symbol: str) -> str:
    return symbol.partition("/")[0]


def _tick(asset: str, window_s: object, row: Mapping[str, Any]) -> TwapTick:
    price_e18 = plausible_price_e18(whole_number(row.get("full_accuracy_value")))
    own_window_s = row.get("window_s") if row.get("window_s") is not None else window_s
    length_s = TWAP_WINDOW_S if own_window_s is None else whole_number(own_window_s)
    if length_s == 0:
        raise NotExact("window_s is 0, which is not an average of a price")
    return TwapTick(
        price_e18=price_e18,
        timestamp_ms=moment_ms(row.get("timestamp")),
        window_s=length_s,
        source=RTDS,
        asset=asset,
    )
