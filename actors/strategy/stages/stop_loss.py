"""Safety, priority 3: a one-sided holding that has fallen too far stops the window."""

from __future__ import annotations

from actors.messages.strategy import StopLossTriggered
from actors.strategy.scene import Scene, Verdict, pass_over
from actors.units import price_label


def stop_loss(scene: Scene) -> Verdict:
    """End, and tell the desk to stop, when only one side is held and its bid is below the stop."""
    held = scene.position.held_sides
    if len(held) != 1:
        return pass_over(f"{len(held)} sides are held, it looks at one")
    side = held[0]
    bid_ticks = scene.bid_ticks(side)
    stop_ticks = scene.params.stop_loss_ticks
    bid, stop = price_label(bid_ticks), price_label(stop_ticks)
    if bid_ticks >= stop_ticks:
        return pass_over(f"{side.value} bid {bid} is not below stop_loss {stop}")
    return Verdict(
        reason=f"reached: {side.value} bid {bid} is below stop_loss {stop}",
        is_final=True,
        stop_loss=StopLossTriggered(
            market_id=scene.market.market.market_id,
            side=side,
            best_bid_ticks=bid_ticks,
            held_units=scene.position.quantity_units(side),
            on_stop_loss=scene.params.on_stop_loss,
            position_version=scene.position.position_version,
            tick_ns=scene.market.tick_ns,
        ),
    )
