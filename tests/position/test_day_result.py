from __future__ import annotations

import pytest
from core_stage import CoreStage
from ledger_builders import FIRST_OPEN_MS, detail, filled, opened, resolved, reversal

from actors.messages.lifecycle import PeerRestarted
from actors.messages.position import PositionSnapshot, PositionWanted
from actors.model import Action, Side
from actors.position.core import PositionCore
from actors.roles import DESK, EXECUTOR, POSITION

DAY_MS = 86_400_000
DAY = FIRST_OPEN_MS // DAY_MS
DOLLAR = 10**9


@pytest.fixture
def stage() -> CoreStage:
    stage = CoreStage(PositionCore, POSITION, now_ms=FIRST_OPEN_MS)
    stage.start()
    return stage


def day_result(stage: CoreStage) -> tuple[int, int]:
    said = stage.told(DESK, PositionSnapshot)[-1]
    return said.day, said.day_pnl_nanos


def test_a_purchase_costs_the_day_its_fee_only(stage: CoreStage) -> None:
    stage.give(filled(detail(fee_nanos=7)))
    assert day_result(stage) == (DAY, -7)


def test_a_sale_brings_the_day_what_it_realized(stage: CoreStage) -> None:
    stage.give(filled(detail("a", 400, timestamp_ms=1)))
    stage.give(filled(detail("b", 300, timestamp_ms=2), action=Action.SELL))
    assert day_result(stage) == (DAY, -1 * DOLLAR)


def test_a_settled_loss_is_told_to_the_desk_at_once(stage: CoreStage) -> None:
    stage.give(filled())
    stage.give(resolved(winner=Side.NO))
    assert day_result(stage) == (DAY, -4 * DOLLAR)


def test_the_days_windows_add_up_and_a_reversal_takes_its_part_back(stage: CoreStage) -> None:
    lost = filled()
    stage.give(lost)
    stage.give(resolved(winner=Side.NO))
    stage.give(filled(window=1))
    stage.give(resolved(1, Side.YES))
    assert day_result(stage) == (DAY, 2 * DOLLAR)
    stage.give(reversal(lost))
    assert day_result(stage) == (DAY, 6 * DOLLAR)


def test_the_days_result_survives_a_restart_of_position_and_of_the_desk(stage: CoreStage) -> None:
    stage.give(filled())
    stage.give(resolved(winner=Side.NO))
    stage.give(opened(1))
    stage.start()
    stage.forget()
    stage.give(PeerRestarted(DESK))
    assert day_result(stage) == (DAY, -4 * DOLLAR)


def test_a_new_utc_day_begins_at_nothing(stage: CoreStage) -> None:
    stage.give(filled())
    stage.give(resolved(winner=Side.NO))
    stage.now_ms += DAY_MS
    stage.give(filled(detail(fee_nanos=9), window=1))
    assert day_result(stage) == (DAY + 1, -9)


def test_a_clock_that_goes_back_does_not_begin_another_day(stage: CoreStage) -> None:
    stage.give(filled(detail(fee_nanos=3)))
    stage.now_ms -= DAY_MS
    stage.give(filled(detail("t2", fee_nanos=4)))
    assert day_result(stage) == (DAY, -7)


def test_whoever_asks_for_a_position_is_answered(stage: CoreStage) -> None:
    stage.give(opened())
    stage.forget()
    market_id = opened().market.market_id
    stage.give(PositionWanted(market_id, DESK))
    stage.give(PositionWanted(market_id))
    assert len(stage.told(DESK, PositionSnapshot)) == 1
    assert len(stage.told(EXECUTOR, PositionSnapshot)) == 1
