"""What the simulation found once and what was mended since: each in the run that showed it."""

from __future__ import annotations

import attrs
import pytest
from trial_plans import SETTINGS, plan

from actors.core import Core, Effects
from actors.messages.lifecycle import Recalled
from actors.position.core import PositionCore
from actors.roles import EXECUTOR, POSITION
from actors.settings import Settings
from simulation.actor_table import ActorTable
from simulation.adverse_executor import AdverseExecutorCore
from simulation.trial import Trial


def strategy(**values: object) -> Settings:
    return attrs.evolve(SETTINGS, strategy=attrs.evolve(SETTINGS.strategy, **values))


SELLS_EARLY = strategy(
    on_stop_loss="exit",
    stop_loss_ticks=400,
    bootstrap_high_ticks=650,
    bootstrap_low_ticks=500,
)


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_a_word_to_or_from_the_supervisor_that_is_lost_once_is_said_again(seed: int) -> None:
    trial = Trial(seed, minutes=5, plan=plan(control_loss=0.1, falls=2.0, hangs=1.0))
    result = trial.run()
    assert result.fault_counts["control_loss"] > 10
    assert result.failure is None, result.failure.text


def test_a_clock_set_back_between_a_buy_and_its_sale_loses_no_sale() -> None:
    result = Trial(29, minutes=12, plan=plan(SELLS_EARLY, clock_jumps=3.0)).run()
    assert result.failure is None, result.failure.text


def test_what_comes_for_a_window_that_was_let_go_is_taken_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recalled: list[object] = []

    class NotesRecalls(PositionCore):
        def handle(self, message: object, now_ms: int) -> Effects:
            if isinstance(message, Recalled) and message.value is not None:
                recalled.append(message.about)
            return super().handle(message, now_ms)

    monkeypatch.setattr("actors.position.core.SETTLED_WINDOWS_KEPT", 0)
    actor_table = ActorTable().replacing(POSITION, NotesRecalls)
    trial = Trial(
        1, minutes=12, plan=plan(loss=0.3, lateness=0.2, duplication=0.2), actor_table=actor_table
    )
    result = trial.run()
    assert result.failure is None, result.failure.text
    assert result.settled_count >= 2
    assert recalled


class SaysNothingLate(AdverseExecutorCore):
    """Tells nobody of a trade that fails after its order's end."""

    def _tell_late(self) -> Effects:
        return []


def with_an_adverse_venue(executor: type[Core], seed: int) -> Trial:
    """A run in which the word that a trade has failed may be lost on its way to an Order."""
    settings = strategy(bootstrap_high_ticks=650, bootstrap_low_ticks=500)
    actor_table = ActorTable().replacing(EXECUTOR, executor)
    return Trial(seed, minutes=12, plan=plan(settings, loss=0.4), actor_table=actor_table)


def test_the_ledger_hears_of_each_trade_that_fails_after_its_orders_end() -> None:
    unmended = ((seed, with_an_adverse_venue(SaysNothingLate, seed).run()) for seed in range(1, 25))
    seed, failed = next(each for each in unmended if each[1].failure is not None)
    assert failed.failure is not None
    assert failed.failure.invariant == 8
    result = with_an_adverse_venue(AdverseExecutorCore, seed).run()
    assert result.failure is None, result.failure.text


def test_the_rough_venue_takes_trades_back() -> None:
    def takes_one_back(seed: int) -> bool:
        trial = with_an_adverse_venue(AdverseExecutorCore, seed)
        trial.run()
        facts = trial.referee.facts
        return any(facts.evidence.failed(order_id) for order_id in facts.orders)

    assert any(takes_one_back(seed) for seed in range(1, 25))
