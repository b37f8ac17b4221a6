"""One's own orders and trades as Polymarket tells them, on the user channel and in account reads.

Both tell the same rows with small differences, and neither keeps to one shape: a number may be a
text, a time may be in seconds or milliseconds, a field may be empty or missing. What is needed to
book a fill must be there; for everything else there is a reading. Source: Polymarket's
documentation, user channel and account reads, and captures published by other clients.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs
import msgspec

from actors.feeds.decoding import MalformedFrame
from actors.strategy.messages import Action
from actors.units import PAYOUT_TICKS, TICKS_PER_DOLLAR, UNITS_PER_SHARE

_NUMBERS_BELOW = 10**15
_SECONDS_BELOW = 10**11
"""A moment below is in seconds (until the year 5138), one above in milliseconds (since 1973)."""
_PREFIXES = ("TRADE_STATUS_", "ORDER_STATUS_")
_ENDED = ("CANCEL", "INVALID")


class Settlement(enum.Enum):
    """How far a trade has come on the chain; an order's second axis beside its execution."""

    MATCHED = "MATCHED"
    """Agreed; it counts, but may still fail."""
    RETRYING = "RETRYING"
    """It failed to get onto the chain and is tried again."""
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    """For ever."""
    FAILED = "FAILED"
    """For ever: neither shares nor money ever arrive."""

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self in (Settlement.CONFIRMED, Settlement.FAILED)


@attrs.frozen(kw_only=True)
class UserOrder:
    """The venue's word on one order."""

    order_id: str
    """The venue's id: the hash of what was signed."""
    market_id: str
    status: str
    """Upper case and without prefix: LIVE, MATCHED, DELAYED, CANCELED…; may be empty."""
    is_cancellation: bool
    """What was left of it is gone from the venue."""
    original_units: int | None
    matched_units: int | None
    """What it has traded in all; None where the venue does not say."""

    @property
    def is_matched(self) -> bool:
        """Whether a match has ended it: nothing of it rests, even if it has not traded whole."""
        return self.status == "MATCHED"


@attrs.frozen(kw_only=True)
class MakerPart:
    """One resting order's part in a trade."""

    order_id: str
    owner: str
    """The API key it was posted with."""
    wallet: str
    """Lower-case address; empty if not told."""
    token: str
    action: Action
    price_ticks: int
    size_units: int


@attrs.frozen(kw_only=True)
class UserTrade:
    """A trade that one of our orders had a part in."""

    trade_id: str
    market_id: str
    settlement: Settlement
    taker_order_id: str
    is_ours_as_taker: bool
    token: str
    action: Action
    """The taker's."""
    price_ticks: int
    size_units: int
    makers: tuple[MakerPart, ...]
    matched_at_ms: int | None


UserEvent = UserOrder | UserTrade


def decode(raw: bytes) -> tuple[list[UserEvent], list[str]]:
    """Decode one frame of the channel: an object or an array of them.

    Returns:
        All that could be read, in order, and a sentence for each part that could not. Kinds of
        event that are neither order nor trade are left out.
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
    """Read an order, as the channel and ``/data/order`` tell it.

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
    """Read a trade, as the channel and ``/data/trades`` tell it.

    Raises:
        MalformedFrame: it lacks an id, or a size or price that it has a part for.
    """
    fields = _fields(row)
    token, action = _text(fields.get("asset_id")), _action(fields.get("side"))
    makers = fields.get("maker_orders") or []
    if action is None or not isinstance(makers, list):
        raise MalformedFrame(f"trade {_text(fields.get('id'))} has no side or strange maker orders")
    moment = fields.get("match_time", fields.get("matchtime"))
    return UserTrade(
        trade_id=_required(fields, "id"),
        market_id=_text(fields.get("market")),
        settlement=_SETTLEMENTS.get(_status(fields), Settlement.MATCHED),
        taker_order_id=_text(fields.get("taker_order_id")).lower(),
        is_ours_as_taker=_text(fields.get("trader_side")).upper() == "TAKER",
        token=token,
        action=action,
        price_ticks=_price(fields.get("price"), action),
        size_units=_size(fields.get("size")),
        makers=tuple(_maker_part(_fields(maker), token, action) for maker in makers),
        matched_at_ms=_moment_ms(moment) or _moment_ms(fields.get("timestamp")),
    )


_SETTLEMENTS = {each.value: each for each in Settlement}


def _event(row: object) -> list[UserEvent]:
    kind = _text(_fields(row).get("event_type"))
    if kind == "order":
        return [order_of(row)]
    return [trade_of(row)] if kind == "trade" else []


def _maker_part(fields: Mapping[str, Any], token: str, taker_action: Action) -> MakerPart:
    own_token = _text(fields.get("asset_id")) or token
    # A maker of the other token had the same side: both bought (a pair was minted) or both sold.
    implied = _opposite(taker_action) if own_token == token else taker_action
    action = _action(fields.get("side")) or implied
    return MakerPart(
        order_id=_required(fields, "order_id").lower(),
        owner=_text(fields.get("owner")),
        wallet=_text(fields.get("maker_address")).lower(),
        token=own_token,
        action=action,
        price_ticks=_price(fields.get("price"), action),
        size_units=_size(fields.get("matched_amount")),
    )


def _fields(row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise MalformedFrame(f"{row!r:.80} is no object")
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
        raise MalformedFrame(f"{value!r:.40} is no size of a trade")
    return units


def _price(value: object, action: Action) -> int:
    """Ticks of a trade's price; an average between two ticks is rounded against its owner."""
    number = _decimal(value)
    if number is None:
        raise MalformedFrame(f"{value!r:.40} is no price of a trade")
    ticks, rest = divmod(number * TICKS_PER_DOLLAR, 1)
    price_ticks = int(ticks) + bool(rest and action is Action.BUY)
    if price_ticks > PAYOUT_TICKS:
        raise MalformedFrame(f"{value!r:.40} is no price between 0 and 1")
    return price_ticks


def _moment_ms(value: object) -> int | None:
    """Read a moment in seconds, milliseconds or as ISO text."""
    number = _decimal(value)
    if number is not None:
        return (int(number * 1000) if number < _SECONDS_BELOW else int(number)) or None
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)
