"""F1-F5: an order leaves, and what comes back is no plain yes."""

from __future__ import annotations

import pytest
from fault_stage import FaultStage

from actors.execution.real.messages import (
    AccountRead,
    PostAnswered,
    PostRefused,
    PostUnclear,
    SignOrder,
)
from actors.messages.execution import TERMINAL_STATUSES, CancelRequested, OrderStatus
from actors.roles import order_role

pytestmark = pytest.mark.processes


def assert_one_order_whole(stage: FaultStage, order_id: str) -> None:
    """It was signed once, all copies were the same bytes, and the venue has it once, filled."""
    assert stage.ends(order_id) is OrderStatus.FILLED
    assert len(stage.commanded(SignOrder)) == 1
    assert len(set(stage.posts(order_id))) == 1
    assert [order["order_id"] for order in stage.books["orders"]] == [
        stage.live(order_id).venue_order_id
    ]
    stage.hold_against_the_exchange()


def hide_next_order(stage: FaultStage) -> None:
    """Let no event and no read tell of the next order, which is taken and not answered."""
    stage.exchange.inject(channel="user", kind="stall")
    stage.exchange.inject(kind="hidden_order", for_ms=600_000)
    stage.exchange.inject(kind="lost_answer")


def show_hidden_order(stage: FaultStage) -> None:
    """Let the user channel tell what it has kept back."""
    stage.exchange.inject(channel="user", kind="resume")
    stage.exchange.inject(kind="replay", count=50)


def test_f01_a_post_whose_answer_is_lost_leaves_exactly_one_order(stage: FaultStage) -> None:
    stage.exchange.inject(kind="lost_answer")
    order_id = stage.marketable()
    assert_one_order_whole(stage, order_id)
    stage.run_until(lambda: stage.heard(PostUnclear), "the answer is missed")
    assert len(stage.posts(order_id)) == 1
    assert OrderStatus.REJECTED not in stage.statuses[order_id]


def test_f01_when_no_read_shows_the_order_the_same_bytes_are_posted_and_known_there(
    stage: FaultStage,
) -> None:
    hide_next_order(stage)
    order_id = stage.resting()
    stage.run_until(lambda: stage.heard(PostRefused), "a second copy is refused")
    assert "Duplicated" in stage.heard(PostRefused)[0].text
    first, second = stage.posts(order_id)
    assert first == second
    show_hidden_order(stage)
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    assert TERMINAL_STATUSES.isdisjoint(stage.statuses[order_id])
    stage.hold_against_the_exchange()


def test_f02_an_answer_of_500_after_the_venue_accepted_leaves_exactly_one_order(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="server_error")
    order_id = stage.marketable()
    assert_one_order_whole(stage, order_id)
    stage.run_until(lambda: stage.heard(PostRefused), "it is answered")
    assert stage.heard(PostRefused)[0].status == 500
    assert len(stage.posts(order_id)) == 1
    assert OrderStatus.REJECTED not in stage.statuses[order_id]


@pytest.mark.parametrize("kind", ["packed_answer", "nested_answer", "endless_answer"])
def test_a_hostile_answer_after_the_venue_accepted_leaves_exactly_one_order(
    stage: FaultStage, kind: str
) -> None:
    stage.exchange.inject(kind=kind)
    order_id = stage.marketable()
    assert_one_order_whole(stage, order_id)  # its fill may be told before all of the answer is
    stage.run_until(lambda: stage.heard(PostUnclear), "the answer is given up")
    assert len(stage.posts(order_id)) == 1
    assert OrderStatus.REJECTED not in stage.statuses[order_id]


@pytest.mark.parametrize("kind", ["packed_answer", "nested_answer", "endless_answer"])
def test_a_hostile_answer_to_a_cancel_is_none_and_it_is_said_again(
    stage: FaultStage, kind: str
) -> None:
    order_id = stage.resting()
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind=kind, target="cancels")
    stage.tell(order_role(order_id), CancelRequested(order_id, "enough"))
    assert stage.ends(order_id) is OrderStatus.CANCELLED


def test_f03_an_order_in_flight_that_no_read_shows_stays_unknown_until_the_venue_tells_of_it(
    stage: FaultStage,
) -> None:
    hide_next_order(stage)
    order_id = stage.resting()
    stage.reaches(order_id, OrderStatus.UNKNOWN)
    known_count = len(stage.heard(AccountRead))
    stage.run_until(lambda: len(stage.heard(AccountRead)) > known_count + 5, "reads go on")
    show_hidden_order(stage)
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    stage.tell(order_role(order_id), CancelRequested(order_id, "enough"))
    assert stage.ends(order_id) is OrderStatus.CANCELLED
    assert stage.statuses[order_id] == [
        OrderStatus.PENDING,
        OrderStatus.UNKNOWN,
        OrderStatus.ACCEPTED,
        OrderStatus.CANCELLED,
    ]
    assert stage.books["orders"][0]["status"].startswith("CANCEL")
    stage.hold_against_the_exchange()


def test_f04_an_order_answered_delayed_is_waited_for_and_never_sent_again(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="long_delay", for_ms=10_000)
    order_id = stage.marketable()
    stage.run_until(lambda: stage.heard(PostAnswered), "it is answered")
    assert stage.heard(PostAnswered)[0].status == "delayed"
    assert_one_order_whole(stage, order_id)
    assert len(stage.posts(order_id)) == 1
    assert stage.took_ms(order_id, OrderStatus.FILLED) >= 10_000
    assert stage.statuses[order_id][:2] == [OrderStatus.PENDING, OrderStatus.ACCEPTED]
    assert TERMINAL_STATUSES.isdisjoint(stage.statuses[order_id][:-1])


def test_f05_an_order_answered_unmatched_is_unknown_and_then_adopted_where_it_rests(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(channel="user", kind="stall")
    stage.exchange.inject(kind="unmatched")
    order_id = stage.resting()
    stage.run_until(lambda: stage.heard(PostAnswered), "it is answered")
    assert stage.heard(PostAnswered)[0].status == "unmatched"
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    assert stage.statuses[order_id] == [
        OrderStatus.PENDING,
        OrderStatus.UNKNOWN,
        OrderStatus.ACCEPTED,
    ]
    assert len(stage.posts(order_id)) == 1
    stage.hold_against_the_exchange()
