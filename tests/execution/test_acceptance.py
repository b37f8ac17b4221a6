"""What the desk makes an order of, what it refuses, and why."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from desk_stage import Desk, live, refusals, starts
from order_builders import (
    MARKET,
    T0,
    position,
    records,
    sent,
    settings,
    signal,
    signals,
    with_close,
)

from actors.core import Record, Send
from actors.messages.directory import MarketOpened
from actors.messages.execution import OpenOrders, OrderUpdated, SubmitOrder
from actors.messages.lifecycle import StartChild
from actors.model import Side, TimeInForce
from actors.roles import EXECUTOR, OBSERVER, STRATEGY, order_role
from actors.units import shares


def test_a_signal_becomes_one_order_that_is_recorded_then_started_then_told() -> None:
    desk = Desk().ready()
    effects = desk.feed(signals(signal(Side.YES, 450, 10), signals_id=7))
    assert isinstance(effects[0], Record)
    (intent,) = effects[0].event.intents  # type: ignore[attr-defined]
    assert (intent.side, intent.price_ticks, intent.size_units) == (Side.YES, 450, shares(10))
    assert (intent.time_in_force, intent.expires_at_ms) == (TimeInForce.GTC, T0 + 3_000)
    assert starts(effects) == [order_role(intent.order_id)]
    assert [each.order.intent for each in sent(effects, OrderUpdated, OBSERVER)] == [intent]
    assert live(effects) == [(Side.YES, intent.order_id)]
    assert sent(effects, OpenOrders, STRATEGY)[0].answers_signals_id == 7
    kinds = {(save.kind, save.key) for save in effects[0].saves}
    assert kinds == {("order", intent.order_id), ("desk", "desk")}


def test_an_order_leaves_right_after_its_record_and_needs_no_actor_for_it() -> None:
    desk = Desk().ready()
    effects = desk.feed(signals(signal(Side.YES, 450), signal(Side.NO, 500)))
    assert isinstance(effects[0], Record)
    submits = [SubmitOrder(intent) for intent in effects[0].event.intents]  # type: ignore[attr-defined]
    assert effects[1:3] == [Send(EXECUTOR, submit) for submit in submits]
    assert isinstance(effects[3], Send)
    assert isinstance(effects[3].message, StartChild)


def test_an_order_of_the_past_is_started_and_left_to_say_for_itself_what_it_wants() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.restart()
    assert starts(effects) == [order_role(intent.order_id)]
    assert sent(effects, SubmitOrder, EXECUTOR) == []


def test_order_ids_are_numbered_on_across_restarts() -> None:
    desk = Desk().ready()
    (first,) = desk.accept()
    desk.restart()
    desk.ready(2)
    (second,) = desk.accept(signal(Side.NO), at_ms=T0 + 1, position_version=2)
    assert first.order_id.startswith("order_1_")
    assert second.order_id.startswith("order_2_")
    assert len(second.order_id.rpartition("_")[2]) == 8


def test_both_legs_of_a_pair_are_created_in_one_record_and_name_each_other() -> None:
    desk = Desk().ready()
    yes, no = desk.accept(signal(Side.YES, 450), signal(Side.NO, 500))
    assert (yes.pair_id, no.pair_id) == (no.order_id, yes.order_id)


def test_a_snapshot_may_be_as_far_ahead_as_it_may_be_old() -> None:
    limit_ms = settings().strategy.max_book_age_ms
    assert "ahead" in refusals(Desk().ready().feed(signals(at_ms=T0 + limit_ms + 1), T0))[0]
    assert "old" in refusals(Desk().ready().feed(signals(at_ms=T0 - limit_ms - 1), T0))[0]
    for at_ms in (T0 - limit_ms, T0 + limit_ms):
        assert starts(Desk().ready().feed(signals(at_ms=at_ms), T0))


def test_each_of_several_signals_is_refused_by_itself() -> None:
    said = signals(signal(Side.YES, 455), signal(Side.NO, 505), is_pair=False)
    told = refusals(Desk().ready().feed(said))
    assert [reason[:16] for reason in told] == ["YES price 0.455 ", "NO price 0.505 i"]


@pytest.mark.parametrize("busy_side", list(Side))
def test_invariant_2_a_pair_is_taken_whole_or_not_at_all(busy_side: Side) -> None:
    desk = Desk().ready()
    desk.accept(signal(busy_side))
    effects = desk.feed(signals(signal(Side.YES), signal(Side.NO), at_ms=T0 + 1))
    assert "busy" in refusals(effects)[0]
    assert records(effects) == []
    assert starts(effects) == []


def test_no_order_outlives_its_window() -> None:
    desk = Desk()
    desk.feed(MarketOpened(market=with_close(T0 + 1_000), strike=None))
    desk.feed(position(1))
    (intent,) = desk.accept()
    assert intent.expires_at_ms == T0 + 1_000


ONE_SHARE_TOO_FEW = signal(size=4)
REFUSED: dict[str, tuple[Any, str]] = {
    "another window": (signals(market_id="0xother"), "open window"),
    "old snapshot": (signals(at_ms=T0 - 2_001), "2001 ms old"),
    "stale position": (signals(position_version=0), "stale"),
    "same side twice": (signals(signal(), signal()), "same side"),
    "below the minimum size": (signals(ONE_SHARE_TOO_FEW), "minimum"),
    "below the minimum notional": (signals(signal(price_ticks=100, size=9)), "$0.9"),
    "off the grid": (signals(signal(price_ticks=455)), "grid"),
    "price of nothing": (signals(signal(price_ticks=0)), "between"),
    "price of the payout": (signals(signal(price_ticks=1000)), "between"),
    "one leg too small": (signals(signal(Side.YES), signal(Side.NO, size=4)), "minimum"),
}


@pytest.mark.parametrize(("message", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_is_told_with_its_reason_and_answered(message: Any, reason: str) -> None:
    desk = Desk().ready()
    effects = desk.feed(message)
    assert records(effects) == []
    assert starts(effects) == []
    (told,) = refusals(effects)
    assert reason in told
    (answer,) = sent(effects, OpenOrders, STRATEGY)
    assert answer.answers_signals_id == message.signals_id


def test_the_venues_finer_grid_near_the_ends_is_left_to_the_venue() -> None:
    desk = Desk().ready()
    assert desk.accept(signal(price_ticks=965))


def test_nothing_is_taken_before_a_window_is_open() -> None:
    desk = Desk()
    desk.feed(position(1))
    assert refusals(desk.feed(signals())) == ["no window is open"]


def test_f21_nothing_is_taken_before_the_position_is_known() -> None:
    desk = Desk()
    desk.feed(MarketOpened(market=MARKET, strike=None))
    assert "not known yet" in refusals(desk.feed(signals()))[0]
    assert not desk.core.is_serving
    desk.feed(position(1))
    assert desk.core.is_serving
    assert desk.accept(signals_id=2)


def test_f21_nothing_is_taken_after_a_restart_before_the_position_is_heard_again() -> None:
    desk = Desk().ready()
    desk.restart()
    desk.feed(MarketOpened(market=MARKET, strike=None))
    assert "not known yet" in refusals(desk.feed(signals()))[0]
    desk.feed(position(5))
    assert "stale" in refusals(desk.feed(signals(position_version=4)))[0]
    assert desk.accept(position_version=5)


def test_more_than_max_open_orders_are_refused() -> None:
    desk = Desk(max_open_orders=2).ready()
    desk.accept(signal(Side.YES), signal(Side.NO))
    other = attrs.evolve(MARKET, market_id="0xnext", closes_at_ms=MARKET.closes_at_ms + 1)
    desk.feed(MarketOpened(market=other, strike=None))
    desk.feed(position(1, market=other))
    effects = desk.feed(signals(market_id="0xnext", at_ms=T0 + 1))
    assert "max_open_orders 2" in refusals(effects)[0]


def test_a_second_copy_of_signals_is_not_carried_out_even_when_the_side_is_free_again() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    desk.end(intent)
    assert "already" in refusals(desk.feed(signals()))[0]
    desk.restart()
    desk.ready()
    assert "already" in refusals(desk.feed(signals()))[0]
