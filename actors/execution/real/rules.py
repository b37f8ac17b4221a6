"""What is signed, and what is checked before, so that a reason is known and nothing is sent.

The venue checks all of it too, and has the last word; the grid may have changed a moment ago.
"""

from __future__ import annotations

from math import gcd

from actors.execution.real.messages import SignOrder
from actors.messages.execution import OrderIntent
from actors.model import Market, TimeInForce
from actors.units import (
    PAYOUT_TICKS,
    UNITS_PER_SHARE,
    dollars_text,
    price_text,
    shares,
    size_text,
)

_SIZE_STEP_UNITS = UNITS_PER_SHARE // 100
"""The venue takes sizes in hundredths of a share."""
_FINE_SIZE_STEP_UNITS = UNITS_PER_SHARE // 10
_COARSE_GRID_TICKS = 10
_VENUE_ENDS_EARLY_S = 60
"""The venue ends an order so long before the expiration that it names; its documentation."""


def offered_units(intent: OrderIntent) -> int:
    """The size that can be signed: the wanted one, without what is finer than the venue takes.

    An order that never rests moves money in steps that are coarser than its price: a sale asks for
    whole $0.0001, a purchase offers whole cents for four decimals of a share, whatever the price
    grid (py-clob-client-v2#99). At a price between two cents a sale is rounded to tenths of a
    share, and a purchase to so many shares that they cost whole cents.
    """
    price_ticks = intent.price_ticks
    step_units = _SIZE_STEP_UNITS
    if not intent.time_in_force.may_rest and price_ticks % _COARSE_GRID_TICKS:
        step_units = _FINE_SIZE_STEP_UNITS
        if intent.is_sized_in_money:
            step_units = shares(_COARSE_GRID_TICKS // gcd(price_ticks, _COARSE_GRID_TICKS))
    return intent.size_units // step_units * step_units


def sign_order(intent: OrderIntent) -> SignOrder:
    """What is to be signed for an order, in the kinds that the official client knows."""
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
    """The expiration that makes the venue end a GTD order when its time to live is over."""
    if intent.time_in_force is not TimeInForce.GTD:
        return None
    return -(-intent.expires_at_ms // 1000) + _VENUE_ENDS_EARLY_S


def objection(intent: OrderIntent, market: Market) -> str:
    """Say why an order is not signed; empty if it is.

    Args:
        intent: the order.
        market: its market as it is known now, with the price grid that holds now.
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
