"""Three series in one run, with everything that may go wrong."""

from __future__ import annotations

import attrs
import pytest
from several_series import several

from actors.settings import Settings
from simulation.chance import dice
from simulation.plan import draw_live_plan, draw_plan
from simulation.trial import Trial

THREE = ("btc-5m", "eth-5m", "btc-15m")


def three(base: Settings) -> Settings:
    roomy = attrs.evolve(base.execution, max_open_orders=20)
    return several(*THREE, base=attrs.evolve(base, execution=roomy))


@pytest.mark.parametrize(
    ("draw", "seed"),
    [
        (draw_plan, 3),
        (draw_plan, 11),  # a desk that restarts is told another series' window first
        (draw_plan, 13),
        (draw_live_plan, 3),
        (draw_live_plan, 6),
    ],
)
def test_every_invariant_holds_in_each_of_three_series(draw: object, seed: int) -> None:
    drawn = draw(dice(seed, "plan"))  # type: ignore[operator]  # one of the two above
    trial = Trial(seed, minutes=3, plan=attrs.evolve(drawn, settings=three(drawn.settings)))
    failure = trial.run().failure
    assert failure is None, failure.text
    traded = {fact.state.intent.market.series for fact in trial.referee.facts.orders.values()}
    assert traded == set(THREE)
