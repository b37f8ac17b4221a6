"""The maker, whose orders rest, are cancelled and replaced, under every fault there is."""

from __future__ import annotations

import attrs
import pytest

from simulation.chance import dice
from simulation.plan import LIVE, SIMULATED, draw_live_plan, draw_plan
from simulation.trial import Trial

DRAW = {SIMULATED: draw_plan, LIVE: draw_live_plan}


@pytest.mark.parametrize(("mode", "seed"), [(SIMULATED, 1), (LIVE, 2)])
def test_quotes_that_are_cancelled_and_replaced_keep_every_invariant(mode: str, seed: int) -> None:
    plan = DRAW[mode](dice(seed, "plan"))
    strategy = attrs.evolve(plan.settings.strategy, use="maker")
    plan = attrs.evolve(plan, settings=attrs.evolve(plan.settings, strategy=strategy))
    result = Trial(seed, minutes=6, mode=mode, plan=plan).run()
    assert result.failure is None
    assert result.order_count > 10
