"""The venue's order rules, and what its answers prove.

The rules are checked before an order is signed, so that the reason is known and nothing is sent.
The venue checks all of them too and has the last word; the price grid may just have changed.

Only an answer which says that an order was not accepted counts as a refusal. Everything else that
is not a plain acceptance leaves the outcome unknown: no answer, any 5xx, a body of an unexpected
shape, ``unmatched`` (which means placed, without a match). Source of the texts: Polymarket's
documentation, error codes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from math import gcd
from typing import Any

from actors.execution.real.messages import PostAnswered, PostRefused, PostUnclear, SignOrder
from actors.messages.execution import OrderIntent
from actors.model import Market, TimeInForce
from actors.units import PAYOUT_TICKS, UNITS_PER_SHARE, dollars_text, price_text, shares, size_text

_SIZE_STEP_UNITS = UNITS_PER_SHARE // 100
"""The venue accepts sizes in hundredths of a share."""
_FINE_SIZE_STEP_UNITS = UNITS_PER_SHARE // 10
_COARSE_GRID_TICKS = 10
_VENUE_ENDS_EARLY_S = 60
"""The venue ends an order this long before its expiration. Source: its documentation."""


def offered_units(intent: OrderIntent) -> int:
    """Return the size that can be signed: the intended one, rounded down to the venue's step.

    An order that never rests moves money in steps that are coarser than its price: a sale asks for
    whole $0.0001, a purchase offers whole cents for four decimals of a share, whatever the price
    grid (py-clob-client-v2#99). At a price between two cents a sale is rounded to tenths of a
    share, and a purchase to a number of shares that costs whole cents.
    """
    price_ticks = intent.price_ticks
    step_units = _SIZE_STEP_UNITS
    if not intent.time_in_force.may_rest and price_ticks % _COARSE_GRID_TICKS:
        step_units = _FINE_SIZE_STEP_UNITS
        if intent.is_sized_in_money:
            step_units = shares(_COARSE_GRID_TICKS // gcd(price_ticks, _COARSE_GRID_TICKS))
    return intent.size_units // step_units * step_units


def sign_order(intent: OrderIntent) -> SignOrder:
    """Return the command that signs an order, in the order types of the official client."""
    return SignOrder(
        order_id=intent.order_id,
        token=intent.market.token(intent.side),
        action=intent.action,
        price_ticks=intent.price_ticks,
        size_units=offered_units(intent),
        time_in_force=intent.time_in_force,
        is_post_only=intent.is_post_only,
        venue_expiry_s=_venue_expiry_s(intent),
    )


def _venue_expiry_s(intent: OrderIntent) -> int | None:
    """Return the expiration that makes the venue end a GTD order when its time to live is over."""
    if intent.time_in_force is not TimeInForce.GTD:
        return None
    return -(-intent.expires_at_ms // 1000) + _VENUE_ENDS_EARLY_S


def objection(intent: OrderIntent, market: Market) -> str:
    """Return why an order must not be signed; empty if it may be.

    Args:
        intent: the order.
        market: its market, with the current price grid.
    """
    return _off_grid(intent, market) or _too_small(intent, market)


def _off_grid(intent: OrderIntent, market: Market) -> str:
    grid_ticks, price_ticks = market.tick_size_ticks, intent.price_ticks
    is_inside = grid_ticks <= price_ticks <= PAYOUT_TICKS - grid_ticks
    if is_inside and price_ticks % grid_ticks == 0:
        return ""
    return f"price {price_text(price_ticks)} breaks the minimum tick size {price_text(grid_ticks)}"


def _too_small(intent: OrderIntent, market: Market) -> str:
    units = offered_units(intent)
    if intent.time_in_force.may_rest and units < market.minimum_size_units:
        return (
            f"size {size_text(units)} is below the market's minimum "
            f"{size_text(market.minimum_size_units)}"
        )
    notional_nanos = units * intent.price_ticks
    if notional_nanos < max(1, market.minimum_notional_nanos):
        return (
            f"its value ${dollars_text(notional_nanos)} is below the market's minimum "
            f"${dollars_text(market.minimum_notional_nanos)}"
        )
    return ""


HOLD_MS = 5_000
"""How long new orders wait after the venue stops accepting them, unless it says how long."""
HOLD_SHORT_MS = 1_000


class Meaning(enum.Enum):
    """What a refusal means for the order."""

    REFUSED = "refused"
    """It was not accepted and never will be."""
    KILLED = "killed"
    """A FAK or FOK order that found too little to match: it has ended and traded nothing."""
    HELD = "held"
    """The venue accepts no orders now: post the same bytes later."""
    LAGGING = "lagging"
    """The venue does not see the money or the shares for it, perhaps not yet."""
    KNOWN = "known"
    """The venue has received these bytes before."""
    UNCLEAR = "unclear"


_TAKES_NONE = (
    "post-only mode",
    "post_only_mode",
    "cancel-only",
    "trading is currently disabled",
)
_BY_TEXT = (
    ("duplicated", Meaning.KNOWN),
    ("not enough balance", Meaning.LAGGING),
    ("no orders found to match with fak", Meaning.KILLED),
    ("fok orders are fully filled or killed", Meaning.KILLED),
    ("not yet ready to process", Meaning.HELD),
    ("order match delayed", Meaning.UNCLEAR),
)


def meaning_of(refused: PostRefused) -> Meaning:
    """Return what a refusal proves."""
    text = f"{refused.text} {refused.code}".lower()
    if refused.status in (0, 401, 425, 429):
        return Meaning.HELD
    if refused.status == 503 and any(each in text for each in _TAKES_NONE):
        return Meaning.HELD
    if refused.status >= 500 or refused.status == 408:
        return Meaning.UNCLEAR
    return next((meaning for each, meaning in _BY_TEXT if each in text), Meaning.REFUSED)


def hold_ms(refused: PostRefused) -> int:
    """Return how long to wait before the next order is posted."""
    if refused.retry_after_ms is not None:
        return max(refused.retry_after_ms, HOLD_SHORT_MS)
    return HOLD_SHORT_MS if refused.status in (0, 401, 429) else HOLD_MS


def read_answer(order_id: str, body: object) -> PostAnswered | PostRefused | PostUnclear:
    """Read the body of a ``POST /order`` answer with status 200."""
    if not isinstance(body, Mapping):
        return PostUnclear(order_id=order_id, reason=f"the venue answered {body!r:.200}")
    venue_order_id, status = _text(body, "orderID").lower(), _text(body, "status").lower()
    error = _text(body, "errorMsg")
    if venue_order_id and status in ("live", "matched", "delayed", "unmatched") and not error:
        return PostAnswered(order_id=order_id, venue_order_id=venue_order_id, status=status)
    if error and not venue_order_id:
        return PostRefused(order_id=order_id, status=200, text=error)
    return PostUnclear(order_id=order_id, reason=f"the venue answered {_shown(body)}")


def is_cancel_early(reason: str) -> bool:
    """Return whether the order waits in the venue's delay, so that a cancel is too early."""
    return any(word in reason.lower() for word in ("delay", "pending"))


def is_already_gone(reason: str) -> bool:
    """Return whether the order was already gone: it was cancelled or has traded.

    Source: reports of users of the venue, nautilus_trader#3797 and #3728.
    """
    text = reason.lower()
    return "already canceled" in text or "can't be found" in text or "not found" in text


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _shown(body: Mapping[str, Any]) -> str:
    names = ("success", "errorMsg", "orderID", "status")
    return ", ".join(f"{name} {body.get(name)!r:.80}" for name in names)
