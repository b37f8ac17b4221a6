"""The protocol of the venue's own price stream: subscribe by topic, with an optional filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from venue.channels.session import Reply, Session
from venue.prices import PriceStreams
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

    def __init__(self, prices: PriceStreams, now_ms: Callable[[], int]) -> None:
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
        topics = [
            subscription.topic
            for subscription in request.subscriptions
            if subscription.topic in TOPICS and self._matches(subscription.filters)
        ]
        if request.action == "unsubscribe":
            self.keys -= set(topics)
            return []
        self.keys |= set(topics)
        return [self._prices.history_text(topic, self._now_ms()) for topic in topics]

    def _matches(self, filters: str) -> bool:
        """Compare as the venue does: the filter is a text, and a space in it matches nothing."""
        return filters in ("", f'{{"symbol":"{self._prices.symbol}"}}')
