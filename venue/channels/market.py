"""The market channel's protocol: subscribe by asset id, PING and PONG.

The first frame has ``type`` and ``assets_ids``; later ones have an ``operation``. A subscription is
answered with one array that holds the book of each token. A PING before the first subscription, or
a first frame that is not a subscription, is a policy violation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from venue.channels.session import POLICY_VIOLATION, Close, Reply, Session
from venue.frames import NEW_MARKETS_KEY, custom_key
from venue.wire import market as wire
from venue.wire.book import PublishedBook
from venue.wire.text import json_text

MOST_ASSETS = 500
"""With more tokens on one connection the venue sends no initial books."""


class _Request(msgspec.Struct):
    type: str = ""
    operation: str = ""
    assets_ids: list[str] = []
    custom_feature_enabled: bool = False
    initial_dump: bool = True


_decode = msgspec.json.Decoder(_Request).decode


class MarketSession(Session):
    """One client of ``/ws/market``."""

    def __init__(
        self, book_of: Callable[[str], PublishedBook | None], now_ms: Callable[[], int]
    ) -> None:
        self.keys: set[str] = set()
        self._book_of = book_of
        self._now_ms = now_ms
        self._is_subscribed = False
        self._has_custom_feature = False

    def receive(self, text: str) -> Sequence[Reply]:
        """Answer a subscription with its books, and PING with PONG."""
        if text == "PING" and self._is_subscribed:
            return ["PONG"]
        request = _request(text)
        if not self._is_subscribed:
            if request is None or request.type.lower() != "market":
                return [Close(POLICY_VIOLATION, "invalid subscription payload")]
            return self._subscribe(request)
        if request is None:
            return []
        if request.operation == "unsubscribe":
            self.keys -= {key for token in request.assets_ids for key in _keys(token)}
            return []
        return self._subscribe(request)

    def _subscribe(self, request: _Request) -> Sequence[Reply]:
        self._is_subscribed = True
        self._has_custom_feature |= request.custom_feature_enabled
        if self._has_custom_feature:
            self.keys.add(NEW_MARKETS_KEY)
        for token in request.assets_ids:
            self.keys.add(token)
            if self._has_custom_feature:
                self.keys.add(custom_key(token))
        if not request.initial_dump or len(request.assets_ids) > MOST_ASSETS:
            return []
        books = [book for token in request.assets_ids if (book := self._book_of(token))]
        now_ms = self._now_ms()
        return [json_text([wire.book_event(book, now_ms, is_first=True) for book in books])]


def _keys(token: str) -> tuple[str, str]:
    return (token, custom_key(token))


def _request(text: str) -> _Request | None:
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return None
