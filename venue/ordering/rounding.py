"""A trade that brings a little more or less than an order had left, as rounding does."""

from __future__ import annotations

import attrs

from venue.engine import Ledger
from venue.engine.accounts import Leg
from venue.engine.fees import fee_nanos
from venue.engine.messages import MakerFill, MarketRules, Traded


def size_in(traded: Traded, order_id: str) -> int:
    """How much of a trade is an order's, in units."""
    if traded.taker_order_id == order_id:
        return traded.size_units
    return sum(fill.size_units for fill in traded.maker_fills if fill.order_id == order_id)


def resized(
    ledger: Ledger, rules: MarketRules, traded: Traded, order_id: str, change_units: int
) -> Traded | None:
    """Let an order have traded more or less with a simulated trader, with all that this moves.

    Args:
        ledger: carries the change out.
        rules: of the market.
        traded: what was matched; it is carried out already.
        order_id: whose part changes.
        change_units: by how much; negative to make it smaller.

    Returns:
        The trade as it is now; None, and nothing has moved, if the order's owner cannot afford
        it or has met no simulated trader.
    """
    maker = counterpart(ledger, traded, order_id)
    if maker is None or maker.size_units + change_units <= 0:
        return None
    size_units = traded.size_units + change_units
    is_taker = traded.taker_order_id == order_id
    fee_change_nanos = _fee_change_nanos(rules, traded, size_units) if is_taker else 0
    sign = 1 if change_units > 0 else -1
    taker_leg = Leg(
        traded.taker_owner, traded.outcome, traded.is_buy is (sign > 0), traded.price_ticks
    )
    maker_leg = Leg(maker.owner, maker.outcome, maker.is_buy is (sign > 0), maker.price_ticks)
    own_leg = taker_leg if is_taker else maker_leg
    if not _affords(ledger, rules.market_id, own_leg, abs(change_units), fee_change_nanos):
        return None
    ledger.settle(rules.market_id, abs(change_units), taker_leg, maker_leg)
    if fee_change_nanos > 0:
        fee_change_nanos = ledger.charge_fee(traded.taker_owner, fee_change_nanos)
    else:
        ledger.refund_fee(traded.taker_owner, -fee_change_nanos)
    return attrs.evolve(
        traded,
        size_units=size_units,
        fee_nanos=traded.fee_nanos + fee_change_nanos,
        maker_fills=tuple(
            attrs.evolve(fill, size_units=fill.size_units + change_units) if fill is maker else fill
            for fill in traded.maker_fills
        ),
    )


def _fee_change_nanos(rules: MarketRules, traded: Traded, size_units: int) -> int:
    """What a client's fee changes by; that of a simulated taker is nobody's business."""
    due_nanos = fee_nanos(traded.price_ticks, size_units, rules.fee_rate_bps)
    return due_nanos - traded.fee_nanos


def counterpart(ledger: Ledger, traded: Traded, order_id: str) -> MakerFill | None:
    """Find the maker's part that would change with an order's: its own, or a simulated trader's.

    None if the order has met no simulated trader in this trade: two clients trade exactly.
    """
    if traded.taker_order_id == order_id:
        fills = [fill for fill in traded.maker_fills if ledger.account(fill.owner).is_unlimited]
    elif ledger.account(traded.taker_owner).is_unlimited:
        fills = [fill for fill in traded.maker_fills if fill.order_id == order_id]
    else:
        fills = []
    return fills[-1] if fills else None


def _affords(ledger: Ledger, market_id: str, leg: Leg, size_units: int, fee_nanos: int) -> bool:
    """Whether an owner has so much that no open order holds back."""
    if leg.is_buy:
        cost_nanos = leg.price_ticks * size_units + fee_nanos
        return cost_nanos <= ledger.account(leg.owner).free_nanos
    return size_units <= ledger.free_shares_units(leg.owner, market_id, leg.outcome)
