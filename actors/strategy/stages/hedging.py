"""Inventory, priority 2: buy the light side while the pair is still cheap enough."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.scene import Scene, Verdict, pass_over
from actors.strategy.sizing import buy, smallest
from actors.units import average_label, price_label, size_text

PRIORITY = 2


def hedging(scene: Scene) -> Verdict:
    """Buy the light side if its ask is below ``target_pair`` minus the heavy side's average."""
    position = scene.position
    if position.imbalance_units <= scene.balance_pad_units:
        return pass_over(
            f"imbalance {size_text(position.imbalance_units)} is within "
            f"balance_pad {scene.params.balance_pad_shares}"
        )
    heavy = position.holding(position.heavy_side)
    light_side = position.heavy_side.other
    ask_ticks = scene.ask_ticks(light_side)
    if ask_ticks is None:
        return pass_over(f"no one sells {light_side.value}")
    target_ticks = scene.params.target_pair_ticks
    priced = (
        f"{light_side.value} ask {price_label(ask_ticks)}, "
        f"target_pair {price_label(target_ticks)} - average "
        f"{average_label(heavy.cost_nanos, heavy.quantity_units)} of {position.heavy_side.value}"
    )
    # ask < target - C / Q, multiplied by Q to stay exact
    if ask_ticks * heavy.quantity_units >= target_ticks * heavy.quantity_units - heavy.cost_nanos:
        return pass_over(f"too dear: {priced}")
    if light_side in position.live_sides:
        return pass_over(f"an order is live on {light_side.value}")
    if scene.is_full(Side.YES) and scene.is_full(Side.NO):
        return pass_over(f"both sides are at max_shares {scene.params.max_shares}")
    size_units, limit_text = smallest(
        ask=scene.ask_units(light_side),
        max_trade=scene.max_trade_units,
        room_to_max_shares=scene.max_shares_units - position.quantity_units(light_side),
        imbalance=position.imbalance_units,
    )
    return buy(
        scene,
        light_side,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"hedging: {priced}",
    )
