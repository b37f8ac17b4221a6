"""What desk and ledger do for the real executor."""

from __future__ import annotations

import attrs
import pytest
from core_stage import CoreStage
from order_builders import MARKET, T0, detail, settings
from real_bench import Bench, wire_trade

from actors.execution.desk import DeskCore
from actors.messages.directory import MarketOpened
from actors.messages.execution import FillReversed, OrderFilled
from actors.messages.halts import CancelEverything, HaltTrading
from actors.messages.lifecycle import SettingsReplaced
from actors.messages.position import FillBooked, PositionSnapshot, PositionWanted
from actors.model import Action, Side
from actors.position.core import PositionCore
from actors.roles import DESK, EXECUTOR, POSITION, order_role
from actors.units import shares


@pytest.mark.parametrize(
    ("mode", "cancel", "told"),
    [("live", True, 1), ("live", False, 0), ("simulated", True, 0)],
)
def test_a_halt_that_cancels_reaches_the_real_executor_too(
    mode: str, cancel: bool, told: int
) -> None:
    stage = CoreStage(DeskCore, DESK, settings(mode=mode), now_ms=T0)
    stage.start()
    stage.give(HaltTrading("escalation", cancel=cancel))
    assert len(stage.told(EXECUTOR, CancelEverything)) == told


def test_windows_to_come_are_compared_by_the_newest_settings() -> None:
    bench = Bench().begin()
    newest = attrs.evolve(bench.core.settings, number=2)
    bench.core.handle(SettingsReplaced(newest), bench.now_ms)
    assert bench.core.settings == newest
    assert bench.core._gate.settings == newest


def test_a_comparison_that_a_trade_made_void_is_soon_made_again() -> None:
    bench = Bench().begin()
    bench.listen()
    bench.read()
    bench.hear(wire_trade())
    bench.agree()
    assert not bench.core.is_serving
    bench.read_until(bench.now_ms + 3_000)
    assert bench.core.is_serving


def test_a_fill_that_a_hung_order_does_not_pass_on_is_told_before_the_ledger_is_doubted() -> None:
    bench = Bench().open()
    bench.place()
    row = wire_trade("t1", 10)
    bench.hear(row)
    assert bench.told(POSITION, OrderFilled) == []  # its Order tells, as long as it lives
    while not bench.told(POSITION, OrderFilled):
        assert bench.now_ms < T0 + 60_000
        bench.read_until(bench.now_ms + 1_000, row)
    assert {each.fill.trade_id for each in bench.told(POSITION, OrderFilled)} == {"t1"}
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(bench.now_ms + 60_000, row)
    assert bench.told(DESK, HaltTrading) == []


def ledger() -> CoreStage:
    stage = CoreStage(PositionCore, POSITION, now_ms=T0)
    stage.start()
    return stage


def test_the_ledger_says_a_window_s_position_when_it_is_asked() -> None:
    stage = ledger()
    stage.give(PositionWanted(MARKET.market_id))
    assert stage.told(EXECUTOR, PositionSnapshot) == []
    stage.give(MarketOpened(market=MARKET, strike=None))
    stage.give(PositionWanted(MARKET.market_id))
    assert [each.market_id for each in stage.told(EXECUTOR, PositionSnapshot)] == [MARKET.market_id]


@pytest.mark.parametrize(
    ("answer_to", "told"), [(None, order_role("order_1_0")), (EXECUTOR, EXECUTOR)]
)
def test_a_booking_is_answered_to_whoever_is_named(answer_to: str | None, told: str) -> None:
    stage = ledger()
    for kind in (OrderFilled, FillReversed, FillReversed):
        stage.give(
            kind(
                order_id="order_1_0",
                market=MARKET,
                side=Side.YES,
                action=Action.BUY,
                fill=detail("t1"),
                answer_to=answer_to,
            )
        )
    booked = stage.told(told, FillBooked)
    assert [each.is_reversal for each in booked] == [False, True, True]
