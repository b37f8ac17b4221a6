"""Plain sums over trades, and an independent version of the venue's formulas for fees and payouts.

Everything is in the exact units of ``actors.units``; a tick times a unit is a nanodollar.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import attrs

from actors.messages.position import PositionSnapshot
from actors.model import Action, FillDetail, Side

_TICKS, _UNITS, _BASIS_POINTS = 1_000, 1_000_000, 10_000
"""Ticks in a dollar, units in a share, basis points in the whole."""
_FEE_STEPS_A_DOLLAR, _FEE_STEP_NANOS = 10**5, 10**4


Part = tuple[Side, Action, FillDetail]
"""One order's part in a trade."""


@attrs.frozen(kw_only=True)
class Sums:
    """Sums over the trades in one window; unlike the ledger's, without the cost of a holding."""

    yes_units: int = 0
    no_units: int = 0
    flow_nanos: int = 0
    """Proceeds of sales minus the cost of purchases."""
    fees_nanos: int = 0

    @property
    def cash_nanos(self) -> int:
        """The change of the account's money."""
        return self.flow_nanos - self.fees_nanos

    def units(self, side: Side) -> int:
        """Return the shares of an outcome."""
        return self.yes_units if side is Side.YES else self.no_units

    def payout_nanos(self, winner: Side | None) -> int:
        """Return what the venue pays for these shares; half a dollar each in a void window."""
        if winner is None:
            return (self.yes_units + self.no_units) * _TICKS // 2
        return self.units(winner) * _TICKS

    def pnl_nanos(self, winner: Side | None) -> int:
        """Return the settled result."""
        return self.payout_nanos(winner) + self.cash_nanos

    def minus(self, other: Sums) -> dict[str, int]:
        """Return by how much each of the four exceeds that of another, by name."""
        return {
            "shares of YES": self.yes_units - other.yes_units,
            "shares of NO": self.no_units - other.no_units,
            "cost": other.flow_nanos - self.flow_nanos,
            "fees": self.fees_nanos - other.fees_nanos,
        }


def sums(parts: Iterable[Part]) -> Sums:
    """Add up the trades in one window, as simply as possible."""
    units = dict.fromkeys(Side, 0)
    flow_nanos = fees_nanos = 0
    for side, action, fill in parts:
        sign = 1 if action is Action.BUY else -1
        units[side] += sign * fill.size_units
        flow_nanos -= sign * fill.price_ticks * fill.size_units
        fees_nanos += fill.fee_nanos
    return Sums(
        yes_units=units[Side.YES],
        no_units=units[Side.NO],
        flow_nanos=flow_nanos,
        fees_nanos=fees_nanos,
    )


def told_by(position: PositionSnapshot) -> Sums:
    """Return the sums that a position claims for its fills.

    A sale removes its share of the cost, rounded; the total spent stays exact.
    """
    return Sums(
        yes_units=position.yes.quantity_units,
        no_units=position.no.quantity_units,
        flow_nanos=position.realized_nanos - position.yes.cost_nanos - position.no.cost_nanos,
        fees_nanos=position.fees_nanos,
    )


def paid_for_pairs_nanos(pairs_units: int) -> int:
    """Return what the venue pays for this many merged pairs."""
    return pairs_units * _TICKS


def due_fee_nanos(price_ticks: int, size_units: int, fee_rate_bps: int) -> int:
    """Return a taker's fee: shares x rate x p x (1 - p) dollars, truncated to five decimals.

    Source: Polymarket documentation, fees, and settlements seen on the chain.
    """
    price = Fraction(price_ticks, _TICKS)
    rate, shares = Fraction(fee_rate_bps, _BASIS_POINTS), Fraction(size_units, _UNITS)
    return math.floor(shares * rate * price * (1 - price) * _FEE_STEPS_A_DOLLAR) * _FEE_STEP_NANOS
