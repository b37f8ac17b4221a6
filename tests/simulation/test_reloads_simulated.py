"""Settings that change again and again while everything falls and words are lost."""

from __future__ import annotations

import attrs

from simulation.chance import dice
from simulation.plan import draw_plan
from simulation.trial import Trial

SEED = 13
"""One in which orders live at some of the reloads."""
RELOADS = 6
EVERY_MS = 30_000


def test_reloads_under_faults_break_no_invariant_and_reach_every_actor_in_the_end() -> None:
    plan = draw_plan(dice(SEED, "plan"))
    rates = attrs.evolve(plan.rates, control_loss=0.1, falls=2.0, supervisor_falls=0.2)
    trial = Trial(SEED, minutes=4, plan=attrs.evolve(plan, rates=rates))
    settings = trial.context.settings
    for number in range(1, RELOADS + 1):
        strategy = attrs.evolve(settings.strategy, max_trade_shares=10 * number)
        changed = attrs.evolve(settings, strategy=strategy, number=number)
        trial.scheduler.after(number * EVERY_MS, trial.machine.reload, changed)
    failure = trial.run().failure
    assert failure is None, failure.text
    cores = [
        host.core
        for process in trial.machine.processes()
        for actor in process.actors
        if (host := process.host_of(actor.role)) is not None and host.core is not None
    ]
    assert {core.settings.number for core in cores} == {RELOADS}
    numbers = {fact.state.intent.settings_number for fact in trial.referee.facts.orders.values()}
    assert len(numbers) > 1
