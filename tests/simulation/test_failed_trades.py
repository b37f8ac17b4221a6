"""What the referee thinks of a trade that fails at an awkward moment."""

from __future__ import annotations

import attrs
import pytest
from nouns import a_fill
from referee_scenes import (
    INTENT,
    NOW_MS,
    Someone,
    an_order_at_the_venue,
    breach_of,
    saving,
)

from actors.core import Record, Save
from actors.execution.paper import PaperOrder, PaperPhase
from actors.messages.execution import (
    Fill,
    FillFailed,
    OrderDone,
    OrderState,
    OrderStatus,
    OrderUpdated,
)
from actors.messages.lifecycle import Started
from actors.roles import DESK, EXECUTOR
from simulation.invariants.referee import Referee

FILL = a_fill("t1", INTENT.price_ticks, size_units=INTENT.size_units, timestamp_ms=NOW_MS)
FAILED = FillFailed(INTENT.order_id, "t1", "it was not settled")
BOOKED = OrderState(intent=INTENT, status=OrderStatus.FILLED, fills=(FILL,))
TAKEN_BACK = attrs.evolve(BOOKED, reversed_trade_ids=frozenset({"t1"}))


@pytest.fixture
def traded() -> tuple[Referee, Someone]:
    """A referee who has seen an order trade whole at the venue, and the order."""
    referee, order, _ = an_order_at_the_venue(OrderStatus.ACCEPTED)
    executor = Someone(EXECUTOR)
    referee.heard(executor, Started())
    paper = PaperOrder(intent=INTENT, phase=PaperPhase.RESTING, due_at_ms=NOW_MS, fills=(FILL,))
    referee.recorded(
        executor, Record(Fill(INTENT.order_id, FILL), (Save("paper", INTENT.order_id, paper),))
    )
    return referee, order


def let_fail(referee: Referee) -> None:
    referee.recorded(Someone(EXECUTOR), Record(FAILED, (Save("failed", "t1", FAILED),)))


def let_go(referee: Referee, state: OrderState) -> None:
    desk = Someone(DESK)
    referee.heard(desk, OrderUpdated(state))
    referee.said(desk, OrderDone(INTENT.order_id))


def test_a_desk_lets_no_order_go_whose_fill_is_not_booked(
    traded: tuple[Referee, Someone],
) -> None:
    referee, order = traded
    referee.recorded(order, saving(Fill(INTENT.order_id, FILL), BOOKED))
    with breach_of(2):
        let_go(referee, BOOKED)


def test_a_failure_that_overtook_its_fill_leaves_nothing_to_book(
    traded: tuple[Referee, Someone],
) -> None:
    referee, order = traded
    let_fail(referee)
    referee.recorded(order, saving(Fill(INTENT.order_id, FILL), TAKEN_BACK))
    let_go(referee, TAKEN_BACK)


@pytest.mark.parametrize("was_over", [True, False])
def test_a_trade_that_fails_takes_no_side_back_that_was_free(
    traded: tuple[Referee, Someone], was_over: bool
) -> None:
    referee, order = traded
    first = BOOKED if was_over else attrs.evolve(BOOKED, unbooked=frozenset({"t1"}))
    referee.recorded(order, saving(Fill(INTENT.order_id, FILL), first))
    let_fail(referee)
    failing = attrs.evolve(TAKEN_BACK, unbooked_reversals=frozenset({"t1"}))
    referee.recorded(order, saving(FAILED, failing))
    assert referee.facts.orders[INTENT.order_id].owns_side is not was_over
