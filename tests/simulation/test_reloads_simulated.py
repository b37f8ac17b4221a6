"""Settings that change again and again while everything falls and words are lost."""

from __future__ import annotations

import attrs
import pytest
from several_series import several
from test_kinds_of_orders_under_faults import EVERY_KIND
from test_kinds_of_orders_under_faults import strategy as strategy_of

from actors.roles import base_role, is_of_series
from actors.supervision.layouts import LAYOUTS
from simulation.chance import dice
from simulation.plan import draw_plan
from simulation.trial import Trial

SEED = 13
"""One in which orders live at some of the reloads."""
RELOADS = 6
OTHERS = {3, 4}
"""Settings by whose numbers another strategy decides."""
EVERY_MS = 30_000


def test_reloads_under_faults_break_no_invariant_and_reach_every_actor_in_the_end() -> None:
    plan = draw_plan(dice(SEED, "plan"))
    rates = attrs.evolve(plan.rates, control_loss=0.1, falls=2.0, supervisor_falls=0.2)
    trial = Trial(SEED, minutes=4, plan=attrs.evolve(plan, rates=rates))
    settings = trial.context.settings
    other = strategy_of(f"{EVERY_KIND}:EveryKind")
    for number in range(1, RELOADS + 1):
        base = other if number in OTHERS else settings.strategy
        strategy = attrs.evolve(base, max_trade_shares=10 * number)
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
    intents = [fact.state.intent for fact in trial.referee.facts.orders.values()]
    assert len({intent.settings_number for intent in intents}) > 1
    by_other = {
        intent.settings_number for intent in intents if intent.reason.startswith(("BUY", "SELL"))
    }
    assert by_other
    assert by_other <= OTHERS, "another strategy decides, and only while it is in force"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_series_are_added_and_dropped_under_faults_and_only_what_is_traded_lives_on(
    layout: str,
) -> None:
    plan = draw_plan(dice(SEED, "plan"))
    rates = attrs.evolve(plan.rates, control_loss=0.1, falls=2.0, supervisor_falls=0.2)
    roomy = attrs.evolve(plan.settings.execution, max_open_orders=20)
    base = attrs.evolve(plan.settings, execution=roomy)
    three = several("btc-5m", "eth-5m", "sol-5m", base=base)
    trial = Trial(
        SEED, minutes=4, layout=layout, plan=attrs.evolve(plan, rates=rates, settings=three)
    )
    btc, eth, sol = three.traded
    trial.context.settings = attrs.evolve(three, traded=(), number=1)
    ending = attrs.evolve(btc, is_ending=True)
    changes = ((btc, eth), (btc, eth, sol), (ending, eth, sol), (eth, sol))
    for number, plans in enumerate(changes, 2):
        changed = attrs.evolve(three.trading(plans), number=number)
        trial.scheduler.after((number - 1) * 45_000, trial.machine.reload, changed)
    trial.plan = attrs.evolve(
        trial.plan, settings=attrs.evolve(three.trading((eth, sol)), number=5)
    )
    failure = trial.run().failure
    assert failure is None, failure.text
    roles = [actor.role for actor in trial.machine.actors()]
    own = {role for role in roles if is_of_series(base_role(role))}
    assert own == {
        f"{kind}/{name}"
        for kind in ("directory", "market-state", "strategy")
        for name in ("eth-5m", "sol-5m")
    }
    traded = {fact.state.intent.market.series for fact in trial.referee.facts.orders.values()}
    assert {"eth-5m", "sol-5m"} <= traded
