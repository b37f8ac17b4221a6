"""The life of orders as the desk sees it, the window, and halts."""

from __future__ import annotations

import attrs
import pytest
from desk_stage import Desk, bids, live, refusals, starts
from order_builders import MARKET, T0, position, records, sent, signal, signals, stop_loss, timers

from actors.core import Record, Send
from actors.execution.desk import QUIET_ROUNDS, ROUND_MS
from actors.messages.directory import MarketClosing, MarketOpened
from actors.messages.execution import (
    CancelRequested,
    OpenOrders,
    OrderClosed,
    OrderDone,
    OrderState,
    OrderStatus,
    OrderUpdated,
)
from actors.messages.halts import HaltReport, HaltTrading
from actors.messages.lifecycle import (
    ChildLost,
    JournalFailed,
    PeerRestarted,
    SettingsReplaced,
    TimerFired,
)
from actors.messages.market import SnapshotWanted
from actors.messages.position import PositionWanted
from actors.model import Side
from actors.roles import DESK, OBSERVER, POSITION, STRATEGY, SUPERVISOR, order_id_of, order_role

# The life of orders


def test_a_side_is_free_again_when_its_order_ended_and_the_order_is_let_go() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.end(intent)
    assert sent(effects, OrderDone, order_role(intent.order_id)) == [OrderDone(intent.order_id)]
    assert live(effects) == []


def test_f25_an_order_that_the_venue_ended_frees_its_side() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    cancelled = OrderState(
        intent=intent,
        status=OrderStatus.CANCELLED,
        end_reason="not enough balance",
        final_filled_units=0,
    )
    assert live(desk.feed(OrderUpdated(cancelled))) == []


def test_invariant_2_signals_computed_before_a_finished_orders_fills_are_stale() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.end(intent, version=4)
    first_record = next(i for i, each in enumerate(effects) if isinstance(each, Record))
    assert first_record < next(i for i, each in enumerate(effects) if isinstance(each, Send))
    stale = desk.feed(signals(at_ms=T0 + 1, position_version=3))
    assert "stale" in refusals(stale)[0]
    desk.feed(position(4))
    assert desk.accept(at_ms=T0 + 1, position_version=4)


def test_a_desk_that_has_missed_a_position_takes_nothing_and_asks_for_it() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    desk.end(intent, version=4)
    early = desk.feed(signals(at_ms=T0 + 1, position_version=4), T0 + 1)
    assert "newest known position is version 1" in refusals(early)[0]
    asked = sent(desk.feed(TimerFired("round")), PositionWanted, POSITION)
    assert asked == [PositionWanted(MARKET.market_id, DESK)]
    desk.feed(position(4))
    assert not sent(desk.feed(TimerFired("round")), PositionWanted)


def test_a_stale_version_is_remembered_across_a_restart() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    desk.end(intent, version=4)
    desk.restart()
    desk.ready(3)
    assert "stale" in refusals(desk.feed(signals(at_ms=T0 + 1, position_version=3)))[0]


def test_a_finished_order_of_another_window_makes_nothing_stale_here() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    other = attrs.evolve(MARKET, market_id="0xnext", closes_at_ms=MARKET.closes_at_ms + 1)
    desk.feed(MarketOpened(market=other, strike=None))
    desk.feed(position(2, market=other))
    desk.end(intent, version=9)
    assert desk.accept(market_id="0xnext", at_ms=T0 + 1, position_version=2)


def test_an_order_whose_fills_are_not_all_booked_keeps_its_side() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    unbooked = OrderState(intent=intent, status=OrderStatus.FILLED, unbooked=frozenset({"t1"}))
    assert desk.feed(OrderUpdated(unbooked)) == []


def test_the_end_of_an_order_is_answered_however_often_it_is_told() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    desk.end(intent, version=4)
    again = desk.end(intent, version=4)
    assert again == [Send(order_role(intent.order_id), OrderDone(intent.order_id))]
    desk.feed(OrderClosed(intent.order_id))
    assert sent(desk.end(intent, version=4), OrderDone)


def test_open_orders_are_started_again_after_a_restart_and_own_their_side() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.restart()
    assert starts(effects) == [order_role(intent.order_id)]
    desk.ready()
    assert "busy" in refusals(desk.feed(signals(at_ms=T0 + 1)))[0]


def test_an_order_that_turns_out_to_be_closed_frees_its_side() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    desk.restart()
    desk.ready()
    assert live(desk.feed(OrderClosed(intent.order_id))) == []
    assert desk.feed(OrderClosed(intent.order_id)) == []


def test_an_order_that_is_silent_is_started_again() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    assert starts(desk.feed(TimerFired("round"), T0 + 1_000)) == []
    desk.feed(OrderUpdated(OrderState(intent=intent)), T0 + 1_500)
    assert starts(desk.feed(TimerFired("round"), T0 + 3_000)) == []
    late = desk.feed(TimerFired("round"), T0 + 3_500)
    assert starts(late) == [order_role(intent.order_id)]
    assert timers(late) == {"round": ROUND_MS}


def test_a_fallen_order_is_started_again_but_not_faster_than_once_a_second() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    role = order_role(intent.order_id)
    assert starts(desk.feed(ChildLost(role), T0 + 50)) == [role]  # also when it is just made
    assert starts(desk.feed(ChildLost(role), T0 + 1_000)) == []
    assert starts(desk.feed(TimerFired("round"), T0 + 2_000)) == [role]


def test_a_role_that_is_no_order_of_the_desks_is_not_started() -> None:
    desk = Desk().ready()
    assert desk.feed(ChildLost("order/order_9_99999999"), T0 + 9_000) == []
    assert desk.feed(ChildLost("strategy"), T0 + 9_000) == []


# The window


def test_the_end_of_the_window_ends_its_orders_until_they_have_ended() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    role = order_role(intent.order_id)
    effects = desk.feed(MarketClosing(MARKET.market_id))
    assert sent(effects, CancelRequested, role)
    assert sent(effects, OpenOrders, STRATEGY)[0].is_stopped
    assert sent(desk.feed(TimerFired("round")), CancelRequested, role)
    desk.end(intent)
    assert not sent(desk.feed(TimerFired("round")), CancelRequested)
    assert "over" in refusals(desk.feed(signals(at_ms=T0 + 1)))[0]


def test_a_window_is_over_at_its_time_even_if_nobody_says_so() -> None:
    desk = Desk().ready()
    late = signals(at_ms=MARKET.closes_at_ms)
    assert "over" in refusals(desk.feed(late, MARKET.closes_at_ms))[0]


def test_a_late_copy_of_an_earlier_opening_changes_nothing() -> None:
    desk = Desk()
    later = attrs.evolve(MARKET, market_id="0xnext", closes_at_ms=MARKET.closes_at_ms + 1)
    desk.feed(MarketOpened(market=later, strike=None))
    assert desk.feed(MarketOpened(market=MARKET, strike=None)) == []
    desk.feed(position(1, market=later))
    assert desk.accept(market_id="0xnext")


def test_open_orders_are_said_again_so_that_a_lost_one_blocks_no_side() -> None:
    desk = Desk().ready()
    said = [desk.feed(TimerFired("round")) for _ in range(2 * QUIET_ROUNDS)]
    assert [live(effects) for effects in said if sent(effects, OpenOrders)] == [[], []]
    desk.feed(signals(signals_id=900))
    assert all(live(desk.feed(TimerFired("round"))) for _ in range(3))


@pytest.mark.parametrize("role", [STRATEGY, OBSERVER])
def test_a_strategy_or_observer_that_restarted_is_told_the_open_orders(role: str) -> None:
    desk = Desk().ready()
    desk.feed(signals(signals_id=900))
    effects = desk.feed(PeerRestarted(role))
    assert len(live(effects, role)) == 1
    assert desk.feed(PeerRestarted("position")) == []


def test_a_new_strategy_is_not_taken_for_answered() -> None:
    desk = Desk().ready()
    desk.feed(signals(signals_id=900))
    (message,) = sent(desk.feed(PeerRestarted(STRATEGY)), OpenOrders)
    assert message.answers_signals_id == 0


# Halts


def test_a_halt_takes_nothing_more_and_reports_what_is_left() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.feed(HaltTrading("shutting down", cancel=True))
    assert sent(effects, CancelRequested, order_role(intent.order_id))
    assert sent(effects, HaltReport, SUPERVISOR) == [HaltReport(1)]
    assert "halted" in refusals(desk.feed(signals(signal(Side.NO), at_ms=T0 + 1)))[0]
    assert sent(desk.end(intent), HaltReport, SUPERVISOR) == [HaltReport(0)]


def test_a_halt_may_leave_orders_to_end_by_themselves() -> None:
    desk = Desk().ready()
    desk.accept()
    effects = desk.feed(HaltTrading("operator", cancel=False))
    assert not sent(effects, CancelRequested)
    assert sent(effects, HaltReport) == [HaltReport(1)]


def test_a_halt_sells_nothing_either() -> None:
    desk = Desk().ready()
    desk.feed(HaltTrading("operator", cancel=False))
    desk.feed(position(2, yes=10))
    assert not sent(desk.feed(stop_loss("exit")), SnapshotWanted)
    assert starts(desk.feed(bids(200))) == []


def test_f27_a_journal_that_cannot_be_written_halts_without_a_record_and_cancels() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.feed(JournalFailed("position", "disk full"))
    assert records(effects) == []
    assert sent(effects, CancelRequested, order_role(intent.order_id))
    assert "disk full" in refusals(desk.feed(signals(signal(Side.NO), at_ms=T0 + 1)))[0]


def test_every_started_role_is_an_orders() -> None:
    desk = Desk().ready()
    effects = desk.feed(signals(signal(Side.YES), signal(Side.NO)))
    assert all(order_id_of(role) for role in starts(effects))


def test_desk_and_strategy_decide_by_the_same_settings_or_not_at_all() -> None:
    desk = Desk().ready()
    desk.feed(SettingsReplaced(attrs.evolve(desk.core.settings, number=2)))
    (reason,) = refusals(desk.feed(signals()))
    assert reason == "decided by settings 0, and settings 2 are in force here"
    (intent,) = desk.accept(settings_number=2)
    assert intent.settings_number == 2


def test_a_limit_that_was_replaced_holds_for_the_next_order() -> None:
    desk = Desk().ready()
    risk = attrs.evolve(desk.core.settings.risk, max_order_dollars=1)
    desk.feed(SettingsReplaced(attrs.evolve(desk.core.settings, number=2, risk=risk)))
    (reason,) = refusals(desk.feed(signals(settings_number=2)))
    assert "max_order_dollars" in reason
