from __future__ import annotations

import pytest
from core_stage import CoreStage
from hypothesis import given
from hypothesis import strategies as st
from ledger_builders import FIRST_OPEN_MS, detail, filled, market, opened, resolved, reversal

from actors.messages.lifecycle import PeerRestarted
from actors.messages.position import (
    ACCOUNT_RECORD,
    MS_PER_DAY,
    PositionSnapshot,
    TrackRecord,
    week_of,
)
from actors.model import Side
from actors.position.core import PositionCore
from actors.roles import DESK, POSITION

DOLLAR = 10**9
MONDAY_MS = 4 * MS_PER_DAY  # 1970-01-05


@pytest.fixture
def stage() -> CoreStage:
    stage = CoreStage(PositionCore, POSITION, now_ms=FIRST_OPEN_MS)
    stage.start()
    return stage


def records(stage: CoreStage) -> dict[str, TrackRecord]:
    return stage.told(DESK, PositionSnapshot)[-1].records


def test_lost_windows_in_a_row_are_counted_for_the_series_and_for_the_account(
    stage: CoreStage,
) -> None:
    for number in range(2):
        stage.give(filled(window=number))
        stage.give(resolved(number, Side.NO))
    told = records(stage)
    assert {told[key].losses_in_row for key in (ACCOUNT_RECORD, "btc-15m")} == {2}
    assert told[ACCOUNT_RECORD].lost_at_ms == market(1).closes_at_ms


def test_a_gain_ends_a_losing_streak_and_a_window_without_a_result_does_not(
    stage: CoreStage,
) -> None:
    stage.give(filled())
    stage.give(resolved(0, Side.NO))
    stage.give(opened(1))
    stage.give(resolved(1, Side.NO))
    assert records(stage)[ACCOUNT_RECORD].losses_in_row == 1
    stage.give(filled(window=2))
    stage.give(resolved(2, Side.YES))
    assert records(stage)[ACCOUNT_RECORD].losses_in_row == 0


def test_a_result_said_again_is_one_loss(stage: CoreStage) -> None:
    stage.give(filled())
    stage.give(resolved(0, Side.NO))
    stage.give(resolved(0, Side.NO))
    stage.give(opened(1))
    assert records(stage)[ACCOUNT_RECORD].losses_in_row == 1


def test_a_reversed_fill_takes_its_loss_out_of_what_was_earned(stage: CoreStage) -> None:
    lost = filled()
    stage.give(lost)
    stage.give(resolved(0, Side.NO))
    assert records(stage)[ACCOUNT_RECORD].drawdown_nanos == 4 * DOLLAR
    stage.give(reversal(lost))
    assert records(stage)[ACCOUNT_RECORD].drawdown_nanos == 0


def test_records_survive_a_restart_of_the_ledger(stage: CoreStage) -> None:
    stage.give(filled(detail(fee_nanos=5)))
    stage.give(resolved(0, Side.NO))
    before = records(stage)
    stage.give(opened(1))
    stage.start()
    stage.forget()
    stage.give(PeerRestarted(DESK))
    assert records(stage) == before


def test_weeks_begin_on_monday() -> None:
    day = MONDAY_MS // MS_PER_DAY
    assert week_of(day - 1) + 1 == week_of(day) == week_of(day + 6)


def test_a_days_drawdown_ends_with_the_day_and_a_weeks_with_the_week() -> None:
    record = TrackRecord().earning(10, MONDAY_MS).earning(-4, MONDAY_MS + 1)
    tuesday_ms, next_monday_ms = MONDAY_MS + MS_PER_DAY, MONDAY_MS + 7 * MS_PER_DAY
    assert record.day_drawdown_nanos(MONDAY_MS + 2) == 4
    assert record.day_drawdown_nanos(tuesday_ms) == 0
    assert record.week_drawdown_nanos(tuesday_ms) == 4
    assert record.week_drawdown_nanos(next_monday_ms) == 0
    assert record.drawdown_nanos == 4
    tuesday = record.earning(-1, tuesday_ms)
    assert tuesday.day_drawdown_nanos(tuesday_ms) == 1
    assert tuesday.week_drawdown_nanos(tuesday_ms) == 5


@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.integers(-MS_PER_DAY, 3 * MS_PER_DAY)),
        max_size=30,
    )
)
def test_drawdowns_are_what_a_list_of_all_results_says(changes: list[tuple[int, int]]) -> None:
    """Held against the whole history; a clock that goes back changes no day."""
    record, now_ms, total, day = TrackRecord(), MONDAY_MS, 0, MONDAY_MS // MS_PER_DAY
    history = [(day, 0)]
    for nanos, step_ms in changes:
        now_ms = max(MONDAY_MS, now_ms + step_ms)
        day = max(day, now_ms // MS_PER_DAY)
        if day > history[-1][0]:
            history.append((day, total))  # a day begins where the one before ended
        total += nanos
        history.append((day, total))
        record = record.earning(nanos, now_ms)

    at_ms = day * MS_PER_DAY
    of_day = [value for when, value in history if when == day]
    of_week = [value for when, value in history if week_of(when) == week_of(day)]
    assert record.drawdown_nanos == max(value for _, value in history) - total
    if changes:
        assert record.day_drawdown_nanos(at_ms) == max(of_day) - total
        assert record.week_drawdown_nanos(at_ms) == max(of_week) - total
