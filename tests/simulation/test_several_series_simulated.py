"""Three series in one run, with everything that may go wrong."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from several_series import several

from actors.settings import (
    ExecutionSettings,
    RiskSettings,
    Settings,
    StrategySettings,
    SupervisionSettings,
)
from simulation.chance import dice
from simulation.plan import (
    HEARTBEAT_LIMIT_MS,
    LIVE,
    SIMULATED,
    FaultRates,
    SeedPlan,
    draw_live_plan,
    draw_plan,
)
from simulation.trial import Trial

THREE = ("btc-5m", "eth-5m", "btc-15m")
FIVE = (*THREE, "sol-5m", "eth-15m")
EAGER = Settings(
    strategy=StrategySettings(
        bootstrap_high_ticks=1000,
        bootstrap_low_ticks=1000,
        kill_zone_minutes=0,
        oracle_block_yes_ticks=0,
        oracle_block_no_ticks=1000,
    ),
    risk=RiskSettings(max_window_dollars=1_000_000),
    supervision=SupervisionSettings(heartbeat_limit_ms=HEARTBEAT_LIMIT_MS),
)


def three(base: Settings) -> Settings:
    roomy = attrs.evolve(base.execution, max_open_orders=20)
    return several(*THREE, base=attrs.evolve(base, execution=roomy))


@pytest.mark.parametrize(
    ("draw", "seed"),
    [
        (draw_plan, 11),  # a desk that restarts is told another series' window first
        (draw_plan, 13),
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


@pytest.mark.parametrize("mode", [SIMULATED, LIVE])
def test_a_restart_with_orders_out_in_five_windows_finds_them_all(mode: str) -> None:
    execution = ExecutionSettings(
        mode=mode, latency_ms=5_000, order_ttl_ms=30_000, max_open_orders=20, durability="full"
    )
    plan = SeedPlan(
        rates=FaultRates(),
        settings=several(*FIVE, base=attrs.evolve(EAGER, execution=execution)),
        torn_most=0,
        is_adverse=False,
        is_encoding=False,
    )
    trial = Trial(1, plan=plan)
    trial.exchange.begin()
    trial.machine.begin()

    def traded() -> dict[str, str]:
        """Series of every order that is not over, by its id."""
        orders = trial.referee.facts.orders  # another object once the journal was read anew
        return {
            order_id: fact.state.intent.market.series
            for order_id, fact in orders.items()
            if not fact.is_over
        }

    def run_until(holds: Callable[[], bool]) -> None:
        for _ in range(600):
            if holds():
                return
            trial.scheduler.run_until(trial.scheduler.now_ms + 100)
        pytest.fail(f"not within a minute: {traded()}")

    run_until(lambda: set(traded().values()) == set(FIVE))
    before = traded()
    trial.machine.machine_falls(0)
    run_until(lambda: not before.keys() & traded().keys())
    assert before.keys() <= trial.referee.facts.orders.keys()
    assert trial.machine.restarts == 1
