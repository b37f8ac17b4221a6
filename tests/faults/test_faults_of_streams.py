"""F12-F14: streams that fall silent, come out of order, and come back without what was missed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from book_watch import book_shown, until_books_are_right
from fault_stage import FaultStage, LivelyExchange
from live_stage import RunningExchange
from other_trader import OtherTrader

from actors.execution.desk_state import OrdersCreated
from actors.feeds.connection import Connect, FramesReceived
from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderStatus
from actors.messages.feeds import (
    BookEvent,
    FeedStale,
    MarketBatch,
    PriceChangeEvent,
    ReferencePrice,
)
from actors.model import Side, Strike
from actors.roles import MARKET_STATE, STRATEGY
from actors.settings import StrategySettings
from actors.units import E18, shares

pytestmark = pytest.mark.processes

EAGER = StrategySettings(
    bootstrap_high_ticks=1000,
    bootstrap_low_ticks=1000,
    oracle_block_yes_ticks=0,
    oracle_block_no_ticks=1000,
    max_reference_age_ms=3_600_000,
    max_shares=5,
    max_trade_shares=5,
    stop_loss_ticks=0,
)
"""It buys whatever is cheaper, once, as soon as there is a book to trade on."""


@pytest.fixture
def watching(lively: LivelyExchange) -> Iterator[FaultStage]:
    """A system that follows the books of a market in full swing."""
    with FaultStage(lively, sections={"strategy": EAGER}) as running:
        running.exchange.inject(channel="market", kind="resume")
        running.watch_market()
        yield running


def let_strategy_trade(stage: FaultStage) -> None:
    """Start the strategy, with all that it needs besides books."""
    strike = Strike(price_e18=1, source="a test's", timestamp_ms=stage.now_ms)
    stage.tell(MARKET_STATE, MarketOpened(market=stage.market, strike=strike))
    reference = ReferencePrice(price_e18=100_000 * E18, timestamp_ms=stage.now_ms)
    stage.tell(MARKET_STATE, reference)
    stage.start(STRATEGY)


def test_f12_a_silent_market_stream_is_noticed_by_data_age_and_nothing_is_bought_on_it(
    watching: FaultStage,
) -> None:
    watching.exchange.inject(channel="market", kind="stall")
    watching.run_until(lambda: not watching.market_state.is_serving, "the books are too old")
    let_strategy_trade(watching)
    watching.run_until(lambda: not book_shown(watching, Side.YES).is_synced, "the book is void")
    assert watching.told(FeedStale)[0].age_ms >= 15_000
    assert watching.recorded(OrdersCreated) == []
    assert watching.refusals == []
    watching.run_until(lambda: watching.recorded(OrdersCreated), "it trades on fresh books")
    (intent,) = watching.recorded(OrdersCreated)[0].intents
    assert watching.ends(intent.order_id) in (OrderStatus.FILLED, OrderStatus.CANCELLED)
    watching.kill(STRATEGY)
    watching.hold_against_the_exchange()


def test_f13_events_out_of_order_twice_and_cut_off_leave_the_books_right(
    watching: FaultStage,
) -> None:
    for kind, count in (("duplicate", 40), ("reorder", 40), ("garble", 8)):
        watching.exchange.inject(channel="market", kind=kind, count=count)
    count = len(watching.told(MarketBatch))
    watching.run_until(lambda: len(watching.told(MarketBatch)) > count + 40, "they come")
    until_books_are_right(watching)


def test_f13_changes_before_the_first_book_are_not_traded_on(exchange: RunningExchange) -> None:
    with FaultStage(exchange, sections={"strategy": EAGER}) as stage:
        stage.start(MARKET_STATE)
        let_strategy_trade(stage)
        tokens = (stage.market.yes_token, stage.market.no_token)
        bids, asks = ((400, shares(50)),), ((420, shares(50)),)
        now_ms = stage.now_ms
        changes = [PriceChangeEvent(token, now_ms, bids, asks) for token in tokens]
        stage.tell(MARKET_STATE, batch(1, *changes))
        stage.deliver_all()
        assert not book_shown(stage, Side.YES).is_synced
        assert stage.recorded(OrdersCreated) == []
        books = [BookEvent(token, stage.now_ms, bids, asks) for token in tokens]
        stage.tell(MARKET_STATE, batch(2, *books))
        stage.run_until(lambda: stage.recorded(OrdersCreated), "it trades on whole books")


def batch(batch_id: int, *events: PriceChangeEvent | BookEvent) -> MarketBatch:
    return MarketBatch(batch_id=batch_id, events=events, tick_ns=1, is_fresh_start=False)


def test_f14_after_a_reconnect_the_market_stream_is_subscribed_and_begins_with_fresh_books(
    watching: FaultStage,
) -> None:
    watching.sent.clear()
    watching.exchange.inject(channel="market", kind="drop")
    watching.run_until(
        lambda: any(each.is_fresh_start for each in watching.told(MarketBatch)), "a fresh start"
    )
    until_books_are_right(watching)


def test_f14_fills_that_a_lost_user_channel_never_told_are_read_and_the_next_are_heard(
    stage: FaultStage,
) -> None:
    order_id = stage.resting()
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    stage.exchange.inject(channel="user", kind="stall")
    with OtherTrader(stage) as other:
        other.sell_into_bids(Side.YES, down_to_ticks=stage.state(order_id).intent.price_ticks)
    stage.exchange.inject(channel="user", kind="drop")
    assert stage.ends(order_id) is OrderStatus.FILLED
    stage.run_until(lambda: len(stage.commanded(Connect)) == 2, "it is connected again")
    connections = stage.commanded(Connect)
    stage.run_until(lambda: stage.executor._feed.connection.is_up, "it listens again")
    assert stage.ends(stage.marketable(Side.NO)) is OrderStatus.FILLED
    stage.run_until(lambda: has_heard_a_trade(stage, connections[-1].epoch), "the next are heard")
    stage.hold_against_the_exchange()


def has_heard_a_trade(stage: FaultStage, epoch: int) -> bool:
    return any(
        b'"trade"' in raw
        for each in stage.heard(FramesReceived)
        if each.epoch == epoch
        for raw, _ in each.frames
    )
