"""The venue takes a result back, and says another."""

from __future__ import annotations

import pytest
from core_stage import CoreStage
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import FIRST_OPEN_MS, detail, filled, opened, resolved

from actors.core import Record
from actors.messages.directory import MarketResolved
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.model import Side
from actors.position.core import SETTLED_WINDOWS_KEPT, PositionCore, ResultCorrected
from actors.roles import DESK, DIRECTORY, POSITION

DOLLAR = 10**9
DAY_MS = 86_400_000


@pytest.fixture
def stage() -> CoreStage:
    """A ledger that has settled one window as won: ten YES for 0.4 each."""
    stage = CoreStage(PositionCore, POSITION, now_ms=FIRST_OPEN_MS)
    stage.start()
    stage.give(filled())
    stage.give(resolved())
    return stage


def settlement(stage: CoreStage) -> tuple[Side | None, int, int, int]:
    told = stage.told(DIRECTORY, WindowSettled)[-1]
    return told.winner, told.revision, told.pnl_nanos, told.total_pnl_nanos


def corrections(stage: CoreStage) -> list[ResultCorrected]:
    return [event for event in stage.events if isinstance(event, ResultCorrected)]


@pytest.mark.parametrize(
    ("winner", "pnl_nanos"), [(Side.NO, -4 * DOLLAR), (None, 1 * DOLLAR), (Side.YES, 6 * DOLLAR)]
)
def test_f33_a_later_result_takes_the_first_one_s_place_exactly(
    stage: CoreStage, winner: Side | None, pnl_nanos: int
) -> None:
    stage.give(resolved(winner=winner, revision=1))
    assert settlement(stage) == (winner, 1, pnl_nanos, pnl_nanos)
    (event,) = corrections(stage)
    assert (event.before, event.after) == (Side.YES, winner)
    assert (event.pnl_before_nanos, event.pnl_after_nanos) == (6 * DOLLAR, pnl_nanos)
    assert [log.level for log in stage.logs] == ["error"]


def test_f33_a_correction_is_recorded_before_it_is_told(stage: CoreStage) -> None:
    assert isinstance(stage.give(resolved(winner=Side.NO, revision=1))[0], Record)


def test_f33_said_again_or_too_late_a_result_changes_nothing(stage: CoreStage) -> None:
    stage.give(resolved(winner=Side.NO, revision=1))
    stage.start()
    stage.give(resolved(winner=Side.NO, revision=1))
    stage.give(resolved(winner=Side.YES, revision=0))
    assert settlement(stage) == (Side.NO, 1, -4 * DOLLAR, -4 * DOLLAR)
    assert len(corrections(stage)) == 1


def test_f33_the_difference_counts_into_the_day_on_which_it_became_known(stage: CoreStage) -> None:
    stage.now_ms += DAY_MS
    stage.give(resolved(winner=Side.NO, revision=1))
    said = stage.told(DESK, PositionSnapshot)[-1]
    assert (said.day, said.day_pnl_nanos) == ((FIRST_OPEN_MS + DAY_MS) // DAY_MS, -10 * DOLLAR)


def test_f33_a_window_that_was_let_go_is_corrected_as_well(stage: CoreStage) -> None:
    for number in range(1, SETTLED_WINDOWS_KEPT + 2):
        stage.give(filled(window=number))
        stage.give(resolved(number))
    stage.give(resolved(winner=Side.NO, revision=1))
    assert settlement(stage)[:3] == (Side.NO, 1, -4 * DOLLAR)
    assert settlement(stage)[3] == (SETTLED_WINDOWS_KEPT + 1) * 6 * DOLLAR - 4 * DOLLAR
    assert len(stage.saved("position")) == SETTLED_WINDOWS_KEPT


def test_f33_a_fill_after_the_correction_is_settled_by_the_new_result(stage: CoreStage) -> None:
    stage.give(resolved(winner=Side.NO, revision=1))
    stage.give(filled(detail("t2", 500), side=Side.NO))
    assert settlement(stage)[:3] == (Side.NO, 1, 1 * DOLLAR)


words = st.lists(
    st.sampled_from(
        [resolved(0, Side.YES), resolved(0, Side.NO, 1), resolved(0, None, 2), "restart", "fill"]
    ),
    min_size=1,
    max_size=12,
)


@given(words)
def test_f33_in_any_order_and_over_restarts_the_newest_result_counts_once(
    order: list[MarketResolved | str],
) -> None:
    stage = CoreStage(PositionCore, POSITION, now_ms=FIRST_OPEN_MS)
    stage.start()
    stage.give(opened())
    stage.give(filled())
    for word in order:
        if word == "restart":
            stage.start()
        elif word == "fill":
            stage.give(filled())
        else:
            stage.give(word)
    said = [word for word in order if isinstance(word, MarketResolved)]
    if said:
        newest = max(said, key=lambda each: each.revision)
        payouts = {Side.YES: 10 * DOLLAR, Side.NO: 0, None: 5 * DOLLAR}
        pnl_nanos = payouts[newest.winner] - 4 * DOLLAR
        assert settlement(stage) == (newest.winner, newest.revision, pnl_nanos, pnl_nanos)
