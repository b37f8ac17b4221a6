"""Inventory, priority 2: the first purchase of a window, of a side that is cheap."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.scene import MS_PER_MINUTE, Scene, Verdict, pass_over
from actors.strategy.sizing import buy, smallest
from actors.units import price_label

PRIORITY = 2
SOMETHING_IS_HELD = "something is held already"

_LENGTH_MINUTES = 15
"""Window length for which these two limits are meant."""
_HIGH_ZONE_MINUTES = 5
_KILL_ZONE_MINUTES = 2


def bootstrap(scene: Scene) -> Verdict:
    """Buy the cheaper side if it is below the limit of the window's current time zone."""
    if scene.position.held_sides:
        return pass_over(SOMETHING_IS_HELD)
    side = _cheaper_side(scene)
    ask_ticks = scene.ask_ticks(side)
    if ask_ticks is None:
        return pass_over("no one sells either side")
    zone = _zone(scene)
    if zone is None:
        return pass_over(f"kill zone: {scene.left_text}")
    limit_name, limit_ticks = zone
    if ask_ticks >= limit_ticks:
        return pass_over(
            f"{side.value} ask {price_label(ask_ticks)} is not below the limit of "
            f"{price_label(limit_ticks)} ({limit_name}) with {scene.left_text}"
        )
    if side in scene.position.live_sides:
        return pass_over(f"an order is live on {side.value}")
    size_units, limit_text = smallest(ask=scene.ask_units(side), max_trade=scene.max_trade_units)
    return buy(
        scene,
        side,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"bootstrap: {side.value} ask {price_label(ask_ticks)} < "
        f"{limit_name} {price_label(limit_ticks)} with {scene.left_text}",
    )


def _cheaper_side(scene: Scene) -> Side:
    """Return the side with the lower ask: YES if equal, and the only one if one has none."""
    yes_ticks, no_ticks = scene.ask_ticks(Side.YES), scene.ask_ticks(Side.NO)
    if no_ticks is None or (yes_ticks is not None and yes_ticks <= no_ticks):
        return Side.YES
    return Side.NO


def _zone(scene: Scene) -> tuple[str, int] | None:
    """Return name and value of the price limit that applies now; None in the kill zone."""
    params = scene.params
    if scene.left_ms <= _zone_ms(scene, params.kill_zone_minutes, _KILL_ZONE_MINUTES):
        return None
    if scene.left_ms > _zone_ms(scene, params.high_zone_minutes, _HIGH_ZONE_MINUTES):
        return "bootstrap_high", params.bootstrap_high_ticks
    return "bootstrap_low", params.bootstrap_low_ticks


def _zone_ms(scene: Scene, set_minutes: float | None, default_minutes: int) -> int:
    """Return a zone's limit: as set, or else the default in proportion to the window's length."""
    if set_minutes is not None:
        return round(set_minutes * MS_PER_MINUTE)
    return scene.window_ms * default_minutes // _LENGTH_MINUTES
