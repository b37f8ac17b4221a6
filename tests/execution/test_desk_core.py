from __future__ import annotations

from typing import Any

import attrs
import pytest
from order_builders import (
    MARKET,
    T0,
    dice,
    position,
    records,
    saved,
    sent,
    settings,
    signal,
    signals,
    stop_loss,
    timers,
    with_close,
)

from actors.core import Effects, Record, Send
from actors.directory.messages import MarketClosing, MarketOpened, Side
from actors.execution.desk import ROUND_MS, DeskCore
from actors.execution.desk_state import OrdersCreated
from actors.execution.exits import EXIT_ATTEMPTS_MAX
from actors.execution.messages import (
    CancelRequested,
    HaltReport,
    HaltTrading,
    OpenOrders,
    OrderClosed,
    OrderDone,
    OrderIntent,
    OrderState,
    OrderStatus,
    OrderUpdated,
    SignalsRefused,
    TimeInForce,
)
from actors.messages import (
    ChildLost,
    JournalFailed,
    PeerRestarted,
    StartChild,
    Started,
    TimerFired,
)
from actors.position.messages import PositionWanted
from actors.roles import DESK, OBSERVER, POSITION, STRATEGY, SUPERVISOR, order_id_of, order_role
from actors.strategy.messages import Action
from actors.units import shares


class Desk:
    """A desk with the rows it saved, so that it can be started again."""

    def __init__(self, **execution: Any) -> None:
        self.settings = settings(**execution)
        self.rows: dict[tuple[str, str], object] = {}
        self.core = DeskCore(DESK, self.settings, dice())
        self.feed(Started(()))

    def ready(self, version: int = 1) -> Desk:
        self.feed(MarketOpened(market=MARKET, strike=None))
        self.feed(position(version))
        return self

    def restart(self, now_ms: int = T0) -> Effects:
        self.core = DeskCore(DESK, self.settings, dice())
        recovers = self.core.RECOVERS
        rows = tuple(value for (kind, _), value in self.rows.items() if kind in recovers)
        return self.feed(Started(rows), now_ms)

    def feed(self, message: object, now_ms: int = T0) -> Effects:
        effects = self.core.handle(message, now_ms)
        for key, save in saved(effects).items():
            self.rows[key] = save.value
        return effects

    def accept(self, *each: Any, **changes: Any) -> list[OrderIntent]:
        """Have signals carried out; returns what the orders are to be."""
        effects = self.feed(signals(*each, **changes), changes.get("at_ms", T0))
        assert refusals(effects) == []
        (created,) = [record.event for record in records(effects)]
        assert isinstance(created, OrdersCreated)
        return list(created.intents)

    def end(self, intent: OrderIntent, version: int = 0, now_ms: int = T0) -> Effects:
        """Let an order end; its record is then closed."""
        status = OrderStatus.FILLED if version else OrderStatus.REJECTED
        state = OrderState(intent=intent, status=status, position_version=version)
        effects = self.feed(OrderUpdated(state), now_ms)
        self.rows.pop(("order", intent.order_id), None)
        return effects


def refusals(effects: Effects) -> list[str]:
    return [message.reason for message in sent(effects, SignalsRefused, OBSERVER)]


def live(effects: Effects, to: str = STRATEGY) -> list[tuple[Side, str]]:
    return list(sent(effects, OpenOrders, to)[-1].live)


def starts(effects: Effects) -> list[str]:
    return [message.role for message in sent(effects, StartChild, SUPERVISOR)]


# Acceptance


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
    assert "heard last is version 1" in refusals(early)[0]
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
    assert desk.feed(ChildLost("spare/3"), T0 + 9_000) == []


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


def test_open_orders_are_said_every_round_so_that_a_lost_one_blocks_no_side() -> None:
    desk = Desk().ready()
    assert live(desk.feed(TimerFired("round"))) == []


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


# The stop loss


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
    effects = desk.feed(stop_loss("exit"))
    assert starts(effects) == []
    assert "halted" in refusals(effects)[0]


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
