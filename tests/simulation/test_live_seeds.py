"""Runs with live orders: a small campaign, each kind of fault, and what a run must bring about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from trial_plans import live_plan, plan

from actors.execution.desk_state import Halted, Resumed
from actors.messages.execution import OrderStatus
from actors.messages.halts import OPERATOR
from actors.roles import EXECUTOR
from simulation.chance import dice
from simulation.exchange.order_rates import LiveFaultRates
from simulation.live.evidence import LiveEvidence
from simulation.plan import LIVE, SeedPlan, draw_live_plan
from simulation.trial import Trial, run_trial


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_every_invariant_holds_and_everything_recovers_with_live_orders(seed: int) -> None:
    failure = run_trial(seed, 3, LIVE).failure
    assert failure is None, failure.text


def test_every_live_plan_could_be_a_run_with_real_money() -> None:
    plans = [draw_live_plan(dice(seed, "plan")) for seed in range(60)]
    assert {each.settings.execution.durability for each in plans} == {"full"}
    assert not any(each.torn_most or each.is_adverse for each in plans)
    drawn = Counter(name for each in plans for name in each.live.active())
    assert drawn.keys() == LiveFaultRates.meanings().keys()


RESTS_LONG_MS = 30_000

STORMS = {
    "answers": {"lost_answer": 0.3, "server_error": 0.3, "slow_answer": 0.3, "unmatched": 0.5},
    "the door": {"rate_limited": 0.4, "reset": 0.4, "restart": 1.0, "restrictions": 2.0},
    "trades": {"ghost_fill": 0.5, "retried_trade": 0.5, "share_lag": 0.8, "long_delay": 0.5},
    "the channel": {"duplicate_event": 0.5, "late_event": 0.5, "silences": 1.0, "replay": 4.0},
    "the account": {"hidden_order": 0.6, "unread": 0.3, "cancel_by_venue": 4.0, "slips": 0.8},
    "what is told": {"short_match": 0.5, "unreadable_part": 0.5, "excess_fill": 0.5},
    "rows and failures": {"repeated_row": 0.5, "late_failure": 0.5},
    "the chain": {"reverted_transaction": 0.9, "partial_cancels": 0.9, "slips": 0.6},
}


def test_every_kind_of_live_fault_is_in_some_storm() -> None:
    assert {name for storm in STORMS.values() for name in storm} == set(LiveFaultRates.meanings())


@pytest.mark.parametrize("storm", STORMS)
def test_each_kind_of_live_fault_strikes_and_is_survived(storm: str) -> None:
    seed_plan = live_plan(STORMS[storm], order_ttl_ms=RESTS_LONG_MS, halts=1.0)
    struck: Counter[str] = Counter()
    for seed in range(5, 12):
        result = Trial(seed, minutes=12 if storm == "the chain" else 6, plan=seed_plan).run()
        assert result.failure is None, result.failure.text
        struck.update(result.fault_counts)
        if all(struck[kind] for kind in STORMS[storm]):
            return
    pytest.fail(f"not every kind has struck: {struck}")


def test_live_orders_survive_lost_doubled_and_late_words_and_falls_between_any_two_effects() -> (
    None
):
    on_the_way = {"loss": 0.05, "duplication": 0.05, "lateness": 0.05}
    at_the_venue = {"lost_answer": 0.1, "hidden_order": 0.3, "unread": 0.1, "ghost_fill": 0.3}
    seed_plan = live_plan(at_the_venue, RESTS_LONG_MS, **on_the_way, halfway=0.01, falls=4.0)
    for seed in range(1, 4):
        result = Trial(seed, minutes=4, plan=seed_plan).run()
        assert result.failure is None, result.failure.text
        assert {*on_the_way, "halfway", "falls"} <= result.fault_counts.keys()


def test_live_orders_rest_trade_and_fail_and_are_cancelled() -> None:
    rates = {"slips": 0.5, "ghost_fill": 0.8}
    trial = Trial(8, minutes=8, plan=live_plan(rates, order_ttl_ms=RESTS_LONG_MS))
    assert trial.run().failure is None
    evidence = trial.referee.facts.evidence
    assert isinstance(evidence, LiveEvidence)
    ends = Counter(evidence.end(order_id) for order_id in evidence.order_ids())
    assert {OrderStatus.FILLED, OrderStatus.CANCELLED} <= ends.keys()
    fills = [
        fill for order_id in evidence.order_ids() for fill in evidence.fills(order_id).values()
    ]
    assert {fill.is_maker for fill in fills} == {True, False}
    assert any(evidence.failed(order_id) for order_id in evidence.order_ids())
    claims = {type(k.record.event).__name__ for k in trial.journal.records if k.role == EXECUTOR}
    assert {"ClaimOpened", "ClaimClosed"} <= claims


def test_bytes_whose_posting_was_lost_are_posted_again() -> None:
    """A refused connection leaves nothing at the venue: the order is posted later, and trades."""
    trial = Trial(3, minutes=6, plan=live_plan({"reset": 0.5}))
    assert trial.run().failure is None
    events = Counter(type(k.record.event).__name__ for k in trial.journal.records)
    assert {"OrderPosted", "PostRefused"} <= events.keys()


@pytest.mark.parametrize("make_plan", [plan, live_plan], ids=["simulated", "live"])
def test_a_person_halts_and_is_answered_and_trading_goes_on(
    make_plan: Callable[..., SeedPlan],
) -> None:
    trial = Trial(5, minutes=6, plan=make_plan(halts=3.0, loss=0.1, control_loss=0.1))
    result = trial.run()
    assert result.failure is None, result.failure.text
    assert result.fault_counts["halts"] > 0
    events = [kept.record.event for kept in trial.journal.records]
    halts = [each.halt for each in events if isinstance(each, Halted)]
    assert any(halt.who == OPERATOR for halt in halts)
    assert any(isinstance(each, Resumed) for each in events)
    assert trial.operator.is_obeyed == trial.plan.is_live, "books are compared after a last halt"
