"""Turns a stage's intended purchase into signals that the venue accepts, or a reason why not."""

from __future__ import annotations

from actors.messages.strategy import TradeSignal
from actors.model import Side
from actors.strategy.stage import StageInputs, Verdict, skip
from actors.units import dollars_text, size_text

SIZE_STEP_UNITS = 10_000
"""The venue accepts order sizes of two decimals: hundredths of a share."""


def buy(
    inputs: StageInputs, *sides: Side, size_units: int, limit_text: str, priority: int, reason: str
) -> Verdict:
    """Buy the same size of each side at its best ask.

    The size is rounded down to the venue's step. If any leg is then below the market's minimum,
    nothing is bought: nothing is rounded up, and a pair is never halved.

    Args:
        inputs: the evaluation.
        sides: what to buy; each has an ask.
        size_units: the size before rounding.
        limit_text: the origin of the size, for the reason.
        priority: the signals' priority.
        reason: the sentence that says why, without the size.
    """
    size_units -= size_units % SIZE_STEP_UNITS
    signals = []
    for side in sides:
        price_ticks = inputs.ask_ticks(side)
        if price_ticks is None:
            return skip(f"no one sells {side.value}")
        objection = _below_minimum(inputs, price_ticks, size_units)
        if objection:
            return skip(f"{reason}; but the {side.value} order is too small: {objection}")
        signals.append(
            TradeSignal(
                side=side,
                price_ticks=price_ticks,
                size_units=size_units,
                priority=priority,
                reason=f"{reason}; size {size_text(size_units)} = {limit_text}",
                best_bid_ticks=inputs.market.book(side).best_bid_ticks,
                best_ask_ticks=price_ticks,
            )
        )
    return Verdict(signals=tuple(signals))


def smallest(**limits_units: int) -> tuple[int, str]:
    """Return the smallest of some named limits, and a text that shows all of them."""
    shown = ", ".join(
        f"{name.replace('_', ' ')} {size_text(units)}" for name, units in limits_units.items()
    )
    return min(limits_units.values()), f"the least of {shown}"


def _below_minimum(inputs: StageInputs, price_ticks: int, size_units: int) -> str:
    market = inputs.market.market
    if size_units <= 0:
        return f"less than the {size_text(SIZE_STEP_UNITS)} shares that the venue can express"
    if size_units < market.minimum_size_units:
        least = size_text(market.minimum_size_units)
        return f"{size_text(size_units)} shares, the market's minimum is {least}"
    notional_nanos = price_ticks * size_units
    if notional_nanos < market.minimum_notional_nanos:
        least = dollars_text(market.minimum_notional_nanos)
        return f"${dollars_text(notional_nanos)}, the market's minimum is ${least}"
    return ""
