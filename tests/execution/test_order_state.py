from __future__ import annotations

import attrs
import pytest
from order_builders import EVENTS_BY_NAME, ORDER_ID, T0, detail, fill, order, typical

from actors.execution.order_state import (
    TRANSITIONS,
    IllegalTransition,
    apply,
    apply_report,
    events_in,
)
from actors.messages.execution import (
    TERMINAL_STATUSES,
    Fill,
    FillFailed,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderReport,
    OrderState,
    OrderStatus,
)
from actors.units import shares

EVENT_TYPES = {type(event) for event in EVENTS_BY_NAME.values()}
PAIRS = [(status, event_type) for status in OrderStatus for event_type in EVENT_TYPES]
PAIRS.sort(key=lambda pair: (pair[0].value, pair[1].__name__))


@pytest.mark.parametrize(
    ("status", "event_type"), [pair for pair in PAIRS if pair in TRANSITIONS], ids=str
)
def test_a_legal_pair_leads_where_the_table_says(status: OrderStatus, event_type: type) -> None:
    before = typical(status)
    after = apply(before, EVENTS_BY_NAME[event_type.__name__], T0)
    assert after.status is TRANSITIONS[status, event_type]


@pytest.mark.parametrize(
    ("status", "event_type"), [pair for pair in PAIRS if pair not in TRANSITIONS], ids=str
)
def test_an_illegal_pair_raises_and_changes_nothing(status: OrderStatus, event_type: type) -> None:
    before = typical(status)
    copy = attrs.evolve(before)
    with pytest.raises(IllegalTransition):
        apply(before, EVENTS_BY_NAME[event_type.__name__], T0)
    assert before == copy


def test_the_table_knows_every_status_and_every_event() -> None:
    assert {status for status, _ in TRANSITIONS} == set(OrderStatus)
    assert {event_type for _, event_type in TRANSITIONS} == EVENT_TYPES


def test_no_row_leads_out_of_a_terminal_status() -> None:
    for (status, _), after in TRANSITIONS.items():
        assert status not in TERMINAL_STATUSES or after is status


def test_invariant_5_unknown_is_left_only_by_what_the_venue_says() -> None:
    leaving = {
        event_type
        for (status, event_type), after in TRANSITIONS.items()
        if status is OrderStatus.UNKNOWN and after is not status
    }
    assert {each.__name__ for each in leaving} == {
        "OrderAccepted",
        "OrderRejected",
        "Fill",
        "OrderCompleted",
        "OrderCancelled",
    }


def test_f7_a_trade_told_again_counts_once() -> None:
    once = apply(typical(OrderStatus.ACCEPTED), fill("t1", 4), T0)
    assert apply(once, fill("t1", 4), T0 + 5) is once


def test_f8_one_trade_id_counts_for_each_order_by_itself() -> None:
    first = apply(typical(OrderStatus.ACCEPTED), fill("shared", 4), T0)
    other_intent = attrs.evolve(first.intent, order_id="order_2_00000002")
    second = OrderState(intent=other_intent, status=OrderStatus.ACCEPTED)
    second = apply(second, Fill("order_2_00000002", detail("shared", 2)), T0)
    assert (first.filled_units, second.filled_units) == (shares(4), shares(2))


def test_f10_a_fill_may_come_before_the_acceptance() -> None:
    filled = apply(typical(OrderStatus.PENDING), fill("t1", 4), T0)
    assert filled.status is OrderStatus.PARTIALLY_FILLED
    accepted = apply(filled, OrderAccepted(ORDER_ID, "venue-1"), T0)
    assert accepted.status is OrderStatus.PARTIALLY_FILLED
    assert accepted.venue_order_id == "venue-1"


def test_f11_a_late_acceptance_does_not_revive_a_finished_order() -> None:
    for status in (OrderStatus.FILLED, OrderStatus.CANCELLED):
        assert apply(typical(status), OrderAccepted(ORDER_ID, None), T0).status is status


def test_a_fill_that_raced_the_cancel_counts_and_the_status_stays() -> None:
    after = apply(typical(OrderStatus.CANCELLED), fill("t1", 10), T0)
    assert after.status is OrderStatus.CANCELLED
    assert after.filled_units == shares(10)
    assert after.unbooked == {"t1"}


def test_no_fill_ends_an_order_whatever_its_size_and_one_after_the_end_counts_too() -> None:
    after = apply(order(OrderStatus.PARTIALLY_FILLED, 8), fill("t1", 3), T0)
    assert (after.status, after.filled_units, after.leaves_units) == (
        OrderStatus.PARTIALLY_FILLED,
        shares(11),
        0,
    )
    ended = apply(after, OrderCompleted(ORDER_ID), T0)
    later = apply(ended, fill("t2", 1), T0)
    assert (later.status, later.filled_units) == (OrderStatus.FILLED, shares(12))
    assert later.unbooked == {"t1", "t2"}


def test_a_fill_of_nothing_is_refused_loudly() -> None:
    with pytest.raises(AssertionError, match="cannot take"):
        apply(order(OrderStatus.PARTIALLY_FILLED, 8), fill("t1", 0), T0)


def test_an_event_of_another_order_is_refused_loudly() -> None:
    with pytest.raises(AssertionError, match="another order"):
        apply(typical(OrderStatus.ACCEPTED), OrderAccepted("order_9_00000009", None), T0)


def test_f6_a_reversal_takes_the_shares_back_and_leaves_the_status() -> None:
    failed = FillFailed(ORDER_ID, "old-0", "did not settle")
    after = apply(typical(OrderStatus.FILLED), failed, T0)
    assert (after.status, after.filled_units) == (OrderStatus.FILLED, 0)
    assert after.unbooked_reversals == {"old-0"}
    assert apply(after, failed, T0 + 1) is after


def test_f6_a_reversal_that_overtakes_its_fill_makes_it_count_nothing() -> None:
    early = apply(typical(OrderStatus.ACCEPTED), FillFailed(ORDER_ID, "t1", "failed"), T0)
    after = apply(early, fill("t1", 4), T0)
    assert after.filled_units == 0
    assert not after.unbooked
    assert not after.unbooked_reversals
    assert after.traded_units == shares(4)


def test_an_event_without_news_returns_the_very_same_order() -> None:
    before = typical(OrderStatus.ACCEPTED)
    assert apply(before, OrderAccepted(ORDER_ID, None), T0 + 9) is before


def test_a_report_says_the_same_as_its_events_one_by_one() -> None:
    report = OrderReport(
        order_id=ORDER_ID,
        status=OrderStatus.CANCELLED,
        fills=(detail("t1", 2), detail("t2", 3)),
        failed_trade_ids=("t1",),
        reason="expired",
    )
    news = apply_report(typical(OrderStatus.PENDING), report, T0)
    assert [event for event, _ in news] == list(events_in(report))
    after = news[-1][1]
    assert after.status is OrderStatus.CANCELLED
    assert after.filled_units == shares(3)
    assert after.end_reason == "expired"
    assert apply_report(after, report, T0 + 1) == []


def test_a_report_of_a_whole_fill_tells_the_venues_id_too() -> None:
    report = OrderReport(
        order_id=ORDER_ID,
        status=OrderStatus.FILLED,
        fills=(detail("t1", 10),),
        venue_order_id="venue-1",
    )
    after = apply_report(typical(OrderStatus.PENDING), report, T0)[-1][1]
    assert (after.status, after.venue_order_id) == (OrderStatus.FILLED, "venue-1")


def test_a_contradicting_report_changes_nothing_at_all() -> None:
    before = typical(OrderStatus.ACCEPTED)
    report = OrderReport(
        order_id=ORDER_ID, status=OrderStatus.REJECTED, fills=(detail("t1", 2),), reason="no"
    )
    with pytest.raises(IllegalTransition, match="cannot take"):
        apply_report(before, report, T0)
    assert before.fills == ()


def test_f25_the_venues_own_reason_for_ending_an_order_is_kept() -> None:
    ended = apply(
        typical(OrderStatus.ACCEPTED), OrderCancelled(ORDER_ID, "not enough balance", 0), T0
    )
    again = apply(ended, OrderCancelled(ORDER_ID, "time to live", 0), T0)
    assert again.end_reason == "not enough balance"
