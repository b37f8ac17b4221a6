"""F6-F11: trades that fail, come twice, come shared, come crossed, and come in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_stage import FaultStage, recording
from live_stage import DEPOSIT_NANOS
from other_trader import OtherTrader

from actors.execution.real.messages import PostAnswered
from actors.execution.real.orders import TradeSeen
from actors.feeds.connection import FramesReceived
from actors.messages.execution import OrderReport, OrderStatus
from actors.model import Action, Side
from actors.position.core import EntryChanged
from actors.roles import EXECUTOR, POSITION

pytestmark = pytest.mark.processes


@pytest.fixture
def other(stage: FaultStage) -> Iterator[OtherTrader]:
    with OtherTrader(stage) as trader:
        yield trader


def until_reversed(stage: FaultStage) -> None:
    """Wait until all that was booked is taken back."""
    stage.run_until(
        lambda: (
            stage.ledger().entries
            and all(entry.reversed_version for entry in stage.ledger().entries)
        ),
        "it is taken back",
    )


def assert_nothing_was_bought(stage: FaultStage) -> None:
    assert stage.books["cash_nanos"] == DEPOSIT_NANOS
    assert stage.ledger().totals().cost_nanos == stage.ledger().totals().fees_nanos == 0
    stage.hold_against_the_exchange()


def test_f06_a_ghost_fill_is_booked_when_it_matches_and_reversed_exactly_when_it_fails(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="ghost_fill", count=10)
    stage.marketable()
    stage.run_until(lambda: stage.ledger().entries, "it is booked")
    assert stage.held(Side.YES) > 0
    until_reversed(stage)
    assert_nothing_was_bought(stage)


def test_f06_a_ghost_fill_is_reversed_exactly_although_everything_fell_in_between(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="ghost_fill", count=10)
    order_id = stage.marketable()
    stage.falls(POSITION, recording(EntryChanged))
    stage.run_until_fallen()
    assert stage.held(Side.YES) > 0
    stage.fall_all()
    stage.run_until(
        lambda: {trade["status"] for trade in stage.books["trades"]} == {"FAILED"},
        "it fails at the venue meanwhile",
    )
    stage.recover()
    until_reversed(stage)
    assert stage.ends(order_id) is OrderStatus.FILLED
    assert_nothing_was_bought(stage)


def test_f07_events_told_again_count_once_also_when_all_restarts_between(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="duplicate_event", count=50)
    order_id = stage.marketable()
    stage.falls(EXECUTOR, recording(TradeSeen))
    stage.run_until_fallen()
    stage.fall_all()
    stage.recover()
    assert stage.ends(order_id) is OrderStatus.FILLED
    heard_count = len(stage.heard(FramesReceived))
    stage.exchange.inject(kind="replay", count=50)
    stage.run_until(lambda: len(stage.heard(FramesReceived)) > heard_count, "all comes again")
    stage.until_settled()
    assert stage.injected("duplicate_event") > 0
    stage.hold_against_the_exchange()


def test_f08_one_trade_that_fills_two_orders_is_counted_once_for_each(
    stage: FaultStage, other: OtherTrader
) -> None:
    bid, _ = stage.exchange.best(stage.market.yes_token)
    ids = [stage.order(price_ticks=bid) for _ in range(2)]
    for order_id in ids:
        stage.reaches(order_id, OrderStatus.ACCEPTED)
    other.sell_into_bids(Side.YES, down_to_ticks=bid)
    for order_id in ids:
        assert stage.ends(order_id) is OrderStatus.FILLED
    pairs = [(entry.fill.trade_id, entry.order_id) for entry in stage.ledger().entries]
    assert len({trade_id for trade_id, _ in pairs}) == 1
    assert sorted(order_id for _, order_id in pairs) == sorted(ids)
    stage.hold_against_the_exchange()


def test_f09_a_maker_s_fill_by_minting_is_booked_on_the_side_of_our_own_order(
    stage: FaultStage, other: OtherTrader
) -> None:
    bid, _ = stage.exchange.best(stage.market.yes_token)
    below_ticks = bid - 20  # by the time that it arrives, the market may have come down
    order_id = stage.order(price_ticks=below_ticks)
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    other.buy_against_bids(Side.YES, down_to_ticks=below_ticks)
    assert stage.ends(order_id) is OrderStatus.FILLED
    (entry,) = stage.ledger().entries
    assert (entry.side, entry.action, entry.fill.is_maker) == (Side.YES, Action.BUY, True)
    assert (stage.held(Side.YES), stage.held(Side.NO)) == (entry.fill.size_units, 0)
    stage.hold_against_the_exchange()


def test_f10_a_fill_before_the_answer_to_its_post_is_taken(stage: FaultStage) -> None:
    stage.exchange.inject(kind="slow_answer", for_ms=16_000)
    order_id = stage.marketable()
    assert stage.ends(order_id) is OrderStatus.FILLED
    assert stage.heard(PostAnswered) == []
    stage.run_until(lambda: stage.heard(PostAnswered), "it is answered")
    assert stage.state(order_id).status is OrderStatus.FILLED
    assert len(stage.posts(order_id)) == 1
    stage.hold_against_the_exchange()


def test_f11_a_late_word_that_the_order_is_live_does_not_revive_a_filled_one(
    stage: FaultStage, other: OtherTrader
) -> None:
    stage.exchange.inject(kind="slow_answer", for_ms=24_000)
    bid, _ = stage.exchange.best(stage.market.yes_token)
    order_id = stage.order(price_ticks=bid)
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    other.sell_into_bids(Side.YES, down_to_ticks=bid)
    assert stage.ends(order_id) is OrderStatus.FILLED
    assert stage.heard(PostAnswered) == []
    stage.run_until(lambda: stage.heard(PostAnswered), "the answer comes")
    assert stage.heard(PostAnswered)[0].status == "live"
    heard_count = len(stage.heard(FramesReceived))
    stage.exchange.inject(kind="replay", count=50)
    stage.run_until(lambda: len(stage.heard(FramesReceived)) > heard_count, "all comes again")
    assert stage.live(order_id).status is OrderStatus.FILLED
    assert stage.statuses[order_id][-1] is OrderStatus.FILLED
    told = [m.status for _, m in stage.sent if isinstance(m, OrderReport)]
    assert set(told[told.index(OrderStatus.FILLED) :]) == {OrderStatus.FILLED}
    stage.hold_against_the_exchange()
