"""The protocol of the venue's own price stream (RTDS): subscribe by topic and filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from venue.channels.session import Reply, Session
from venue.prices import PriceBoard
from venue.wire.rtds import TOPICS


class _Subscription(msgspec.Struct):
    topic: str
    filters: str = ""


class _Request(msgspec.Struct):
    action: str
    subscriptions: list[_Subscription]


_decode = msgspec.json.Decoder(_Request).decode


class RtdsSession(Session):
    """One client of the price stream."""

    def __init__(self, prices: PriceBoard, now_ms: Callable[[], int]) -> None:
        self.keys: set[str] = set()
        self._prices = prices
        self._now_ms = now_ms

    def receive(self, text: str) -> Sequence[Reply]:
        """Answer a subscription with each topic's last minute, and PING with PONG."""
        if text == "PING":
            return ["PONG"]
        try:
            request = _decode(text)
        except msgspec.DecodeError:
            return []
        wanted = [
            (subscription.topic, symbol)
            for subscription in request.subscriptions
            if subscription.topic in TOPICS
            for symbol in self._matched(subscription.filters)
        ]
        keys = {f"{topic}/{symbol}" for topic, symbol in wanted}
        if request.action == "unsubscribe":
            self.keys -= keys
            return []
        self.keys |= keys
        now_ms = self._now_ms()
        return [self._prices.history_text(topic, symbol, now_ms) for topic, symbol in wanted]

    def _matched(self, filters: str) -> list[str]:
        """Return matching symbols. As at the venue, a filter with a space matches none."""
        symbols = self._prices.symbols
        return [each for each in symbols if filters in ("", f'{{"symbol":"{each}"}}')]
