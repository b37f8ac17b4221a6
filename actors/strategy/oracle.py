"""The oracle: the fair value of YES given the underlying's price; the only place with floats.

Two models, both in ticks and clamped to 10..990:

* ``linear``: 500 + (reference - strike) / (base_sense x (1 + T / window));
* ``diffusion``: 1000 x Phi((reference - strike) / (sigma x sqrt(T))), the textbook value of a
  digital option without drift, sigma being the reference's own volatility.
"""

from __future__ import annotations

import math

from actors.strategy.stage import MS_PER_MINUTE, StageInputs
from actors.units import E18, PAYOUT_TICKS

LOWEST_TICKS = 10.0
HIGHEST_TICKS = 990.0


def fair_value_ticks(inputs: StageInputs) -> tuple[float | None, str]:
    """Return the model's value of YES and the numbers behind it; None, and why, without a model.

    There is none when the window's time has ended, without a reference price younger than
    ``max_reference_age_ms``, without a strike whose source is proven, or, for ``diffusion``, before
    the volatility is known.
    """
    market = inputs.market
    is_over = inputs.left_ms <= 0 if inputs.params.oracle == "diffusion" else inputs.left_ms < 0
    if is_over:
        return None, "the window's time is over"
    if market.reference_e18 is None:
        return None, "no reference price"
    age_ms = market.taken_at_ms - market.reference_at_ms
    if age_ms >= inputs.params.max_reference_age_ms:
        limit_ms = inputs.params.max_reference_age_ms
        return None, f"reference is {age_ms} ms old, max_reference_age_ms {limit_ms}"
    if market.strike is None or not market.strike.source:
        return None, "no strike from a proven source"
    ahead_e18 = market.reference_e18 - market.strike.price_e18
    numbers = f"{inputs.params.oracle}: reference - strike = ${ahead_e18 / E18:.2f}"
    if inputs.params.oracle == "linear":
        return _clamped(_linear(inputs, ahead_e18)), f"{numbers}, {inputs.left_text}"
    if not inputs.sigma_dollars:
        return None, "the reference price's volatility is not known yet"
    sigma_text = f"sigma ${inputs.sigma_dollars:.2f} a root minute"
    value = _diffusion(inputs, ahead_e18, inputs.sigma_dollars)
    return _clamped(value), f"{numbers}, {sigma_text}, {inputs.left_text}"


def _linear(inputs: StageInputs, ahead_e18: int) -> float:
    # (1 + T / window) is multiplied out in whole ms, so that round cases are exact
    spread = E18 * (inputs.window_ms + inputs.left_ms)
    return 500 + ahead_e18 * inputs.window_ms / spread / inputs.params.base_sense_dollars


def _diffusion(inputs: StageInputs, ahead_e18: int, sigma_dollars: float) -> float:
    expected_move = sigma_dollars * math.sqrt(inputs.left_ms / MS_PER_MINUTE)
    deviations = ahead_e18 / E18 / expected_move
    return PAYOUT_TICKS * 0.5 * (1.0 + math.erf(deviations / math.sqrt(2.0)))


def _clamped(value_ticks: float) -> float:
    return min(HIGHEST_TICKS, max(LOWEST_TICKS, value_ticks))
