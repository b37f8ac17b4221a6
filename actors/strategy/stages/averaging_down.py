"""Inventory, priority 2: more of a held side that has become cheaper, within the balance."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.scene import Scene, Verdict, pass_over
from actors.strategy.sizing import buy, smallest
from actors.units import average_label, price_label

PRIORITY = 2


def averaging_down(scene: Scene) -> Verdict:
    """Buy a held side below its average cost, checking YES first.

    An ask below ``floor`` ends the stage: the side is not cheap any more, it is losing. Any other
    objection concerns one side only, and the other is still checked.
    """
    position = scene.position
    if not position.held_sides:
        return pass_over("nothing is held")
    for side in Side:
        if scene.is_full(side):
            return pass_over(f"{side.value} is at max_shares {scene.params.max_shares}")
    objections = []
    for side in position.held_sides:
        ask_ticks = scene.ask_ticks(side)
        if ask_ticks is None or not _is_below_average(scene, side, ask_ticks):
            objections.append(
                f"{side.value} ask {price_label(ask_ticks)} is not below {_average(scene, side)}"
                if ask_ticks is not None
                else f"no one sells {side.value}"
            )
            continue
        if ask_ticks < scene.params.floor_ticks:
            return pass_over(
                f"{side.value} ask {price_label(ask_ticks)} is below "
                f"floor {price_label(scene.params.floor_ticks)}"
            )
        if side in position.live_sides:
            objections.append(f"an order is live on {side.value}")
            continue
        verdict = _buy_more(scene, side, ask_ticks)
        if verdict.signals:
            return verdict
        objections.append(verdict.reason)
    return pass_over("; ".join(objections))


def _buy_more(scene: Scene, side: Side, ask_ticks: int) -> Verdict:
    position = scene.position
    limit_units = (
        position.quantity_units(side.other)
        + scene.balance_pad_units
        - position.quantity_units(side)
    )
    if limit_units <= 0:
        return pass_over(f"more {side.value} would go beyond the balance pad")
    size_units, limit_text = smallest(
        ask=scene.ask_units(side), balance_limit=limit_units, max_trade=scene.max_trade_units
    )
    return buy(
        scene,
        side,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"averaging down: {side.value} ask {price_label(ask_ticks)} < "
        f"{_average(scene, side)}",
    )


def _is_below_average(scene: Scene, side: Side, ask_ticks: int) -> bool:
    holding = scene.position.holding(side)
    return ask_ticks * holding.quantity_units < holding.cost_nanos


def _average(scene: Scene, side: Side) -> str:
    holding = scene.position.holding(side)
    return f"average {average_label(holding.cost_nanos, holding.quantity_units)}"
