"""Polymarket's market channel: subscription frames, and decoding of its frames.

A frame is a JSON object or an array of objects, each with an ``event_type``. Numbers are decimal
strings, timestamps are milliseconds as strings. Source: Polymarket's websocket documentation,
market channel, and recorded frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import attrs
import msgspec

from actors.feeds.decoding import (
    TICK_PLACES,
    UNREADABLE,
    KnownTexts,
    TooFine,
    price_ticks,
    scaled_integer,
    size_units,
    timestamp_ms,
)
from actors.messages.feeds import (
    BestPricesEvent,
    BookEvent,
    LastTradeEvent,
    MarketEvent,
    PriceChangeEvent,
    ResolvedEvent,
    TickSizeEvent,
)
from actors.model import Level
from actors.units import PAYOUT_TICKS, NotExact

_UNKNOWN_TYPES_MAX = 100
_LEVELS_KEPT_MAX = 4_096
"""Under 1 MB; a five-minute window has eight times as many, most of which recur soon or never."""

_ticks = KnownTexts(price_ticks)
_units = KnownTexts(size_units)


def subscribe_text(tokens: Iterable[str]) -> str:
    """Return the first frame of a new connection."""
    return _text({"type": "market", "assets_ids": [*tokens], "custom_feature_enabled": True})


def add_tokens_text(tokens: Iterable[str]) -> str:
    """Return the frame that adds tokens to a connection's subscription."""
    return _text(
        {"operation": "subscribe", "assets_ids": [*tokens], "custom_feature_enabled": True}
    )


def drop_tokens_text(tokens: Iterable[str]) -> str:
    """Return the frame that removes tokens from a connection's subscription."""
    return _text({"operation": "unsubscribe", "assets_ids": [*tokens]})


def _text(message: object) -> str:
    return msgspec.json.encode(message).decode()


@attrs.frozen(kw_only=True)
class UnreadableElement:
    """An element of a frame, or a whole frame, that does not match the channel's format."""

    raw: bytes
    reason: str
    is_of_a_book: bool
    """Whether it may be part of a book; False for kinds of event that change no book."""


@attrs.frozen
class FinerGrid:
    """The token's prices have become finer than a tick, so its book cannot be kept."""

    token: str


Decoded = MarketEvent | FinerGrid | UnreadableElement
_Events = Sequence[MarketEvent | FinerGrid]


class _Event(msgspec.Struct, tag_field="event_type", gc=False):
    """A wire event, which can convert itself to messages."""

    def decoded(self) -> _Events:
        return []


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _Book(_Event, tag="book"):
    asset_id: str
    timestamp: str
    bids: msgspec.Raw
    asks: msgspec.Raw

    def decoded(self) -> _Events:
        try:
            bids = _side(self.bids)
            asks = _side(self.asks)
        except TooFine:
            levels = [*_levels_decoder.decode(self.bids), *_levels_decoder.decode(self.asks)]
            if not any(_is_between_ticks(each.price) for each in levels):
                raise
            return [FinerGrid(self.asset_id)]  # a whole book with such a price proves the grid
        # The venue sends the best level last on both sides; sorting nearly sorted levels is cheap.
        bids.sort(reverse=True)
        asks.sort()
        at_ms = timestamp_ms(self.timestamp)
        return [BookEvent(self.asset_id, at_ms, tuple(bids), tuple(asks))]


class _Change(msgspec.Struct, gc=False):
    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]


class _PriceChange(_Event, tag="price_change"):
    timestamp: str
    price_changes: list[_Change]

    def decoded(self) -> _Events:
        return _changes(self.timestamp, self.price_changes)


class _OnlyPriceChange(msgspec.Struct, gc=False):
    """A whole frame that is known to be one price_change, so its kind need not be read."""

    timestamp: str
    price_changes: list[_Change]


class _LastTradePrice(_Event, tag="last_trade_price"):
    asset_id: str
    timestamp: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]

    def decoded(self) -> _Events:
        return [
            LastTradeEvent(
                self.asset_id,
                timestamp_ms(self.timestamp),
                _ticks[self.price],
                _units[self.size],
                taker_buys=self.side == "BUY",
            )
        ]


class _TickSizeChange(_Event, tag="tick_size_change"):
    asset_id: str
    timestamp: str
    new_tick_size: str

    def decoded(self) -> _Events:
        at_ms = timestamp_ms(self.timestamp)
        try:
            return [TickSizeEvent(self.asset_id, at_ms, _ticks[self.new_tick_size])]
        except TooFine:
            return [FinerGrid(self.asset_id)]


class _BestBidAsk(_Event, tag="best_bid_ask"):
    asset_id: str
    timestamp: str
    best_bid: str | None
    best_ask: str | None

    def decoded(self) -> _Events:
        return [
            BestPricesEvent(
                self.asset_id,
                timestamp_ms(self.timestamp),
                _best_ticks(self.best_bid),
                _best_ticks(self.best_ask),
            )
        ]


class _MarketResolved(_Event, tag="market_resolved"):
    market: str
    timestamp: str
    winning_asset_id: str

    def decoded(self) -> _Events:
        return [ResolvedEvent(self.market, timestamp_ms(self.timestamp), self.winning_asset_id)]


class _NewMarket(_Event, tag="new_market"):
    """Announces any new market of the venue: a known kind, which is ignored."""


class _Head(msgspec.Struct):
    event_type: str


_AnyEvent = (
    _Book
    | _PriceChange
    | _LastTradePrice
    | _TickSizeChange
    | _BestBidAsk
    | _MarketResolved
    | _NewMarket
)
_KNOWN_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in _AnyEvent.__args__)
_BOOKLESS_TYPES = frozenset({"last_trade_price", "best_bid_ask", "market_resolved", "new_market"})
_frame_decoder: msgspec.json.Decoder[list[_AnyEvent] | _AnyEvent] = msgspec.json.Decoder(
    list[_AnyEvent] | _AnyEvent
)
_change_decoder = msgspec.json.Decoder(_OnlyPriceChange)
_CHANGE_END = b'"event_type":"price_change"}'
"""How nearly all frames end."""
_level_decoder = msgspec.json.Decoder(_Level)
_levels_decoder = msgspec.json.Decoder(list[_Level])
_event_decoder: msgspec.json.Decoder[_AnyEvent] = msgspec.json.Decoder(_AnyEvent)
_head_decoder = msgspec.json.Decoder(_Head)
_parts_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class MarketChannelDecoder:
    """Turns frames into events; remembers which unknown kinds it has met."""

    def __init__(self) -> None:
        self.unknown_counts: Counter[str] = Counter()
        self._untold: list[str] = []

    def decode(self, raw: bytes) -> Sequence[Decoded]:
        """Decode one frame, keeping its order; an unreadable element affects no other."""
        try:
            if raw.endswith(_CHANGE_END):
                change = _change_decoder.decode(raw)
                return _changes(change.timestamp, change.price_changes)
            frame = _frame_decoder.decode(raw)
            if not isinstance(frame, list):
                return frame.decoded()
            return [event for part in frame for event in part.decoded()]
        except UNREADABLE:
            return self._each_by_itself(raw)

    def take_new_unknown_types(self) -> list[str]:
        """Return the unknown kinds met for the first time since the last call."""
        new, self._untold = self._untold, []
        return new

    def _each_by_itself(self, raw: bytes) -> list[Decoded]:
        """Decode a frame element by element, since not all of it can be read."""
        parts: Sequence[bytes | msgspec.Raw] = [raw]
        if raw.lstrip().startswith(b"["):
            try:
                parts = _parts_decoder.decode(raw)
            except UNREADABLE as error:
                return [UnreadableElement(raw=raw, reason=str(error), is_of_a_book=True)]
        return [event for part in parts for event in self._element(bytes(part))]

    def _element(self, raw: bytes) -> Sequence[Decoded]:
        kind = ""
        try:
            kind = _head_decoder.decode(raw).event_type
            if kind in _KNOWN_TYPES:
                return _event_decoder.decode(raw).decoded()
        except UNREADABLE as error:
            is_of_a_book = kind not in _BOOKLESS_TYPES
            return [UnreadableElement(raw=raw, reason=str(error), is_of_a_book=is_of_a_book)]
        self._count_unknown(kind)
        return []

    def _count_unknown(self, kind: str) -> None:
        if kind not in self.unknown_counts:
            if len(self.unknown_counts) == _UNKNOWN_TYPES_MAX:
                return
            self._untold.append(kind)
        self.unknown_counts[kind] += 1


def _changes(timestamp: str, changes: list[_Change]) -> list[MarketEvent]:
    at_ms = timestamp_ms(timestamp)
    events: list[MarketEvent] = []
    for change in changes:
        level = ((_ticks[change.price], _units[change.size]),)
        if change.side == "BUY":
            events.append(PriceChangeEvent(change.asset_id, at_ms, level, ()))
        else:
            events.append(PriceChangeEvent(change.asset_id, at_ms, (), level))
    return events


def _side(raw: msgspec.Raw) -> list[Level]:
    """Read the levels of one side of a book in the venue's order, without those of size zero.

    Most levels are in the previous book too, in the same bytes: each is parsed once. A side that is
    formatted differently from the venue's, with blanks or nesting, is parsed as a whole.
    """
    inside = bytes(raw)[2:-2]
    try:
        return [level for each in inside.split(b"},{") if (level := _known_levels[each])[1]]
    except UNREADABLE:
        levels = map(_level, _levels_decoder.decode(raw))
        return [level for level in levels if level[1]]


def _level(level: _Level) -> Level:
    return _ticks[level.price], size_units(level.size)


def _level_inside(inside: bytes) -> Level:
    return _level(_level_decoder.decode(b"{%b}" % inside))


_known_levels = KnownTexts(_level_inside, _LEVELS_KEPT_MAX)
"""By the text between the braces."""


def _is_between_ticks(price: str) -> bool:
    try:
        scaled_integer(price, TICK_PLACES)
    except TooFine:
        return True
    except NotExact:
        return False
    return False


def _best_ticks(text: str | None) -> int | None:
    """Read a best price; None for an empty side, for which the venue writes 0, 1 or nothing."""
    if not text or scaled_integer(text, TICK_PLACES) in (0, PAYOUT_TICKS):
        return None
    return _ticks[text]
