"""What the simulation found with live orders, and was mended: in the run that showed it."""

from __future__ import annotations

import pytest
from trial_plans import live_plan

from actors.execution.real.messages import AccountRead
from actors.messages.execution import OrderStatus
from simulation.live.evidence import LiveEvidence
from simulation.simulated_actor import SimulatedActor
from simulation.trial import Trial

RATES = {"lost_answer": 0.9, "slow_answer": 0.9, "slips": 0.7, "silences": 20.0}
JUMP_MS = 20_000


class JumpsAtTheWorstMoment(Trial):
    """The clock jumps ahead while an order that nobody knows of is on its way to the exchange."""

    has_jumped = False

    def run_with_a_jump(self) -> str:
        hear = self.referee.heard

        def heard(actor: SimulatedActor, message: object) -> None:
            if isinstance(message, AccountRead) and self.is_one_on_its_way():
                self.context.clock_error_ms = JUMP_MS
                self.has_jumped = True
            hear(actor, message)

        self.referee.heard = heard  # type: ignore[method-assign] # to meddle before each step
        failure = self.run().failure
        return failure.text if failure is not None else ""

    def is_one_on_its_way(self) -> bool:
        evidence = self.referee.facts.evidence
        assert isinstance(evidence, LiveEvidence)
        return any(
            live.status is OrderStatus.UNKNOWN and evidence.side.on_their_way[order_id]
            for order_id, live in evidence.rows.items()
        )


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> JumpsAtTheWorstMoment:
    monkeypatch.setattr("simulation.exchange.mishaps._SLOW_REQUEST_MOST_MS", 6_500)
    return JumpsAtTheWorstMoment(3, minutes=5, plan=live_plan(RATES))


def test_an_absence_that_lasted_by_a_jumping_clock_alone_proves_nothing(
    trial: JumpsAtTheWorstMoment,
) -> None:
    assert trial.run_with_a_jump() == ""
    assert trial.has_jumped


def test_an_absence_that_is_believed_after_two_readings_is_noticed(
    trial: JumpsAtTheWorstMoment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.execution.real.reconciler.ABSENT_MS_PER_READING", 10**9)
    assert "on its way" in trial.run_with_a_jump()
