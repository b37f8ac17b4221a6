"""F15-F17 and F25: the venue takes nothing for a while, or takes back what it had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_stage import FaultStage
from live_stage import WINDOW_MS, RunningExchange

from actors.execution.real.messages import (
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    PostOrder,
    PostRefused,
    SignOrder,
)
from actors.messages.execution import CancelRequested, OrderStatus
from actors.model import Action, Side, TimeInForce
from actors.roles import order_role

pytestmark = pytest.mark.processes

RESTART_SPEED = 40.0
"""After a restart the venue is post-only for two minutes."""


def sale(stage: FaultStage, side: Side = Side.YES, **changes: object) -> str:
    """Sell at once what 10 shares bring."""
    bid, _ = stage.exchange.best(stage.market.token(side))
    fill_and_kill = {"action": Action.SELL, "time_in_force": TimeInForce.FAK}
    return stage.order(side, price_ticks=bid - 30, **(fill_and_kill | changes))


def take_back(stage: FaultStage, order_id: str) -> None:
    stage.tell(order_role(order_id), CancelRequested(order_id, "enough"))


def test_f15_a_sale_right_after_the_purchase_is_tried_again_until_the_shares_are_there(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="share_lag", for_ms=600_000)
    stage.ends(stage.marketable())
    order_id = sale(stage)
    assert stage.ends(order_id) is OrderStatus.FILLED
    assert "not enough balance" in stage.heard(PostRefused)[0].text
    assert len(stage.posts(order_id)) > 1
    assert len(set(stage.posts(order_id))) == 1
    stage.run_until(lambda: stage.held(Side.YES) == 0, "it is booked")
    stage.hold_against_the_exchange()


def test_f15_a_sale_of_shares_that_never_come_ends_with_its_time_and_says_why(
    stage: FaultStage,
) -> None:
    order_id = sale(stage, ttl_ms=20_000)
    assert stage.ends(order_id) is OrderStatus.CANCELLED
    assert "not enough balance" in stage.state(order_id).end_reason
    assert len(stage.posts(order_id)) > 1
    assert stage.books["orders"] == []
    stage.hold_against_the_exchange()


@pytest.fixture
def restarting() -> Iterator[FaultStage]:
    with (
        RunningExchange(RESTART_SPEED) as exchange,
        FaultStage(exchange, order_ttl_ms=3_600_000) as stage,
    ):
        yield stage


def test_f16_while_the_engine_restarts_new_orders_wait_cancels_go_on_and_then_all_resumes(
    restarting: FaultStage,
) -> None:
    stage = restarting
    first, second = stage.resting(Side.YES), stage.resting(Side.NO)
    for order_id in (first, second):
        stage.reaches(order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind="restart", for_ms=60_000)
    take_back(stage, first)
    stage.run_until(lambda: stage.heard(CancelFailed), "even a cancel is not taken")
    waiting = stage.order(Side.YES, price_ticks=200, ttl_ms=3_600_000)
    assert stage.ends(first) is OrderStatus.CANCELLED
    take_back(stage, second)
    assert stage.ends(second) is OrderStatus.CANCELLED
    stage.reaches(waiting, OrderStatus.ACCEPTED)
    assert {refused.status for refused in stage.heard(PostRefused)} == {425, 503}
    assert len(set(stage.posts(waiting))) == 1
    assert len(stage.commanded(SignOrder)) == 3
    assert stage.took_ms(waiting, OrderStatus.ACCEPTED) > 120_000
    stage.hold_against_the_exchange()


def test_f17_after_429_nothing_is_posted_before_the_time_that_the_venue_named(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="rate_limited", for_ms=4_000)
    order_id = stage.marketable()
    assert stage.ends(order_id) is OrderStatus.FILLED
    first_ms, second_ms = times(stage, PostOrder)
    assert second_ms - first_ms >= 4_000
    assert len(set(stage.posts(order_id))) == 1
    assert stage.heard(PostRefused)[0].retry_after_ms == 4_000
    stage.hold_against_the_exchange()


def test_f17_cancels_that_were_limited_go_before_new_orders(stage: FaultStage) -> None:
    resting = stage.resting(Side.YES)
    stage.reaches(resting, OrderStatus.ACCEPTED)
    stage.exchange.inject(kind="rate_limited", target="cancels", for_ms=4_000)
    take_back(stage, resting)
    stage.run_until(lambda: stage.heard(CancelFailed), "the cancel is limited")
    new = stage.marketable(Side.NO)
    assert stage.ends(new) is OrderStatus.FILLED
    first_ms, second_ms = times(stage, CancelOrders)
    assert second_ms - first_ms >= 4_000
    assert stage.heard(CancelAnswered)
    assert second_ms <= times(stage, PostOrder)[-1]
    assert stage.ends(resting) is OrderStatus.CANCELLED
    stage.hold_against_the_exchange()


def times(stage: FaultStage, kind: type) -> list[int]:
    """When commands of a kind were given."""
    return [at_ms for at_ms, command in stage.commanded_at_ms if isinstance(command, kind)]


def test_f25_an_order_that_the_venue_cancels_ends_with_its_reason_and_frees_its_side(
    stage: FaultStage,
) -> None:
    order_id = stage.resting()
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    assert not stage.is_free(Side.YES)
    stage.exchange.inject(kind="cancel_by_venue")
    assert stage.ends(order_id) is OrderStatus.CANCELLED
    assert "CANCELED_NOT_ENOUGH_BALANCE" in stage.state(order_id).end_reason
    assert stage.is_free(Side.YES)
    assert stage.ends(stage.marketable(Side.YES)) is OrderStatus.FILLED
    stage.hold_against_the_exchange()


def test_an_order_for_a_window_that_the_venue_has_closed_ends_with_its_words_and_no_trace() -> None:
    with RunningExchange(starts_after_ms=WINDOW_MS - 1_000) as exchange:
        stage = FaultStage(exchange)
        stage.market = exchange.closed_market()
        with stage:
            order_id = stage.order(price_ticks=500, ttl_ms=60_000)
            assert stage.ends(order_id) is OrderStatus.CANCELLED
            assert "not yet ready to process new orders" in stage.state(order_id).end_reason
            assert len(stage.posts(order_id)) > 1
            assert len(set(stage.posts(order_id))) == 1
            assert stage.books["orders"] == []
            assert [log for log in stage.logs if log.level == "error"] == []
