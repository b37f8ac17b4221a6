"""Priority 0: buy both sides when the pair costs less than it is certain to pay."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.scene import Scene, Verdict, pass_over
from actors.strategy.sizing import buy, smallest
from actors.units import PAYOUT_TICKS, TICKS_PER_DOLLAR, price_label

PRIORITY = 0
_PAYOUT = price_label(PAYOUT_TICKS)

_FEE_SCALE = 10_000 * TICKS_PER_DOLLAR
"""Makes a fee per share, bps x ticks x (1000 - ticks), comparable with ticks."""


def arbitrage(scene: Scene) -> Verdict:
    """Buy the same size of YES and NO if both asks and both taker fees stay below the payout."""
    position = scene.position
    yes_ticks, no_ticks = scene.ask_ticks(Side.YES), scene.ask_ticks(Side.NO)
    if yes_ticks is None or no_ticks is None:
        return pass_over("not both sides have an ask")
    fee_scaled = _pair_fee_scaled(scene, yes_ticks, no_ticks)
    fee_dollars = fee_scaled / _FEE_SCALE / TICKS_PER_DOLLAR
    yes, no = price_label(yes_ticks), price_label(no_ticks)
    priced = f"YES ask {yes} + NO ask {no} + fees {fee_dollars:.4f}"
    if (yes_ticks + no_ticks) * _FEE_SCALE + fee_scaled >= PAYOUT_TICKS * _FEE_SCALE:
        return pass_over(f"{priced} is not below {_PAYOUT}")
    if position.live_sides:
        return pass_over(f"{priced} is below {_PAYOUT}, but an order is live")
    if len(position.held_sides) == 2:
        return pass_over(f"{priced} is below {_PAYOUT}, but both sides are held already")
    size_units, limit_text = smallest(
        YES_ask=scene.ask_units(Side.YES),
        NO_ask=scene.ask_units(Side.NO),
        max_trade=scene.max_trade_units,
    )
    return buy(
        scene,
        Side.YES,
        Side.NO,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"arbitrage: {priced} < {_PAYOUT}",
    )


def _pair_fee_scaled(scene: Scene, *prices_ticks: int) -> int:
    """Return the taker fees of a pair, in ticks times ``_FEE_SCALE``: exact, so never too low."""
    if not scene.params.arbitrage_fees:
        return 0
    rate_bps = scene.market.market.fee_rate_bps
    return sum(rate_bps * price * (TICKS_PER_DOLLAR - price) for price in prices_ticks)
