from __future__ import annotations

from typing import Any

import attrs
import pytest
from desk_stage import Desk, refusals
from order_builders import SETTINGS, T0, position, signal, signals

from actors.core import Record
from actors.execution.desk_state import Halted
from actors.execution.risk import Exposure, Purchase, broken_limit
from actors.messages.execution import CancelRequested, OrderState, OrderStatus, OrderUpdated
from actors.messages.position import Holding, PositionSnapshot
from actors.messages.strategy import TradeSignal
from actors.model import Action, Side
from actors.settings import RISK_LIMITS, RiskSettings, Settings, StrategySettings
from actors.units import NANOS_PER_DOLLAR, shares

DAY = T0 // 86_400_000
DOLLAR = NANOS_PER_DOLLAR


def with_risk(strategy: dict[str, Any] | None = None, **risk: Any) -> Settings:
    values = StrategySettings(**(strategy or {}))
    return attrs.evolve(SETTINGS, risk=RiskSettings(**risk), strategy=values)


def exposure(**changes: Any) -> Exposure:
    values: dict[str, Any] = {
        "position": position(1),
        "purchases": (),
        "live_count": 0,
        "minute_count": 0,
        "day_loss_nanos": 0,
    }
    return Exposure(**(values | changes))


def held(yes: int, cost_dollars: int) -> PositionSnapshot:
    holding = Holding(quantity_units=shares(yes), cost_nanos=cost_dollars * DOLLAR)
    return attrs.evolve(position(1), yes=holding)


def buy(price_ticks: int = 500, size: int = 10, **changes: Any) -> TradeSignal:
    return attrs.evolve(signal(Side.YES, price_ticks, size), **changes)


def sell(**changes: Any) -> TradeSignal:
    return buy(action=Action.SELL, best_bid_ticks=500, **changes)


WINDOW = with_risk(max_window_dollars=30)
UNDER_WAY = Purchase(side=Side.YES, units=shares(10), price_ticks=500)
ROOMY = {"max_trade_shares": 1_000, "max_shares": 1_000}
CASES: dict[str, tuple[Settings, TradeSignal, Exposure, str | None]] = {
    "order value at the limit": (with_risk(max_order_dollars=5), buy(), exposure(), None),
    "order value above": (
        with_risk(max_order_dollars=5), buy(510), exposure(), "max_order_dollars",
    ),
    "order size at the limit": (
        with_risk({"max_trade_shares": 10}), buy(), exposure(), None,
    ),
    "order size above": (
        with_risk({"max_trade_shares": 9}), buy(), exposure(), "max_trade_shares",
    ),
    "window cost at the limit": (WINDOW, buy(), exposure(position=held(50, 25)), None),
    "window cost above": (
        WINDOW, buy(510), exposure(position=held(50, 25)), "max_window_dollars",
    ),
    "what is under way costs too": (
        WINDOW, buy(), exposure(position=held(50, 25), purchases=(UNDER_WAY,)),
        "max_window_dollars",
    ),
    "all windows at the limit": (
        with_risk(max_account_dollars=30), buy(), exposure(account_cost_nanos=25 * DOLLAR), None,
    ),
    "all windows above": (
        with_risk(max_account_dollars=30), buy(510), exposure(account_cost_nanos=25 * DOLLAR),
        "max_account_dollars",
    ),
    "another window that is not known yet": (
        with_risk(max_account_dollars=30), buy(), exposure(), "max_account_dollars",
    ),
    "a sale while another window is not known": (
        with_risk(max_account_dollars=30), sell(), exposure(), None,
    ),
    "position at the limit": (with_risk(), buy(), exposure(position=held(90, 9)), None),
    "position above": (with_risk(), buy(), exposure(position=held(91, 9)), "max_shares"),
    "what is under way is held too": (
        with_risk(), buy(), exposure(position=held(81, 8), purchases=(UNDER_WAY,)), "max_shares",
    ),
    "open orders at the limit": (with_risk(), buy(), exposure(live_count=3), None),
    "open orders above": (with_risk(), buy(), exposure(live_count=4), "max_open_orders"),
    "rate at the limit": (
        with_risk(max_orders_per_minute=10), buy(), exposure(minute_count=9), None,
    ),
    "rate above": (
        with_risk(max_orders_per_minute=10), buy(), exposure(minute_count=10),
        "max_orders_per_minute",
    ),
    "loss below the limit": (
        with_risk(max_day_loss_dollars=50), buy(), exposure(day_loss_nanos=50 * DOLLAR - 1), None,
    ),
    "loss at the limit": (
        with_risk(max_day_loss_dollars=50), buy(), exposure(day_loss_nanos=50 * DOLLAR),
        "max_day_loss_dollars",
    ),
    "price at the band's edge": (
        with_risk(price_band_ticks=20), buy(best_ask_ticks=480), exposure(), None,
    ),
    "price above the band": (
        with_risk(price_band_ticks=20), buy(best_ask_ticks=479), exposure(), "price_band_ticks",
    ),
    "price below the band": (
        with_risk(price_band_ticks=20), buy(best_ask_ticks=521), exposure(), "price_band_ticks",
    ),
    "no price to compare with": (
        with_risk(), buy(best_ask_ticks=None), exposure(), "price_band_ticks",
    ),
    "a sale is held against the bid": (
        with_risk(price_band_ticks=20), sell(best_ask_ticks=900), exposure(), None,
    ),
    "a sale adds neither cost nor shares, whatever was lost": (
        with_risk(ROOMY, max_window_dollars=1, max_day_loss_dollars=1),
        sell(),
        exposure(position=held(1_000, 500), day_loss_nanos=5 * DOLLAR),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "wish", "at", "limit"), CASES.values(), ids=CASES.keys())
def test_each_limit_holds_at_its_boundary(
    settings: Settings, wish: TradeSignal, at: Exposure, limit: str | None
) -> None:
    broken = broken_limit(signals(wish), at, settings)
    assert (broken and broken.limit) == limit
    assert broken is None or limit in broken.reason


def test_every_limit_has_a_case() -> None:
    assert {limit for *_, limit in CASES.values() if limit} == set(RISK_LIMITS)


def test_the_legs_of_a_pair_count_together() -> None:
    pair = signals(signal(Side.YES, 500, 10), signal(Side.NO, 400, 10))
    broken = broken_limit(pair, exposure(), with_risk(max_window_dollars=8))
    assert broken is not None
    assert broken.limit == "max_window_dollars"


def test_a_limit_that_halts_comes_before_one_that_refuses() -> None:
    settings = with_risk(max_order_dollars=1, halt_on=("max_shares",))
    broken = broken_limit(signals(buy()), exposure(position=held(100, 9)), settings)
    assert broken is not None
    assert broken.limit == "max_shares"


# In the desk


def risky(**risk: Any) -> Desk:
    desk = Desk()
    desk.settings = attrs.evolve(desk.settings, risk=RiskSettings(**risk))
    desk.restart()
    return desk.ready()


def halts(effects: list[Any]) -> list[Halted]:
    return [e.event for e in effects if isinstance(e, Record) and isinstance(e.event, Halted)]


def test_a_broken_limit_refuses_with_its_name_and_trading_goes_on() -> None:
    desk = risky(max_order_dollars=5)
    effects = desk.feed(signals(signal(price_ticks=510)))
    assert refusals(effects) == ["YES order of $5.1 is over max_order_dollars 5"]
    assert halts(effects) == []
    assert desk.accept(signal(price_ticks=490), at_ms=T0 + 1)


def test_a_broken_limit_that_halts_cancels_and_outlives_a_restart() -> None:
    desk = risky(max_order_dollars=5, halt_on=("max_order_dollars",))
    (intent,) = desk.accept(signal(Side.NO, 490))
    effects = desk.feed(signals(signal(price_ticks=510), signals_id=2))
    (halted,) = halts(effects)
    assert halted.halt.who == "limit max_order_dollars"
    assert halted.halt.cancels
    assert [e.message.order_id for e in effects if _is_cancel(e)] == [intent.order_id]
    desk.restart()
    desk.ready()
    assert "halted" in refusals(desk.feed(signals(signals_id=3, at_ms=T0 + 1)))[0]


def _is_cancel(effect: Any) -> bool:
    return isinstance(getattr(effect, "message", None), CancelRequested)


def test_a_days_loss_halts_and_a_restarted_desk_knows_of_it() -> None:
    desk = risky(max_day_loss_dollars=20)
    lost = attrs.evolve(position(2), ledger_version=9, day=DAY, day_pnl_nanos=-20 * DOLLAR)
    desk.restart()
    desk.ready()
    desk.feed(lost)
    (halted,) = halts(desk.feed(signals(position_version=2)))
    assert "$20 were lost" in halted.halt.reason


def test_a_new_day_begins_with_no_loss() -> None:
    desk = risky(max_day_loss_dollars=20)
    lost = attrs.evolve(position(2), ledger_version=9, day=DAY - 1, day_pnl_nanos=-20 * DOLLAR)
    desk.feed(lost)
    assert desk.accept(position_version=2)


def test_a_late_word_of_the_day_does_not_hide_a_loss() -> None:
    desk = risky(max_day_loss_dollars=20)
    lost = attrs.evolve(position(3), ledger_version=9, day=DAY, day_pnl_nanos=-20 * DOLLAR)
    early = attrs.evolve(position(2), ledger_version=8, day=DAY)
    desk.feed(lost)
    desk.feed(early)
    assert halts(desk.feed(signals(position_version=3)))


def test_orders_of_this_minute_are_counted_across_a_restart() -> None:
    desk = risky(max_orders_per_minute=2)
    for count, side in enumerate((Side.YES, Side.NO)):
        (intent,) = desk.accept(signal(side), at_ms=T0 + count, signals_id=count + 1)
        desk.end(intent)
    desk.restart()
    desk.ready()
    later = signals(at_ms=T0 + 2, signals_id=9)
    assert "max_orders_per_minute" in refusals(desk.feed(later, T0 + 2))[0]
    next_minute = (T0 // 60_000 + 1) * 60_000
    assert desk.accept(at_ms=next_minute, signals_id=10)


def test_a_half_filled_purchase_counts_what_the_position_lacks_and_no_more() -> None:
    desk = risky(max_window_dollars=9)
    (intent,) = desk.accept(signal(Side.NO, 500, 10))
    half = attrs.evolve(
        OrderState(intent=intent, status=OrderStatus.PARTIALLY_FILLED), position_version=2
    )
    desk.feed(OrderUpdated(half))
    more = signals(signal(Side.YES, 450, 10), signals_id=2, at_ms=T0 + 1)
    assert "would cost $9.5" in refusals(desk.feed(more, T0 + 1))[0]
