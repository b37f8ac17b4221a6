"""The account's orders and trades, as Polymarket reports them on the user channel and in reads.

Both sources send the same rows with small differences, and neither has one fixed shape: a number
may be a string, a time may be in seconds or milliseconds, a field may be empty or missing. The
fields that are needed to book a fill are required; everything else can be read again. Source:
Polymarket's documentation, user channel and account reads, and captures published by other clients.

A trade has one part for each order that it filled. The fields at the top of a trade are the
taker's. Each maker's own size, price, token and side are in its entry, and differ from the taker's
when a pair was minted or merged. Source: how NautilusTrader's adapter reads them.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard

import attrs
import msgspec

from actors.feeds.decoding import MalformedFrame
from actors.model import Action
from actors.units import PAYOUT_TICKS, TICKS_PER_DOLLAR, UNITS_PER_SHARE

_NUMBERS_BELOW = 10**15
_SECONDS_BELOW = 10**11
"""A time below this is in seconds (until the year 5138), above it in milliseconds (since 1973)."""
_PREFIXES = ("TRADE_STATUS_", "ORDER_STATUS_")
_ENDED = ("CANCEL", "INVALID")


class Settlement(enum.Enum):
    """A trade's settlement on the chain; an order's second axis besides its execution."""

    MATCHED = "MATCHED"
    """Matched; it counts, but may still fail."""
    RETRYING = "RETRYING"
    """It failed to get onto the chain and is retried."""
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    """Final on the chain; the venue has been seen to report FAILED even after this."""
    FAILED = "FAILED"
    """Final: neither shares nor money ever arrive."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is expected; a CONFIRMED trade may still fail."""
        return self in (Settlement.CONFIRMED, Settlement.FAILED)


@attrs.frozen(kw_only=True)
class UserOrder:
    """The venue's report on one order."""

    order_id: str
    """The venue order id: the hash of the signed order."""
    market_id: str
    status: str
    """Upper case and without prefix: LIVE, MATCHED, DELAYED, CANCELED…; may be empty."""
    is_cancellation: bool
    """What was left of it is gone from the venue."""
    original_units: int | None
    matched_units: int | None
    """Total traded size; None if the venue does not report it."""

    @property
    def is_matched(self) -> bool:
        """Whether a match has ended it: nothing of it rests, even if it has not traded in full."""
        return self.status == "MATCHED"


@attrs.frozen(kw_only=True)
class TradePart:
    """One order's part in a trade."""

    order_id: str
    owner: str = ""
    """The API key it was posted with; empty if not reported, as for the taker."""
    wallet: str = ""
    """Lower-case address; empty if not reported, as for the taker."""
    token: str
    action: Action
    price_ticks: int
    size_units: int


@attrs.frozen(kw_only=True)
class UnreadPart:
    """A part of a trade that lacks what a fill needs; perhaps of another account."""

    order_id: str
    owner: str
    wallet: str
    reason: str


@attrs.frozen(kw_only=True)
class UserTrade:
    """A trade in which at least one of the account's orders takes part."""

    trade_id: str
    market_id: str
    settlement: Settlement
    taker_order_id: str
    is_ours_as_taker: bool
    taker: TradePart | None
    """None if it could not be read; it is then in ``unread``."""
    makers: tuple[TradePart, ...]
    matched_at_ms: int | None
    unread: tuple[UnreadPart, ...] = ()
    """Parts that could not be read; the others are not affected."""


UserEvent = UserOrder | UserTrade


def decode(raw: bytes) -> tuple[list[UserEvent], list[str]]:
    """Decode one frame of the channel: an object, or an array of objects.

    Returns:
        All readable events in order, and a sentence for each unreadable one. Events that are
        neither orders nor trades are left out.
    """
    try:
        frame = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return [], [str(error)]
    events: list[UserEvent] = []
    problems: list[str] = []
    for row in frame if isinstance(frame, list) else [frame]:
        try:
            events += _event(row)
        except MalformedFrame as problem:
            problems.append(str(problem))
    return events, problems


def order_of(row: object) -> UserOrder:
    """Read an order, as sent by the channel and ``/data/order``.

    Raises:
        MalformedFrame: it has no id.
    """
    fields = _fields(row)
    status = _status(fields)
    kind = _text(fields.get("type")).upper()
    return UserOrder(
        order_id=_required(fields, "id").lower(),
        market_id=_text(fields.get("market")),
        status=status,
        is_cancellation=kind == "CANCELLATION" or status.startswith(_ENDED),
        original_units=_units(fields.get("original_size")),
        matched_units=_units(fields.get("size_matched")),
    )


def trade_of(row: object) -> UserTrade:
    """Read a trade, as sent by the channel and ``/data/trades``.

    Each order's part is read separately; one without a size or a price is put into ``unread``.

    Raises:
        MalformedFrame: it has no id.
    """
    fields = _fields(row)
    trade_id = _required(fields, "id")
    token, action = _text(fields.get("asset_id")), _action(fields.get("side"))
    taker = _read_part(fields, fields.get("taker_order_id"), "size", token, action)
    rows = fields.get("maker_orders") or []
    makers = [_maker_part(each, token, action) for each in (rows if _is_list(rows) else [rows])]
    parts = [taker, *makers]
    moment = fields.get("match_time", fields.get("matchtime"))
    return UserTrade(
        trade_id=trade_id,
        market_id=_text(fields.get("market")),
        settlement=_SETTLEMENTS.get(_status(fields), Settlement.MATCHED),
        taker_order_id=_text(fields.get("taker_order_id")).lower(),
        is_ours_as_taker=_text(fields.get("trader_side")).upper() == "TAKER",
        taker=taker if isinstance(taker, TradePart) else None,
        makers=tuple(each for each in makers if isinstance(each, TradePart)),
        matched_at_ms=_moment_ms(moment) or _moment_ms(fields.get("timestamp")),
        unread=tuple(each for each in parts if isinstance(each, UnreadPart)),
    )


_SETTLEMENTS = {each.value: each for each in Settlement}


def _event(row: object) -> list[UserEvent]:
    kind = _text(_fields(row).get("event_type"))
    if kind == "order":
        return [order_of(row)]
    return [trade_of(row)] if kind == "trade" else []


def _maker_part(row: object, token: str, taker_action: Action | None) -> TradePart | UnreadPart:
    if not isinstance(row, dict):
        return UnreadPart(order_id="", owner="", wallet="", reason=f"{row!r:.80} is not an object")
    own_token = _text(row.get("asset_id")) or token
    action = _action(row.get("side"))
    if action is None and taker_action is not None:
        # A maker of the other token had the same side: both bought (a pair was minted) or both
        # sold.
        action = _opposite(taker_action) if own_token == token else taker_action
    part = _read_part(row, row.get("order_id"), "matched_amount", own_token, action)
    owner, wallet = _text(row.get("owner")), _text(row.get("maker_address")).lower()
    return attrs.evolve(part, owner=owner, wallet=wallet)


def _read_part(
    fields: Mapping[str, Any], order_id: object, size_name: str, token: str, action: Action | None
) -> TradePart | UnreadPart:
    """Read one order's part, without its owner."""
    order_text = _text(order_id).lower()
    reason = "" if order_text else "a part of a trade has no order id"
    if action is None:
        reason = reason or "a part of a trade has no side"
    else:
        try:
            price_ticks, size_units = (
                _price(fields.get("price"), action),
                _size(fields.get(size_name)),
            )
        except MalformedFrame as problem:
            reason = reason or str(problem)
    if reason or action is None:
        return UnreadPart(order_id=order_text, owner="", wallet="", reason=reason)
    return TradePart(
        order_id=order_text,
        token=token,
        action=action,
        price_ticks=price_ticks,
        size_units=size_units,
    )


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _fields(row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise MalformedFrame(f"{row!r:.80} is not an object")
    return row


def _required(fields: Mapping[str, Any], name: str) -> str:
    text = _text(fields.get(name))
    if not text:
        raise MalformedFrame(f"a row has no {name}")
    return text


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _status(fields: Mapping[str, Any]) -> str:
    status = _text(fields.get("status")).upper()
    for prefix in _PREFIXES:
        status = status.removeprefix(prefix)
    return status


def _action(value: object) -> Action | None:
    name = _text(value).upper()
    return Action(name) if name in ("BUY", "SELL") else None


def _opposite(action: Action) -> Action:
    return Action.SELL if action is Action.BUY else Action.BUY


def _decimal(value: object) -> Decimal | None:
    try:
        number = Decimal(_text(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < _NUMBERS_BELOW else None


def _units(value: object) -> int | None:
    number = _decimal(value)
    return None if number is None else int(number * UNITS_PER_SHARE)


def _size(value: object) -> int:
    units = _units(value)
    if not units:
        raise MalformedFrame(f"{value!r:.40} is not a trade size")
    return units


def _price(value: object, action: Action) -> int:
    """Return a trade's price in ticks; an average between two ticks is rounded against us."""
    number = _decimal(value)
    if number is None:
        raise MalformedFrame(f"{value!r:.40} is not a trade price")
    ticks, rest = divmod(number * TICKS_PER_DOLLAR, 1)
    price_ticks = int(ticks) + bool(rest and action is Action.BUY)
    if price_ticks > PAYOUT_TICKS:
        raise MalformedFrame(f"{value!r:.40} is not a price between 0 and 1")
    return price_ticks


def _moment_ms(value: object) -> int | None:
    """Read a time in seconds, in milliseconds or as ISO text; None if it is none of these."""
    number = _decimal(value)
    if number is not None:
        return (int(number * 1000) if number < _SECONDS_BELOW else int(number)) or None
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


@attrs.frozen(kw_only=True)
class TradeAllocation:
    """One order's part of a trade; each (trade, order) pair counts once."""

    trade_id: str
    venue_order_id: str
    token: str
    action: Action
    price_ticks: int
    size_units: int
    is_maker: bool
    settlement: Settlement
    matched_at_ms: int | None


def parts_of(trade: UserTrade) -> list[TradeAllocation]:
    """Return the parts of all orders, the taker's first, including other accounts' orders.

    An order with an unreadable part is left out, since the rest would give a wrong size.
    """
    unread_ids = {part.order_id for part in trade.unread}
    by_order: dict[str, TradeAllocation] = {}
    for maker in trade.makers:
        part = _own(trade, maker, is_maker=True)
        known = by_order.get(maker.order_id)
        if known is not None:
            part = attrs.evolve(known, size_units=known.size_units + part.size_units)
        by_order[maker.order_id] = part
    taker = [] if trade.taker is None else [_own(trade, trade.taker, is_maker=False)]
    parts = [*taker, *by_order.values()]
    return [part for part in parts if part.venue_order_id not in unread_ids]


def order_ids_of(trade: UserTrade) -> set[str]:
    """Return the venue order ids of all orders that a trade names."""
    makers = {part.order_id for part in trade.makers}
    return {trade.taker_order_id} | makers | {part.order_id for part in trade.unread}


@attrs.frozen(kw_only=True)
class Ownership:
    """Tells which parts of a trade belong to the account."""

    known_ids: Collection[str]
    """Venue order ids of this system's orders."""
    wallet: str
    owner: str

    def own_parts(self, trade: UserTrade) -> list[TradeAllocation]:
        """Return the parts of the account's orders, including orders of other systems."""
        ours = {maker.order_id for maker in trade.makers if self._is_ours(trade, maker)}
        if trade.is_ours_as_taker:
            ours.add(trade.taker_order_id)
        ours.update(self.known_ids)
        return [part for part in parts_of(trade) if part.venue_order_id in ours]

    def unread_parts(self, trade: UserTrade) -> list[UnreadPart]:
        """Return the unreadable parts of the account's orders."""
        return [part for part in trade.unread if self._is_ours(trade, part)]

    def _is_ours(self, trade: UserTrade, part: TradePart | UnreadPart) -> bool:
        if part.order_id in self.known_ids:
            return True
        if trade.is_ours_as_taker and part.order_id == trade.taker_order_id:
            return True
        return part.wallet == self.wallet or (not part.wallet and part.owner == self.owner)


def _own(trade: UserTrade, part: TradePart, *, is_maker: bool) -> TradeAllocation:
    return TradeAllocation(
        trade_id=trade.trade_id,
        venue_order_id=part.order_id,
        token=part.token,
        action=part.action,
        price_ticks=part.price_ticks,
        size_units=part.size_units,
        is_maker=is_maker,
        settlement=trade.settlement,
        matched_at_ms=trade.matched_at_ms,
    )
