"""What is checked before an order is signed, so that a reason is known and nothing is sent.

The venue checks all of it too, and has the last word; the grid may have changed a moment ago.
"""

from __future__ import annotations

from actors.messages.execution import OrderIntent
from actors.model import Action, Market, TimeInForce
from actors.units import PAYOUT_TICKS, UNITS_PER_SHARE, dollars_text, price_text, size_text

_SIZE_STEP_UNITS = UNITS_PER_SHARE // 100
"""The venue takes sizes in hundredths of a share."""
_FINE_SIZE_STEP_UNITS = UNITS_PER_SHARE // 10
_COARSE_GRID_TICKS = 10


def offered_units(intent: OrderIntent) -> int:
    """The size that can be signed: the wanted one, without what is finer than the venue takes.

    A fill-and-kill sale may ask for money in steps of $0.0001 only, whatever the price grid
    (py-clob-client-v2#99): at a price between two cents it is rounded to tenths of a share.
    """
    is_kill = intent.time_in_force is TimeInForce.FAK
    is_fine = is_kill and intent.price_ticks % _COARSE_GRID_TICKS != 0
    step_units = _FINE_SIZE_STEP_UNITS if is_fine else _SIZE_STEP_UNITS
    return intent.size_units // step_units * step_units


def objection(intent: OrderIntent, market: Market) -> str:
    """Say why an order is not signed; empty if it is.

    Args:
        intent: the order.
        market: its market as it is known now, with the price grid that holds now.
    """
    return _kind(intent) or _off_grid(intent, market) or _too_small(intent, market)


def _kind(intent: OrderIntent) -> str:
    if intent.time_in_force is TimeInForce.FAK and intent.action is Action.BUY:
        return "a fill-and-kill purchase is sized in money by the venue, and is not offered here"
    return ""


def _off_grid(intent: OrderIntent, market: Market) -> str:
    grid_ticks, price_ticks = market.tick_size_ticks, intent.price_ticks
    is_inside = grid_ticks <= price_ticks <= PAYOUT_TICKS - grid_ticks
    if is_inside and price_ticks % grid_ticks == 0:
        return ""
    return f"price {price_text(price_ticks)} breaks the minimum tick size {price_text(grid_ticks)}"


def _too_small(intent: OrderIntent, market: Market) -> str:
    units = offered_units(intent)
    if intent.time_in_force is TimeInForce.GTC and units < market.minimum_size_units:
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
