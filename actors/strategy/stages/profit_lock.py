"""Safety, priority 3: a window that is already won is left alone."""

from __future__ import annotations

from actors.strategy.stage import StageInputs, Verdict, end, skip
from actors.units import NANOS_PER_DOLLAR, PAYOUT_TICKS


def profit_lock(inputs: StageInputs) -> Verdict:
    """End when both sides are held and the position gains whichever side wins.

    Pairs pay out in full; the excess of one side counts at its current bid.
    """
    position = inputs.position
    if len(position.held_sides) < 2:
        return skip("not both sides are held")
    pairs_units = min(position.yes.quantity_units, position.no.quantity_units)
    excess_bid_ticks = inputs.bid_ticks(position.heavy_side)
    profit_nanos = (
        pairs_units * PAYOUT_TICKS
        - position.cost_nanos
        - position.fees_nanos
        + position.imbalance_units * excess_bid_ticks
    )
    if profit_nanos > 0:
        return end(f"${profit_nanos / NANOS_PER_DOLLAR:,.2f} is locked in, whichever side wins")
    return skip(f"the worse side would bring {profit_nanos / NANOS_PER_DOLLAR:+,.2f}")
