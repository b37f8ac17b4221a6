"""What the real executor's events say, in words: what left, and what the venue said to it."""

from __future__ import annotations

from actors.execution.real.claims import ClaimClosed, ClaimOpened
from actors.execution.real.messages import (
    ClaimFailed,
    HoldingsClaimed,
    OrderSigned,
    PostAnswered,
    PostRefused,
    PostUnclear,
    SigningFailed,
)
from actors.execution.real.orders import (
    AbsenceTold,
    CancelTold,
    LiveClosed,
    OrderPosted,
    OrderWithdrawn,
    TradeSeen,
    VenueSaid,
)
from actors.execution.real.user_channel import TradeAllocation, UserOrder
from actors.units import price_text, size_text

LIVE_EVENTS: tuple[type, ...] = (
    AbsenceTold,
    CancelTold,
    ClaimClosed,
    ClaimFailed,
    ClaimOpened,
    HoldingsClaimed,
    LiveClosed,
    OrderPosted,
    OrderSigned,
    OrderWithdrawn,
    PostAnswered,
    PostRefused,
    PostUnclear,
    SigningFailed,
    TradeSeen,
    VenueSaid,
)
"""All that the real executor records beside what both executors do."""


def describe_real_event(value: object) -> str:
    """Say what one of these events was; empty for any other value."""
    return _of_leaving(value) or _of_the_venue(value)


def _of_leaving(value: object) -> str:
    match value:
        case OrderSigned(venue_order_id=venue_order_id):
            return f"signed; the venue will call it {venue_order_id}"
        case SigningFailed(reason=reason):
            return f"not signed: {reason}"
        case OrderPosted():
            return "posted, in the bytes that were signed"
        case PostAnswered(status=status):
            return f"the venue took it: {status}"
        case PostRefused(status=0, text=text):
            return f"no connection was made: {text}"
        case PostRefused(status=status, text=text):
            return f"the venue refused it ({status}): {text}"
        case PostUnclear(reason=reason):
            return f"whether the venue has it is not known: {reason}"
        case OrderWithdrawn(reason=reason):
            return f"it ends without having been at the venue: {reason}"
    return ""


def _of_the_venue(value: object) -> str:
    match value:
        case VenueSaid(order=order):
            return _order_words(order)
        case TradeSeen(part=part):
            return _trade_words(part)
        case CancelTold():
            return "the venue has taken it back"
        case AbsenceTold(reason=reason):
            return f"the venue shows no more of it: {reason}"
        case LiveClosed():
            return "nothing can become of it any more"
        case ClaimOpened():
            return "its window is over; the shares that are left are to be turned into money"
        case HoldingsClaimed():
            return "shares of its window were turned into money"
        case ClaimFailed(reason=reason):
            return f"shares of its window were not turned into money: {reason}"
        case ClaimClosed():
            return "the account holds no shares of its window any more"
    return ""


def _order_words(order: UserOrder) -> str:
    status = order.status.lower() or ("cancelled" if order.is_cancellation else "changed")
    if order.matched_units is None:
        return f"the venue says: {status}"
    return f"the venue says: {status}, {size_text(order.matched_units)} matched"


def _trade_words(part: TradeAllocation) -> str:
    size, price = size_text(part.size_units), price_text(part.price_ticks)
    role = "maker" if part.is_maker else "taker"
    return f"trade {part.trade_id} of {size} at {price} ({role}) is {part.settlement.value}"
