"""Priority 0: buy both sides when the pair costs less than it is certain to pay."""

from __future__ import annotations

from actors.model import Side
from actors.strategy.sizing import buy, smallest
from actors.strategy.stage import StageInputs, Verdict, skip
from actors.units import PAYOUT_TICKS, TICKS_PER_DOLLAR, price_label

PRIORITY = 0
_PAYOUT = price_label(PAYOUT_TICKS)

_FEE_SCALE = 10_000 * TICKS_PER_DOLLAR
"""Makes a fee per share, bps x ticks x (1000 - ticks), comparable with ticks."""


def arbitrage(inputs: StageInputs) -> Verdict:
    """Buy the same size of YES and NO if both asks and both taker fees stay below the payout."""
    position = inputs.position
    yes_ticks, no_ticks = inputs.ask_ticks(Side.YES), inputs.ask_ticks(Side.NO)
    if yes_ticks is None or no_ticks is None:
        return skip("not both sides have an ask")
    fee_scaled = _pair_fee_scaled(inputs, yes_ticks, no_ticks)
    fee_dollars = fee_scaled / _FEE_SCALE / TICKS_PER_DOLLAR
    yes, no = price_label(yes_ticks), price_label(no_ticks)
    priced = f"YES ask {yes} + NO ask {no} + fees {fee_dollars:.4f}"
    if (yes_ticks + no_ticks) * _FEE_SCALE + fee_scaled >= PAYOUT_TICKS * _FEE_SCALE:
        return skip(f"{priced} is not below {_PAYOUT}")
    if position.live_sides:
        return skip(f"{priced} is below {_PAYOUT}, but an order is live")
    if len(position.held_sides) == 2:
        return skip(f"{priced} is below {_PAYOUT}, but both sides are held already")
    size_units, limit_text = smallest(
        YES_ask=inputs.ask_units(Side.YES),
        NO_ask=inputs.ask_units(Side.NO),
        max_trade=inputs.max_trade_units,
    )
    return buy(
        inputs,
        Side.YES,
        Side.NO,
        size_units=size_units,
        limit_text=limit_text,
        priority=PRIORITY,
        reason=f"arbitrage: {priced} < {_PAYOUT}",
    )


def _pair_fee_scaled(inputs: StageInputs, *prices_ticks: int) -> int:
    """Return the taker fees of a pair, in ticks times ``_FEE_SCALE``: exact, so never too low."""
    if not inputs.params.arbitrage_fees:
        return 0
    rate_bps = inputs.market.market.fee_rate_bps
    return sum(rate_bps * price * (TICKS_PER_DOLLAR - price) for price in prices_ticks)
