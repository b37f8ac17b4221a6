"""The stop loss: what it stops, and how it sells."""

from __future__ import annotations

from typing import Any

import pytest
from desk_stage import Desk, refusals, starts
from order_builders import (
    T0,
    position,
    records,
    sent,
    signals,
    stop_loss,
)

from actors.core import Effects, Record
from actors.directory.messages import Side
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.messages import (
    CancelRequested,
    OpenOrders,
    OrderUpdated,
    TimeInForce,
)
from actors.messages import (
    TimerFired,
)
from actors.roles import OBSERVER, STRATEGY, order_role
from actors.strategy.messages import Action
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
    desk = Desk().ready()
    desk.feed(position(2, yes=10))
    return desk, desk.feed(stop_loss("exit", **changes))


def test_an_exit_sells_what_is_held_at_the_bid_at_once_or_not_at_all() -> None:
    _, effects = exit_desk()
    (sale,) = [each.order.intent for each in sent(effects, OrderUpdated, OBSERVER)]
    assert (sale.action, sale.side, sale.time_in_force) == (Action.SELL, Side.YES, TimeInForce.FAK)
    assert (sale.price_ticks, sale.size_units) == (200, shares(10))


def test_one_exit_at_a_time_and_the_rest_when_its_fills_are_known() -> None:
    desk, effects = exit_desk()
    (sale,) = [each.order.intent for each in sent(effects, OrderUpdated, OBSERVER)]
    assert starts(desk.feed(TimerFired("round"))) == []
    desk.end(sale, version=3)
    assert starts(desk.feed(TimerFired("round"))) == []
    desk.feed(position(3, yes=6))
    again = desk.feed(TimerFired("round"))
    (rest,) = [each.order.intent for each in sent(again, OrderUpdated, OBSERVER)]
    assert rest.size_units == shares(6)


def test_an_exit_waits_for_a_purchase_under_way_and_ends_it() -> None:
    desk = Desk().ready()
    (purchase,) = desk.accept()
    desk.feed(position(2, yes=10))
    effects = desk.feed(stop_loss("exit"))
    assert sent(effects, CancelRequested, order_role(purchase.order_id))
    assert starts(effects) == []
    desk.end(purchase)
    assert len(starts(desk.feed(TimerFired("round")))) == 1


def test_an_exit_is_tried_a_bounded_number_of_times() -> None:
    desk, effects = exit_desk()
    count = 0
    for step in range(1, 3 * EXIT_ATTEMPTS_MAX):
        for message in sent(effects, OrderUpdated, OBSERVER):
            count += 1
            desk.end(message.order.intent)
        effects = desk.feed(TimerFired("round"), T0 + step)
    assert count == EXIT_ATTEMPTS_MAX


@pytest.mark.parametrize(
    "snapshot", [position(3), position(3, yes=10, no=4)], ids=["nothing held", "a pair held"]
)
def test_an_exit_sells_only_a_one_sided_holding(snapshot: Any) -> None:
    desk = Desk().ready()
    desk.feed(snapshot)
    assert starts(desk.feed(stop_loss("exit"))) == []


def test_an_exit_without_a_bid_has_no_one_to_sell_to() -> None:
    _, effects = exit_desk(best_bid_ticks=0)
    assert starts(effects) == []


def test_an_exit_that_the_venue_would_not_take_is_refused_with_its_reason() -> None:
    _, effects = exit_desk(best_bid_ticks=90)
    assert "minimum" in refusals(effects)[0]


def test_an_exit_goes_on_after_a_restart() -> None:
    desk, effects = exit_desk()
    (sale,) = [each.order.intent for each in sent(effects, OrderUpdated, OBSERVER)]
    desk.end(sale)
    desk.restart()
    desk.ready(2)
    desk.feed(position(3, yes=10))
    assert len(starts(desk.feed(TimerFired("round")))) == 1
