"""What comes for a window that was settled long ago, and let go."""

from __future__ import annotations

import pytest
from core_stage import CoreStage
from ledger_builders import detail, filled, market, opened, resolved, reversal

from actors.messages.position import FillBooked, LateFailure, PositionSnapshot, WindowSettled
from actors.position.core import SETTLED_WINDOWS_KEPT, EntryChanged, PositionCore
from actors.roles import DIRECTORY, EXECUTOR, POSITION, STRATEGY, order_role
from actors.units import shares

ORDER = order_role("order_1_aa")
WON_NANOS = 6_000_000_000
"""By the ten shares that are bought in each window for 0.4."""


@pytest.fixture
def stage() -> CoreStage:
    """A ledger that has settled one window more than it keeps at hand, and was restarted."""
    stage = CoreStage(PositionCore, POSITION)
    stage.start()
    for number in range(SETTLED_WINDOWS_KEPT + 1):
        stage.give(filled(window=number))
        stage.give(resolved(number))
    stage.start()
    stage.forget()
    return stage


def last_settlement(stage: CoreStage) -> tuple[str, int, int]:
    told = stage.told(DIRECTORY, WindowSettled)[-1]
    return told.market_id, told.pnl_nanos, told.total_pnl_nanos


def test_settled_windows_are_let_go_one_by_one(stage: CoreStage) -> None:
    assert len(stage.saved("position")) == SETTLED_WINDOWS_KEPT
    assert len(stage.saved("position", open_only=False)) == SETTLED_WINDOWS_KEPT + 1


def test_a_fill_is_booked_answered_settled_and_seen(stage: CoreStage) -> None:
    stage.give(filled(detail("late", 300, shares(5)), window=0))
    assert [answer.trade_id for answer in stage.told(ORDER, FillBooked)] == ["late"]
    assert [type(event) for event in stage.events] == [EntryChanged]
    assert [(log.level, "the fill of trade late" in log.text) for log in stage.logs] == [
        ("warning", True)
    ]
    total_nanos = WON_NANOS * (SETTLED_WINDOWS_KEPT + 1) + 3_500_000_000
    assert last_settlement(stage) == (market(0).market_id, WON_NANOS + 3_500_000_000, total_nanos)
    assert len(stage.saved("position")) == SETTLED_WINDOWS_KEPT


def test_a_fill_that_was_booked_before_counts_once(stage: CoreStage) -> None:
    for _ in range(2):
        stage.give(filled(window=0))
        stage.start()
    assert [answer.version for answer in stage.told(ORDER, FillBooked)] == [1, 1]
    assert stage.events == []


def test_a_reversal_takes_back_exactly_its_fill(stage: CoreStage) -> None:
    stage.give(reversal(filled(window=0)))
    expected = (market(0).market_id, 0, WON_NANOS * SETTLED_WINDOWS_KEPT)
    assert last_settlement(stage) == expected
    stage.give(reversal(filled(window=0)))
    assert last_settlement(stage) == expected
    assert len(stage.told(ORDER, FillBooked)) == 2
    assert len(stage.events) == 1


def test_an_opening_changes_nothing_and_a_result_is_answered(stage: CoreStage) -> None:
    stage.give(opened(0))
    assert stage.told(STRATEGY, PositionSnapshot) == []
    stage.give(resolved(0))
    assert last_settlement(stage)[:2] == (market(0).market_id, WON_NANOS)
    assert (stage.events, stage.logs) == ([], [])


def test_an_old_window_that_was_never_heard_of_is_settled_like_any_other(stage: CoreStage) -> None:
    never_heard_of = -1
    stage.give(resolved(never_heard_of))
    assert last_settlement(stage)[:2] == (market(never_heard_of).market_id, 0)
    stage.give(filled(window=never_heard_of))
    assert last_settlement(stage)[:2] == (market(never_heard_of).market_id, WON_NANOS)


@pytest.mark.parametrize("window", [0, SETTLED_WINDOWS_KEPT], ids=["let go", "at hand"])
def test_a_trade_that_failed_when_its_orders_were_forgotten_is_taken_back(
    stage: CoreStage, window: int
) -> None:
    failure = LateFailure(market(window).market_id, filled(window=window).fill.trade_id)
    for _ in range(2):
        stage.give(failure)
    answers = stage.told(EXECUTOR, FillBooked)
    assert [(each.trade_id, each.is_reversal) for each in answers] == [(failure.trade_id, True)] * 2
    assert len(stage.events) == 1, "once, however often it is told"
    total_nanos = WON_NANOS * SETTLED_WINDOWS_KEPT
    assert last_settlement(stage) == (failure.market_id, 0, total_nanos)
    (error,) = [log.text for log in stage.logs if log.level == "error"]
    assert failure.trade_id in error


@pytest.mark.parametrize("market_id", [market(0).market_id, market(3).market_id, "0xelse"])
def test_a_failure_of_a_trade_that_is_in_no_ledger_is_answered_and_changes_nothing(
    stage: CoreStage, market_id: str
) -> None:
    stage.give(LateFailure(market_id, "somebody else's"))
    (answer,) = stage.told(EXECUTOR, FillBooked)
    assert (answer.trade_id, answer.is_reversal) == ("somebody else's", True)
    assert stage.events == []
    assert stage.logs == []
