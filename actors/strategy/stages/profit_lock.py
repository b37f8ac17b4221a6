"""Safety, priority 3: a window that is already won is left alone."""

from __future__ import annotations

from actors.strategy.scene import Scene, Verdict, end, pass_over
from actors.units import NANOS_PER_DOLLAR, PAYOUT_TICKS


def profit_lock(scene: Scene) -> Verdict:
    """End when both sides are held and the position gains whichever side wins.

    Pairs pay out in full; the excess of one side counts at its current bid.
    """
    position = scene.position
    if len(position.held_sides) < 2:
        return pass_over("not both sides are held")
    pairs_units = min(position.yes.quantity_units, position.no.quantity_units)
    excess_bid_ticks = scene.bid_ticks(position.heavy_side)
    profit_nanos = (
        pairs_units * PAYOUT_TICKS
        - position.cost_nanos
        - position.fees_nanos
        + position.imbalance_units * excess_bid_ticks
    )
    if profit_nanos > 0:
        return end(f"${profit_nanos / NANOS_PER_DOLLAR:,.2f} is locked in, whichever side wins")
    return pass_over(f"the worse side would bring {profit_nanos / NANOS_PER_DOLLAR:+,.2f}")
