"""Inventory, priority 2: buy the light side while the pair is still cheap enough."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.sizing import buy, smallest
from actors.strategy.stage import StageInputs, Verdict, skip
from actors.units import average_label, price_label, size_text

PRIORITY = 2


def hedging(inputs: StageInputs) -> Verdict:
    """Buy the light side if its ask is below ``target_pair`` minus the heavy side's average."""
    position = inputs.position
    if position.imbalance_units <= inputs.balance_pad_units:
        return skip(
            f"imbalance {size_text(position.imbalance_units)} is within "
            f"balance_pad {inputs.params.balance_pad_shares}"
        )
    heavy = position.holding(position.heavy_side)
    light_side = position.heavy_side.other
    ask_ticks = inputs.ask_ticks(light_side)
    if ask_ticks is None:
        return skip(f"no one sells {light_side.value}")
    target_ticks = inputs.params.target_pair_ticks
    priced = (
        f"{light_side.value} ask {price_label(ask_ticks)}, "
        f"target_pair {price_label(target_ticks)} - average "
        f"{average_label(heavy.cost_nanos, heavy.quantity_units)} of {position.heavy_side.value}"
    )
    # ask < target - C / Q, multiplied by Q to stay exact
    if ask_ticks * heavy.quantity_units >= target_ticks * heavy.quantity_units - heavy.cost_nanos:
        return skip(f"too dear: {priced}")
    if light_side in position.live_sides:
        return skip(f"an order is live on {light_side.value}")
    if inputs.is_full(Side.YES) and inputs.is_full(Side.NO):
        return skip(f"both sides are at max_shares {inputs.params.max_shares}")
    size_units, limit_text = smallest(
        ask=inputs.ask_units(light_side),
        max_trade=inputs.max_trade_units,
        room_to_max_shares=inputs.max_shares_units - position.quantity_units(light_side),
        imbalance=position.imbalance_units,
    )
    return buy(
        inputs,
        light_side,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"hedging: {priced}",
    )
