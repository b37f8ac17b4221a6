"""Inventory, priority 2: more of a held side that has become cheaper, within the balance."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.sizing import buy, smallest
from actors.strategy.stage import StageInputs, Verdict, skip
from actors.units import average_label, price_label

PRIORITY = 2


def averaging_down(inputs: StageInputs) -> Verdict:
    """Buy a held side below its average cost, checking YES first.

    An ask below ``floor`` ends the stage: the side is not cheap any more, it is losing. Any other
    objection concerns one side only, and the other is still checked.
    """
    position = inputs.position
    if not position.held_sides:
        return skip("nothing is held")
    for side in Side:
        if inputs.is_full(side):
            return skip(f"{side.value} is at max_shares {inputs.params.max_shares}")
    objections = []
    for side in position.held_sides:
        ask_ticks = inputs.ask_ticks(side)
        if ask_ticks is None or not _is_below_average(inputs, side, ask_ticks):
            objections.append(
                f"{side.value} ask {price_label(ask_ticks)} is not below {_average(inputs, side)}"
                if ask_ticks is not None
                else f"no one sells {side.value}"
            )
            continue
        if ask_ticks < inputs.params.floor_ticks:
            return skip(
                f"{side.value} ask {price_label(ask_ticks)} is below "
                f"floor {price_label(inputs.params.floor_ticks)}"
            )
        if side in position.live_sides:
            objections.append(f"an order is live on {side.value}")
            continue
        verdict = _buy_more(inputs, side, ask_ticks)
        if verdict.signals:
            return verdict
        objections.append(verdict.reason)
    return skip("; ".join(objections))


def _buy_more(inputs: StageInputs, side: Side, ask_ticks: int) -> Verdict:
    position = inputs.position
    limit_units = (
        position.quantity_units(side.other)
        + inputs.balance_pad_units
        - position.quantity_units(side)
    )
    if limit_units <= 0:
        return skip(f"more {side.value} would go beyond the balance pad")
    size_units, limit_text = smallest(
        ask=inputs.ask_units(side), balance_limit=limit_units, max_trade=inputs.max_trade_units
    )
    return buy(
        inputs,
        side,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"averaging down: {side.value} ask {price_label(ask_ticks)} < "
        f"{_average(inputs, side)}",
    )


def _is_below_average(inputs: StageInputs, side: Side, ask_ticks: int) -> bool:
    holding = inputs.position.holding(side)
    return ask_ticks * holding.quantity_units < holding.cost_nanos


def _average(inputs: StageInputs, side: Side) -> str:
    holding = inputs.position.holding(side)
    return f"average {average_label(holding.cost_nanos, holding.quantity_units)}"
