"""Inventory, priority 2: the first purchase of a window, of a side that is cheap."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.sizing import buy, smallest
from actors.strategy.stage import MS_PER_MINUTE, StageInputs, Verdict, skip
from actors.units import price_label

PRIORITY = 2
SOMETHING_IS_HELD = "something is held already"

_LENGTH_MINUTES = 15
"""Window length for which these two limits are meant."""
_HIGH_ZONE_MINUTES = 5
_KILL_ZONE_MINUTES = 2


def bootstrap(inputs: StageInputs) -> Verdict:
    """Buy the cheaper side if it is below the limit of the window's current time zone."""
    if inputs.position.held_sides:
        return skip(SOMETHING_IS_HELD)
    side = _cheaper_side(inputs)
    ask_ticks = inputs.ask_ticks(side)
    if ask_ticks is None:
        return skip("no one sells either side")
    zone = _zone(inputs)
    if zone is None:
        return skip(f"kill zone: {inputs.left_text}")
    limit_name, limit_ticks = zone
    if ask_ticks >= limit_ticks:
        return skip(
            f"{side.value} ask {price_label(ask_ticks)} is not below the limit of "
            f"{price_label(limit_ticks)} ({limit_name}) with {inputs.left_text}"
        )
    if side in inputs.position.live_sides:
        return skip(f"an order is live on {side.value}")
    size_units, limit_text = smallest(ask=inputs.ask_units(side), max_trade=inputs.max_trade_units)
    return buy(
        inputs,
        side,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"bootstrap: {side.value} ask {price_label(ask_ticks)} < "
        f"{limit_name} {price_label(limit_ticks)} with {inputs.left_text}",
    )


def _cheaper_side(inputs: StageInputs) -> Side:
    """Return the side with the lower ask: YES if equal, and the only one if one has none."""
    yes_ticks, no_ticks = inputs.ask_ticks(Side.YES), inputs.ask_ticks(Side.NO)
    if no_ticks is None or (yes_ticks is not None and yes_ticks <= no_ticks):
        return Side.YES
    return Side.NO


def _zone(inputs: StageInputs) -> tuple[str, int] | None:
    """Return name and value of the price limit that applies now; None in the kill zone."""
    params = inputs.params
    if inputs.left_ms <= _zone_ms(inputs, params.kill_zone_minutes, _KILL_ZONE_MINUTES):
        return None
    if inputs.left_ms > _zone_ms(inputs, params.high_zone_minutes, _HIGH_ZONE_MINUTES):
        return "bootstrap_high", params.bootstrap_high_ticks
    return "bootstrap_low", params.bootstrap_low_ticks


def _zone_ms(inputs: StageInputs, set_minutes: float | None, default_minutes: int) -> int:
    """Return a zone's limit: as set, or else the default in proportion to the window's length."""
    if set_minutes is not None:
        return round(set_minutes * MS_PER_MINUTE)
    return inputs.window_ms * default_minutes // _LENGTH_MINUTES
