"""The stop loss: what it stops, and how it sells."""

from __future__ import annotations

from typing import Any

import pytest
from desk_stage import Desk, bids, refusals, starts
from order_builders import position, records, sent, signals, stop_loss

from actors.core import Effects, Record
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.messages.execution import CancelRequested, OpenOrders, OrderIntent, OrderUpdated
from actors.messages.halts import HaltTrading, ResumeTrading
from actors.messages.lifecycle import TimerFired
from actors.messages.market import SnapshotWanted
from actors.model import Action, Side, TimeInForce
from actors.roles import MARKET_STATE, OBSERVER, STRATEGY, order_role
from actors.units import shares


def test_a_stop_loss_stops_the_window_across_a_restart() -> None:
    desk = Desk().ready()
    effects = desk.feed(stop_loss("halt"))
    assert isinstance(effects[0], Record)
    assert sent(effects, OpenOrders, STRATEGY)[0].is_stopped
    assert records(desk.feed(stop_loss("halt"))) == []
    desk.restart()
    desk.ready()
    assert "stop loss" in refusals(desk.feed(signals()))[0]


def test_a_stop_loss_keeps_the_position_unless_it_is_to_exit() -> None:
    desk = Desk().ready()
    desk.feed(position(2, yes=10))
    assert starts(desk.feed(stop_loss("halt"))) == []


def exit_desk(**changes: Any) -> tuple[Desk, Effects]:
    """A stopped desk that holds 10 YES, and what it does when it sees a bid of 0.2."""
    desk = Desk().ready()
    desk.feed(position(2, yes=10))
    assert sent(desk.feed(stop_loss("exit", **changes)), SnapshotWanted, MARKET_STATE)
    return desk, desk.feed(bids(200))


def sold(effects: Effects) -> list[OrderIntent]:
    return [each.order.intent for each in sent(effects, OrderUpdated, OBSERVER)]


def wants_book(effects: Effects) -> bool:
    return bool(sent(effects, SnapshotWanted, MARKET_STATE))


def test_an_exit_sells_what_is_held_at_the_bid_at_once_or_not_at_all() -> None:
    _, effects = exit_desk()
    (sale,) = sold(effects)
    assert (sale.action, sale.side, sale.time_in_force) == (Action.SELL, Side.YES, TimeInForce.FAK)
    assert (sale.price_ticks, sale.size_units, sale.position_version) == (200, shares(10), 2)
    assert "YES bid 0.20 x 50" in sale.basis


def test_an_exit_sells_either_side() -> None:
    desk = Desk().ready()
    desk.feed(position(2, no=10))
    desk.feed(stop_loss("exit", side=Side.NO))
    (sale,) = sold(desk.feed(bids(200, Side.NO)))
    assert (sale.action, sale.side, sale.size_units) == (Action.SELL, Side.NO, shares(10))


def test_what_is_held_of_both_sides_is_no_stop_loss_s_to_sell() -> None:
    desk = Desk().ready()
    desk.feed(position(2, yes=10, no=3))
    desk.feed(stop_loss("exit"))
    assert sold(desk.feed(bids(200))) == []


def test_one_exit_at_a_time_and_the_rest_when_its_fills_are_known() -> None:
    desk, effects = exit_desk()
    (sale,) = sold(effects)
    assert not wants_book(desk.feed(TimerFired("round")))
    assert sold(desk.feed(bids(200))) == []
    desk.end(sale, version=3)
    assert not wants_book(desk.feed(TimerFired("round")))
    desk.feed(position(3, yes=6))
    assert wants_book(desk.feed(TimerFired("round")))
    (rest,) = sold(desk.feed(bids(190)))
    assert (rest.price_ticks, rest.size_units) == (190, shares(6))


def test_an_exit_waits_for_a_purchase_under_way_and_ends_it() -> None:
    desk = Desk().ready()
    (purchase,) = desk.accept()
    desk.feed(position(2, yes=10))
    effects = desk.feed(stop_loss("exit"))
    assert sent(effects, CancelRequested, order_role(purchase.order_id))
    assert not wants_book(effects)
    desk.end(purchase)
    assert wants_book(desk.feed(TimerFired("round")))
    assert len(sold(desk.feed(bids(200)))) == 1


def test_an_exit_is_tried_a_bounded_number_of_times() -> None:
    desk, effects = exit_desk()
    count = 0
    for _ in range(3 * EXIT_ATTEMPTS_MAX):
        for sale in sold(effects):
            count += 1
            desk.end(sale)
        effects = desk.feed(bids(200)) if wants_book(desk.feed(TimerFired("round"))) else []
    assert count == EXIT_ATTEMPTS_MAX


@pytest.mark.parametrize(
    "snapshot", [position(3), position(3, yes=10, no=4)], ids=["nothing held", "a pair held"]
)
def test_an_exit_sells_only_a_one_sided_holding(snapshot: Any) -> None:
    desk = Desk().ready()
    desk.feed(snapshot)
    assert not wants_book(desk.feed(stop_loss("exit")))
    assert sold(desk.feed(bids(200))) == []


def test_an_exit_that_the_venue_would_not_take_is_refused_with_its_reason_once() -> None:
    desk = Desk().ready()
    desk.feed(position(2, yes=10))
    desk.feed(stop_loss("exit"))
    assert "minimum" in refusals(desk.feed(bids(90)))[0]
    for _ in range(EXIT_ATTEMPTS_MAX + 1):
        assert wants_book(desk.feed(TimerFired("round")))
        assert refusals(desk.feed(bids(90))) == []
    assert len(sold(desk.feed(bids(110)))) == 1


def test_an_exit_waits_while_trading_is_halted_and_goes_on_when_it_is_resumed() -> None:
    desk, effects = exit_desk()
    (sale,) = sold(effects)
    desk.feed(HaltTrading("enough", cancel=False, who="a person"))
    desk.end(sale)
    assert not wants_book(desk.feed(TimerFired("round")))
    assert sold(desk.feed(bids(200))) == []
    desk.feed(ResumeTrading(who="a person", reason="again", request_id=0))
    assert wants_book(desk.feed(TimerFired("round")))


def test_an_exit_goes_on_after_a_restart() -> None:
    desk, effects = exit_desk()
    (sale,) = sold(effects)
    desk.end(sale)
    desk.restart()
    desk.ready(2)
    desk.feed(position(3, yes=10))
    assert wants_book(desk.feed(TimerFired("round")))
    assert len(sold(desk.feed(bids(150)))) == 1
