from __future__ import annotations

from typing import Any

import attrs
import pytest
from order_builders import (
    ORDER_ID,
    SETTINGS,
    T0,
    detail,
    dice,
    fill,
    intent,
    order,
    records,
    saved,
    sent,
    timers,
)

from actors.core import Effects, Log, Record, Save, Send, Stop
from actors.execution.order import ANSWER_LIMIT_MS, BOOKING_LIMIT_MS, QUERY_PERIOD_MS, OrderCore
from actors.messages.execution import (
    CancelOrder,
    CancelRequested,
    FillReversed,
    OrderAccepted,
    OrderClosed,
    OrderDone,
    OrderFilled,
    OrderRejected,
    OrderReport,
    OrderState,
    OrderStatus,
    OrderUpdated,
    QueryOrder,
    SubmitOrder,
)
from actors.messages.lifecycle import PeerRestarted, Started, TimerFired
from actors.messages.position import FillBooked
from actors.model import FillDetail
from actors.roles import DESK, EXECUTOR, OBSERVER, POSITION, order_role
from actors.units import shares

EXPIRES = T0 + 3_000


def core_of(state: OrderState | None = None, now_ms: int = T0) -> tuple[OrderCore, Effects]:
    core = OrderCore(order_role(ORDER_ID), SETTINGS, dice())
    state = OrderState(intent=intent()) if state is None else state
    return core, core.handle(Started((state,)), now_ms)


def booked(trade_id: str, version: int, *, is_reversal: bool = False) -> FillBooked:
    return FillBooked(
        order_id=ORDER_ID, trade_id=trade_id, is_reversal=is_reversal, version=version
    )


def feed(core: OrderCore, *messages: object, now_ms: int = T0) -> Effects:
    effects: Effects = []
    for message in messages:
        effects = core.handle(message, now_ms)
    return effects


def report(status: OrderStatus | None, *fills: FillDetail, **more: Any) -> OrderReport:
    return OrderReport(order_id=ORDER_ID, status=status, fills=fills, **more)


def partly(*trades: tuple[str, int], **more: Any) -> OrderReport:
    """It rests, and has traded this much."""
    fills = (detail(trade_id, size) for trade_id, size in trades)
    return report(OrderStatus.PARTIALLY_FILLED, *fills, **more)


ACCEPTED = report(OrderStatus.ACCEPTED, venue_order_id="v")
REJECTED = report(OrderStatus.REJECTED, reason="no")
FILLED = report(OrderStatus.FILLED, detail("t1", 10))


def test_a_new_order_waits_for_the_answer_to_the_desk_and_lives_until_its_time_is_over() -> None:
    core, effects = core_of(now_ms=T0 + 5)
    assert not sent(effects, object, EXECUTOR)
    assert timers(effects) == {"ask": ANSWER_LIMIT_MS - 5, "expire": 2_995}
    assert sent(effects, OrderUpdated, DESK)
    asked = feed(core, TimerFired("ask"), now_ms=T0 + ANSWER_LIMIT_MS)
    assert sent(asked, SubmitOrder, EXECUTOR) == [SubmitOrder(intent())]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (OrderStatus.PENDING, SubmitOrder),
        (OrderStatus.UNKNOWN, QueryOrder),
        (OrderStatus.ACCEPTED, QueryOrder),
        (OrderStatus.PARTIALLY_FILLED, QueryOrder),
    ],
)
def test_a_restart_asks_what_has_left_and_sends_what_may_not_have(
    status: OrderStatus, expected: type
) -> None:
    _, effects = core_of(order(status), now_ms=T0 + ANSWER_LIMIT_MS)
    assert [type(message) for message in sent(effects, object, EXECUTOR)] == [expected]


def test_f19_an_order_that_fell_after_its_record_is_sent_and_told_as_if_new() -> None:
    state = order(OrderStatus.PARTIALLY_FILLED, 4, unbooked=frozenset({"old-0"}))
    _, effects = core_of(state)
    assert [each.fill.trade_id for each in sent(effects, OrderFilled, POSITION)] == ["old-0"]


def test_a_submit_without_an_answer_is_said_again() -> None:
    core, effects = core_of(now_ms=T0 + ANSWER_LIMIT_MS)
    assert timers(effects)["ask"] == ANSWER_LIMIT_MS
    again = feed(core, TimerFired("ask"), now_ms=T0 + 2 * ANSWER_LIMIT_MS)
    assert sent(again, SubmitOrder, EXECUTOR)


def test_an_order_that_rests_is_asked_about_at_its_own_pace() -> None:
    core, _ = core_of()
    feed(core, ACCEPTED)
    effects = feed(core, TimerFired("ask"))
    assert sent(effects, QueryOrder, EXECUTOR)
    assert timers(effects)["ask"] == QUERY_PERIOD_MS


def test_invariant_5_an_unknown_outcome_is_asked_about_and_never_sent_again() -> None:
    core, _ = core_of()
    feed(core, report(OrderStatus.UNKNOWN, reason="no answer"))
    for _round in range(50):
        effects = feed(core, TimerFired("ask"), now_ms=T0 + 1_000)
        assert sent(effects, object, EXECUTOR) == [QueryOrder(ORDER_ID)]
    ended = feed(core, REJECTED)
    assert sent(ended, OrderUpdated, OBSERVER)[0].order.status is OrderStatus.REJECTED


def test_an_executor_that_has_never_heard_of_a_pending_order_is_told() -> None:
    core, _ = core_of()
    effects = feed(core, report(None))
    assert sent(effects, SubmitOrder, EXECUTOR)


@pytest.mark.parametrize(
    ("told", "events"),
    [
        (ACCEPTED, [OrderAccepted(ORDER_ID, "v")]),
        (partly(("t1", 4)), [OrderAccepted(ORDER_ID, None), fill("t1", 4)]),
        (REJECTED, [OrderRejected(ORDER_ID, "no")]),
    ],
    ids=["accepted", "partly filled", "rejected"],
)
def test_invariant_3_each_change_is_recorded_before_anyone_is_told(
    told: OrderReport, events: list[object]
) -> None:
    core, _ = core_of()
    effects = feed(core, told)
    changes = effects[: len(events)]
    assert [each.event for each in records(changes)] == events
    (save,) = records(changes)[-1].saves
    assert (save.kind, save.key, save.is_open) == ("order", ORDER_ID, True)
    assert sent(effects, OrderUpdated, OBSERVER)[0].order == save.value


def test_a_repeated_report_is_neither_recorded_nor_told() -> None:
    core, _ = core_of()
    feed(core, partly(("t1", 4)))
    assert feed(core, partly(("t1", 4))) == []


def test_a_contradiction_is_logged_and_changes_nothing() -> None:
    core, _ = core_of(order(OrderStatus.ACCEPTED))
    (log,) = feed(core, REJECTED)
    assert isinstance(log, Log)
    assert log.level == "error"


def test_each_fill_is_told_to_position_until_it_is_booked() -> None:
    core, _ = core_of()
    first = feed(core, partly(("t1", 4)))
    assert [each.fill.trade_id for each in sent(first, OrderFilled, POSITION)] == ["t1"]
    second = feed(core, partly(("t1", 4), ("t2", 2)))
    assert [each.fill.trade_id for each in sent(second, OrderFilled, POSITION)] == ["t2"]
    assert timers(second)["book"] == BOOKING_LIMIT_MS
    again = feed(core, TimerFired("book"))
    assert [each.fill.trade_id for each in sent(again, OrderFilled, POSITION)] == ["t1", "t2"]
    feed(core, booked("t1", 5), booked("t2", 6))
    assert feed(core, TimerFired("book")) == []


def test_f6_a_reversal_is_told_after_its_fill_is_booked() -> None:
    core, _ = core_of()
    feed(core, partly(("t1", 4)))
    failed = feed(core, partly(("t1", 4), failed_trade_ids=("t1",)))
    assert not sent(failed, FillReversed)
    told = feed(core, booked("t1", 5))
    assert [each.fill for each in sent(told, FillReversed, POSITION)] == [detail("t1", 4)]
    done = feed(core, booked("t1", 6, is_reversal=True))
    assert saved(done)["order", ORDER_ID].value == attrs.evolve(
        saved(done)["order", ORDER_ID].value, unbooked=frozenset(), position_version=6
    )
    assert feed(core, TimerFired("book")) == []


def test_the_desk_hears_of_the_end_only_when_every_fill_is_booked() -> None:
    core, _ = core_of()
    filled = feed(core, FILLED)
    assert not sent(filled, OrderUpdated, DESK)
    effects = feed(core, booked("t1", 7))
    (told,) = sent(effects, OrderUpdated, DESK)
    assert told.order.status is OrderStatus.FILLED
    assert told.order.position_version == 7
    assert isinstance(effects[0], Record)
    assert timers(effects)["announce"] == ANSWER_LIMIT_MS


def test_an_end_that_an_earlier_release_recorded_before_its_fill_is_asked_about_again() -> None:
    old = order(OrderStatus.CANCELLED, final_filled_units=shares(4))
    core, effects = core_of(old)
    assert sent(effects, QueryOrder, EXECUTOR)
    late = feed(core, report(OrderStatus.CANCELLED, detail("t1", 4), reason="expired"))
    assert sent(late, OrderFilled, POSITION)
    assert sent(feed(core, booked("t1", 3)), OrderUpdated, DESK)


def test_a_late_fill_reopens_the_farewell_until_it_is_booked_too() -> None:
    core, _ = core_of()
    cancelled = report(OrderStatus.CANCELLED, reason="expired")
    feed(core, cancelled, attrs.evolve(cancelled, fills=(detail("t1", 4),)))
    assert feed(core, OrderDone(ORDER_ID)) == []
    (told,) = sent(feed(core, booked("t1", 9)), OrderUpdated, DESK)
    assert told.order.position_version == 9


def test_the_end_is_told_to_the_desk_until_it_answers() -> None:
    core, _ = core_of()
    ended = feed(core, REJECTED)
    assert sent(ended, OrderUpdated, DESK)
    assert feed(core, TimerFired("ask")) == []
    assert sent(feed(core, TimerFired("announce")), OrderUpdated, DESK)


def test_the_record_is_closed_last_and_the_actor_leaves() -> None:
    core, _ = core_of()
    feed(core, REJECTED)
    record, told, stop = feed(core, OrderDone(ORDER_ID))
    assert isinstance(record, Record)
    assert [save.is_open for save in record.saves] == [False]
    assert told == Send(DESK, OrderClosed(ORDER_ID))
    assert isinstance(stop, Stop)


def test_an_order_whose_record_is_closed_says_so_and_leaves() -> None:
    core = OrderCore(order_role(ORDER_ID), SETTINGS, dice())
    told, stop = core.handle(Started(()), T0)
    assert told == Send(DESK, OrderClosed(ORDER_ID))
    assert isinstance(stop, Stop)


def test_an_order_recovered_after_its_end_tells_it_again() -> None:
    _, effects = core_of(order(OrderStatus.FILLED, 10, position_version=4))
    assert sent(effects, OrderUpdated, DESK)
    assert not sent(effects, object, EXECUTOR)


def test_its_time_to_live_ends_it() -> None:
    core, _ = core_of()
    feed(core, ACCEPTED)
    effects = feed(core, TimerFired("expire"), now_ms=EXPIRES)
    (cancel,) = sent(effects, CancelOrder, EXECUTOR)
    assert cancel.order_id == ORDER_ID
    again = feed(core, TimerFired("ask"), now_ms=EXPIRES + 1_000)
    assert sent(again, CancelOrder, EXECUTOR)


def test_an_order_recovered_after_its_time_is_taken_back_and_not_sent() -> None:
    _, effects = core_of(now_ms=EXPIRES + 60_000)
    assert [type(message) for message in sent(effects, object, EXECUTOR)] == [CancelOrder]
    assert timers(effects)["expire"] == 0


def test_a_cancel_leaves_even_before_its_record() -> None:
    core, _ = core_of()
    effects = feed(core, CancelRequested(ORDER_ID, "halted"))
    kinds = [type(effect) for effect in effects]
    assert sent(effects, CancelOrder, EXECUTOR)
    assert kinds.index(Send) < kinds.index(Record)
    assert feed(core, CancelRequested(ORDER_ID, "again")) == []


def test_a_cancel_asked_for_before_a_restart_is_not_forgotten() -> None:
    _, effects = core_of(order(OrderStatus.PENDING, cancel_reason="halted"))
    assert sent(effects, object, EXECUTOR) == [CancelOrder(ORDER_ID, "halted")]


@pytest.mark.parametrize(
    ("role", "message_type"),
    [(EXECUTOR, SubmitOrder), (DESK, OrderUpdated), (OBSERVER, OrderUpdated)],
)
def test_a_peer_that_restarted_is_told_what_it_may_have_missed(
    role: str, message_type: type
) -> None:
    core, _ = core_of()
    assert sent(feed(core, PeerRestarted(role)), message_type, role)


def test_a_position_that_restarted_is_told_the_unbooked_fills() -> None:
    core, _ = core_of()
    feed(core, partly(("t1", 4)))
    assert sent(feed(core, PeerRestarted(POSITION)), OrderFilled, POSITION)


def test_other_peers_need_nothing_from_an_order() -> None:
    core, _ = core_of()
    assert feed(core, PeerRestarted("strategy")) == []


def test_nothing_is_done_for_a_record_that_is_not_its_own() -> None:
    core = OrderCore(order_role("order_7_77777777"), SETTINGS, dice())
    with pytest.raises(AssertionError, match="as its record"):
        core.handle(Started((OrderState(intent=intent()),)), T0)


def test_every_record_keeps_the_row_open_until_the_last() -> None:
    core, _ = core_of()
    script: list[Any] = [ACCEPTED, FILLED, booked("t1", 1), OrderDone(ORDER_ID)]
    effects = [effect for message in script for effect in core.handle(message, T0)]
    rows: list[Save] = [save for record in records(effects) for save in record.saves]
    assert [row.is_open for row in rows] == [True, True, True, True, False]
