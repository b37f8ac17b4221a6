"""Safety, priority 3: a one-sided holding that has fallen too far stops the window."""

from __future__ import annotations

from actors.messages.strategy import StopLossTriggered
from actors.strategy.stage import StageInputs, Verdict, skip
from actors.units import price_label


def stop_loss(inputs: StageInputs) -> Verdict:
    """End, and tell the desk to stop, when only one side is held and its bid is below the stop."""
    held = inputs.position.held_sides
    if len(held) != 1:
        return skip(f"{len(held)} sides are held, it looks at one")
    side = held[0]
    bid_ticks = inputs.bid_ticks(side)
    stop_ticks = inputs.params.stop_loss_ticks
    bid, stop = price_label(bid_ticks), price_label(stop_ticks)
    if bid_ticks >= stop_ticks:
        return skip(f"{side.value} bid {bid} is not below stop_loss {stop}")
    return Verdict(
        reason=f"reached: {side.value} bid {bid} is below stop_loss {stop}",
        is_final=True,
        stop_loss=StopLossTriggered(
            market_id=inputs.market.market.market_id,
            side=side,
            best_bid_ticks=bid_ticks,
            held_units=inputs.position.quantity_units(side),
            on_stop_loss=inputs.params.on_stop_loss,
            position_version=inputs.position.position_version,
            tick_ns=inputs.market.tick_ns,
        ),
    )
