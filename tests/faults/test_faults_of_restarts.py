"""F18-F22: what falls is made again, in the middle of whatever it did, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from fault_stage import FaultStage, LivelyExchange, Moment, recording
from live_stage import RunningExchange
from order_builders import T0, book, signal, signals, snapshot
from other_trader import OtherTrader
from small_stage import PERMANENT, SmallStage
from supervised_stage import SupervisedActors, told

from actors.execution.desk_state import OrdersCreated
from actors.execution.real.messages import AccountRead, OrderSigned, SignOrder
from actors.execution.real.orders import TradeSeen
from actors.messages.execution import OrderState, OrderStatus, OrderSubmitted
from actors.messages.halts import HaltReport, HaltTrading
from actors.model import Side
from actors.position.core import EntryChanged
from actors.roles import DESK, EXECUTOR, POSITION, STRATEGY
from actors.settings import RiskSettings, StrategySettings
from actors.supervision.messages import Say, Spawn
from actors.units import shares
from understudy.reading.leg_risk import LegEnd, leg_risks

pytestmark = pytest.mark.processes


# F18


def test_f18_a_resting_order_is_adopted_with_the_fills_that_came_while_all_was_down(
    stage: FaultStage,
) -> None:
    order_id = stage.resting(above_ask=-10, size=20)
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    price_ticks = stage.state(order_id).intent.price_ticks
    stage.fall_all()
    with OtherTrader(stage) as other:
        while not (filled_units := stage.books["orders"][0]["filled_units"]):
            other.sell_a_little(Side.YES, price_ticks)
        stage.recover()
        stage.reaches(order_id, OrderStatus.PARTIALLY_FILLED)
        stage.run_until(lambda: stage.held(Side.YES) == filled_units, "the fill is booked")
        assert not stage.is_free(Side.YES)
        assert [order["status"] for order in stage.books["orders"]] == ["LIVE"]
        other.sell_into_bids(Side.YES, price_ticks)
    assert stage.ends(order_id) is OrderStatus.FILLED
    assert len(stage.posts(order_id)) == 1
    stage.hold_against_the_exchange()


def test_f18_a_resting_paper_order_is_adopted_and_fills_after_the_restart() -> None:
    stage = SmallStage()
    stage.settle(limit_ms=100)
    stage.show(snapshot(yes=book(asks={460: 50}, bids={440: 50})))
    stage.mail.append((DESK, signals(signal(price_ticks=450), position_version=0)))
    stage.settle(limit_ms=500)
    (order_id,) = stage.created
    assert stage.orders()[order_id].status is OrderStatus.ACCEPTED
    for role in list(stage.cores):
        stage.kill(role)
    stage.mail.clear()
    stage.revive()
    assert set(PERMANENT) <= set(stage.cores)
    stage.settle(limit_ms=500)
    assert stage.orders()[order_id].status is OrderStatus.ACCEPTED
    late_ms = stage.now_ms
    assert late_ms > T0
    stage.show(snapshot(yes=book(asks={450: 50}, bids={440: 50}, at_ms=late_ms), at_ms=late_ms))
    stage.settle(limit_ms=2_000)
    assert stage.orders()[order_id].status is OrderStatus.FILLED
    assert stage.booked() == stage.traded
    assert stage.errors == []


# F19

FILLED, CANCELLED = OrderStatus.FILLED, OrderStatus.CANCELLED
BETWEEN = {
    "desk, before it records the orders": (DESK, recording(OrdersCreated), True, FILLED),
    "desk, when they are recorded": (DESK, recording(OrdersCreated), False, FILLED),
    "Order, before it records what it is told": ("order", recording(object), True, FILLED),
    "Order, when that is recorded": ("order", recording(object), False, FILLED),
    "executor, before it records the order": (EXECUTOR, recording(OrderSubmitted), True, FILLED),
    "executor, when it is recorded": (EXECUTOR, recording(OrderSubmitted), False, CANCELLED),
    "executor, before it records the bytes": (EXECUTOR, recording(OrderSigned), True, CANCELLED),
    "executor, when they are recorded": (EXECUTOR, recording(OrderSigned), False, FILLED),
    "executor, before it records the trade": (EXECUTOR, recording(TradeSeen), True, FILLED),
    "position, before it records the fill": (POSITION, recording(EntryChanged), True, FILLED),
    "position, when that is recorded": (POSITION, recording(EntryChanged), False, FILLED),
}
"""Who falls, at what, before or after it, and how the order ends: cancelled where nothing can have
left, because its bytes were not recorded."""


@pytest.mark.parametrize(("victim", "moment", "before", "end"), BETWEEN.values(), ids=BETWEEN)
def test_f19_work_that_was_accepted_is_found_and_finished_whoever_falls(
    stage: FaultStage, victim: str, moment: Moment, before: bool, end: OrderStatus
) -> None:
    stage.falls(victim, moment, before=before)
    stage.say(stage.signal())
    stage.run_until_fallen()
    if victim in stage.ROLES:
        stage.start(victim)
    if victim == DESK and before:
        assert stage.recorded(OrdersCreated) == []
        stage.run_until(lambda: stage.desk.is_serving, "the desk serves again")
        stage.say(stage.signal())  # as the strategy does until it is answered
    stage.run_until(lambda: stage.recorded(OrdersCreated), "the orders are made")
    (intent,) = stage.recorded(OrdersCreated)[0].intents
    assert stage.ends(intent.order_id) is end
    assert len(stage.recorded(OrdersCreated)) == 1
    assert len(stage.books["orders"]) == (1 if end is FILLED else 0)
    stage.hold_against_the_exchange()


# F20

HEDGING = StrategySettings(
    balance_pad_shares=0,
    target_pair_ticks=1_500,
    max_trade_shares=10,
    max_shares=10,
    stop_loss_ticks=0,
    max_book_age_ms=10_000,
)


@pytest.fixture
def hedging(lively: LivelyExchange) -> Iterator[FaultStage]:
    sections = {"strategy": HEDGING, "risk": RiskSettings(price_band_ticks=1000)}
    with FaultStage(lively, sections=sections, order_ttl_ms=5_000) as running:
        yield running


def test_f20_a_leg_without_its_other_is_shown_and_hedged_by_the_strategy(
    hedging: FaultStage,
) -> None:
    stage = hedging
    cheap = attrs.evolve(stage.signal(Side.NO), price_ticks=110)
    legs = [attrs.evolve(leg, pair="legs") for leg in (stage.signal(Side.YES), cheap)]
    pair = stage.want(*legs)
    assert stage.ends(pair[0]) is OrderStatus.FILLED
    assert stage.ends(pair[1]) is OrderStatus.CANCELLED
    (risk,) = leg_risks(orders_of(stage), stage.now_ms)
    assert (risk.end, risk.worst_units) == (LegEnd.ONE_LEGGED, shares(10))
    assert risk.worst_nanos >= stage.ledger().totals().cost_nanos
    stage.watch_market()
    stage.start(STRATEGY)
    stage.run_until(lambda: stage.held(Side.NO) >= shares(10), "the other side is bought")
    stage.kill(STRATEGY)
    stage.run_until(lambda: stage.is_free(Side.NO), "its order is over")
    (risk,) = leg_risks(orders_of(stage), stage.now_ms)
    assert risk.end is LegEnd.COVERED
    hedge = stage.recorded(OrdersCreated)[-1].intents[0]
    assert (hedge.side, "hedging" in hedge.reason) == (Side.NO, True)
    stage.hold_against_the_exchange()


def orders_of(stage: FaultStage) -> list[OrderState]:
    return [value for value, _ in stage.rows.values() if isinstance(value, OrderState)]


# F21


def test_f21_nothing_is_bought_after_a_restart_before_the_position_is_back_and_read(
    exchange: RunningExchange,
) -> None:
    limits = {"strategy": StrategySettings(max_shares=15)}
    with FaultStage(exchange, sections=limits) as stage:
        stage.falls(POSITION, recording(EntryChanged))
        order_id = stage.marketable()
        stage.run_until_fallen()
        stage.fall_all()
        stage.commands.clear()
        stage.port_events.clear()
        stage.start(DESK)
        stage.deliver_all()
        stage.say(stage.signal(Side.NO))
        stage.deliver_all()
        assert stage.refusals[-1] == "the position of this window is not known yet"
        stage.start(EXECUTOR)
        new_id = stage.order(Side.NO, price_ticks=200)
        stage.run_until(lambda: stage.heard(AccountRead), "the account is read")
        stage.run_for(2_000)
        assert stage.commanded(SignOrder) == []
        stage.start(POSITION)
        assert stage.ends(order_id) is OrderStatus.FILLED
        stage.run_until(lambda: stage.commanded(SignOrder), "the ledger agrees")
        stage.reaches(new_id, OrderStatus.ACCEPTED)
        stage.say(stage.signal(Side.YES))
        stage.deliver_all()
        assert "YES would come to 20 shares, over max_shares 15" in stage.refusals[-1]
        stage.hold_against_the_exchange()


# F22


def test_f22_a_child_that_falls_again_and_again_ends_the_run_with_everything_cancelled(
    stage: FaultStage,
) -> None:
    ids = [stage.resting(side) for side in Side]
    for order_id in ids:
        stage.reaches(order_id, OrderStatus.ACCEPTED)
    supervised = SupervisedActors(DESK, POSITION)
    effects = [effect for _ in range(6) for effect in fall_and_return(supervised)]
    (halt,) = {each.message.reason: each.message for each in told(effects, HaltTrading)}.values()
    assert "position crashed 6 times in 60 s" in halt.reason
    assert [
        each.level for each in effects if isinstance(each, Say) and "giving up" in each.text
    ] == ["error"]
    stage.tell(DESK, halt)
    for order_id in ids:
        assert stage.ends(order_id) is OrderStatus.CANCELLED
    assert {order["status"] for order in stage.books["orders"]} == {"CANCELED"}
    stage.run_until(lambda: HaltReport(0) in stage.told(HaltReport), "all is over")
    supervised.say(DESK, HaltReport(0))
    assert supervised.core.report(0, supervised.now_ms).is_cleared
    stage.say(stage.signal())
    stage.deliver_all()
    assert halt.reason in stage.refusals[-1]
    stage.hold_against_the_exchange()


def fall_and_return(supervised: SupervisedActors) -> list[object]:
    """Let the ledger fall, and wait until it is made again."""
    effects: list[object] = list(supervised.fall(POSITION))
    while not any(isinstance(effect, Spawn) for effect in effects):
        effects += supervised.tick(100)
    return effects
