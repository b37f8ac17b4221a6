"""F29, F30, F39-F41 once more, caused by the local exchange and met through real sockets.

The executor, its port and the venue's own client are the real ones. In the end position and money
are what the exchange's own books say, to the unit and the nanodollar.
"""

from __future__ import annotations

import pytest
from fault_stage import FaultStage
from live_stage import DEPOSIT_NANOS
from other_trader import OtherTrader

from actors.execution.real.messages import AccountRead, CancelOrders
from actors.execution.real.orders import TradeSeen
from actors.execution.real.user_channel import Settlement, UserTrade
from actors.messages.execution import OrderStatus
from actors.model import Side
from actors.roles import EXECUTOR
from actors.units import shares

pytestmark = pytest.mark.processes


def filled_units(stage: FaultStage) -> int:
    """What the exchange says that our newest order has traded."""
    return int(stage.books["orders"][-1]["filled_units"])


def cost_nanos(stage: FaultStage) -> int:
    """What all our trades cost with their fees, by the exchange's rows of them."""
    return sum(
        trade["price_ticks"] * trade["size_units"] + trade["fee_nanos"]
        for trade in stage.books["trades"]
    )


def read_again(stage: FaultStage) -> tuple[UserTrade, ...]:
    """Make the executor anew, which reads the whole account; return the trades that it read."""
    read_count = len(stage.heard(AccountRead))
    stage.restart(EXECUTOR)
    stage.run_until(lambda: stage.executor.is_serving, "account and ledger agree")
    stage.run_until(lambda: len(stage.heard(AccountRead)) > read_count, "the account is read")
    return tuple(trade for read in stage.heard(AccountRead)[read_count:] for trade in read.trades)


def test_f29_at_an_exchange_an_order_matched_for_a_part_ends_and_its_rest_can_be_bought(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="short_match", count=20)  # the other trader's sales suffer too
    order_id = stage.resting(above_ask=-10, size=20)
    stage.reaches(order_id, OrderStatus.ACCEPTED)
    price_ticks = stage.state(order_id).intent.price_ticks
    with OtherTrader(stage) as other:
        while not filled_units(stage):
            other.sell_a_little(Side.YES, price_ticks)
    assert stage.ends(order_id) is OrderStatus.CANCELLED
    stage.exchange.inject(kind="call_off")
    units = filled_units(stage)
    assert 0 < units < shares(20)
    assert "of 20" in stage.live(order_id).reason
    assert stage.commanded(CancelOrders) == []
    stage.deliver_all()
    assert stage.is_free(Side.YES)
    assert stage.held(Side.YES) == units
    assert DEPOSIT_NANOS - stage.books["cash_nanos"] == cost_nanos(stage)
    assert stage.ends(stage.marketable(size=13)) is OrderStatus.FILLED
    stage.hold_against_the_exchange()


def test_f29_at_an_exchange_an_order_matched_but_for_its_dust_ends_with_what_it_traded(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="short_match")
    order_id = stage.marketable()
    assert stage.ends(order_id) is OrderStatus.CANCELLED
    units = filled_units(stage)
    assert 0 < shares(10) - units <= shares(10) // 90
    assert stage.held(Side.YES) == units
    stage.hold_against_the_exchange()


def test_f30_at_an_exchange_a_stranger_s_unreadable_part_spoils_no_fill_of_ours(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="unreadable_part", count=20)
    ids = [stage.marketable(), stage.marketable(Side.NO)]
    for order_id in ids:
        assert stage.ends(order_id) is OrderStatus.FILLED
    assert [stage.held(side) for side in Side] == [shares(10), shares(10)]
    assert any(trade.unread for trade in read_again(stage)), "the reading shows it too"
    assert stage.injected("unreadable_part") >= 2
    assert stage.ends(stage.marketable()) is OrderStatus.FILLED
    assert stage.held(Side.YES) == shares(20)
    stage.hold_against_the_exchange()


def test_f39_at_an_exchange_a_trade_that_each_reading_shows_twice_counts_once(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="repeated_row", count=20)
    order_id = stage.marketable()
    assert stage.ends(order_id) is OrderStatus.FILLED
    trade_ids = [trade.trade_id for trade in read_again(stage)]
    assert len(trade_ids) > len(set(trade_ids)), "a reading shows it twice"
    assert stage.held(Side.YES) == shares(10)
    assert stage.ends(stage.marketable()) is OrderStatus.FILLED
    stage.hold_against_the_exchange()


def test_f40_at_an_exchange_what_trades_beyond_an_order_is_booked_and_halts_nothing(
    stage: FaultStage,
) -> None:
    stage.exchange.inject(kind="excess_fill", count=5)
    for _ in range(5):
        assert stage.ends(stage.marketable(size=5)) is OrderStatus.FILLED
    ordered_units = 5 * shares(5)
    assert stage.injected("excess_fill") == 5
    assert ordered_units < stage.held(Side.YES) <= ordered_units + ordered_units // 90
    read_again(stage)
    assert stage.ends(stage.marketable(Side.NO)) is OrderStatus.FILLED
    assert stage.refusals == []
    stage.hold_against_the_exchange()


@pytest.mark.parametrize("falls", [False, True], ids=["all live", "all fall before it fails"])
def test_f41_at_an_exchange_a_trade_that_fails_after_it_was_confirmed_is_taken_back(
    stage: FaultStage, falls: bool
) -> None:
    stage.exchange.inject(kind="late_failure", count=20)
    order_id = stage.marketable()
    assert stage.ends(order_id) is OrderStatus.FILLED
    stage.run_until(
        lambda: any(
            seen.part.settlement is Settlement.CONFIRMED for seen in stage.recorded(TradeSeen)
        ),
        "it is confirmed",
    )
    if falls:
        stage.fall_all()
        stage.run_until(
            lambda: {trade["status"] for trade in stage.books["trades"]} == {"FAILED"},
            "it fails at the venue meanwhile",
        )
        stage.recover()
    stage.run_until(
        lambda: all(entry.reversed_version for entry in stage.ledger().entries), "it is taken back"
    )
    stage.until_settled()
    errors = [log.text for log in stage.logs if log.level == "error"]
    assert errors, "it is said"
    assert [text for text in errors if "was CONFIRMED" not in text] == []
    assert stage.held(Side.YES) == 0
    assert stage.books["cash_nanos"] == DEPOSIT_NANOS
    stage.logs.clear()
    stage.hold_against_the_exchange()
