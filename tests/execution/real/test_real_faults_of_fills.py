"""Faults of fills and their order, against the real executor; numbers as in the code."""

from __future__ import annotations

import attrs
import pytest
from order_builders import MARKET, ORDER_ID, T0
from real_bench import VENUE_ID, Bench, venue_id, wire_maker_trade, wire_order, wire_trade

from actors.execution.real.orders import KEPT_AFTER_CLOSE_MS
from actors.execution.real.user_channel import Settlement
from actors.messages.execution import (
    Fill,
    FillFailed,
    FillReversed,
    OrderAccepted,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
)
from actors.model import Side
from actors.roles import POSITION
from actors.units import shares, taker_fee_nanos

LONG = {"expires_at_ms": T0 + 60_000}


# F6: ghost fills


def test_a_fill_counts_when_it_is_matched_and_is_taken_back_when_it_fails() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    assert bench.live.trades[0].settlement is Settlement.MATCHED
    bench.hear(wire_trade("t1", 10, status="FAILED"))
    assert bench.live.trades[0].settlement is Settlement.FAILED
    assert bench.taken_back == ["t1"]
    assert bench.report().failed_trade_ids == ("t1",)


def test_a_failure_that_a_restart_missed_is_found_by_reading() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.restart()
    bench.read(wire_trade("t1", 10, status="TRADE_STATUS_FAILED"))
    assert bench.taken_back == ["t1"]


def test_a_trade_first_heard_of_as_failed_is_told_and_taken_back() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 4, status="FAILED"))
    assert [news.fill.trade_id for news in bench.news(Fill)] == ["t1"]
    assert [news.trade_id for news in bench.news(FillFailed)] == ["t1"]


def test_a_failure_after_the_end_is_told_to_position_until_it_is_booked() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.book("t1")
    bench.forget()
    bench.hear(wire_trade("t1", 10, status="FAILED"))
    told = bench.told(POSITION, FillReversed)
    assert [each.fill.trade_id for each in told] == ["t1"]
    assert told[0].answer_to == "executor"
    bench.restart()
    assert bench.told(POSITION, FillReversed) == told
    bench.advance(bench.now_ms + 3_000)
    assert len(bench.told(POSITION, FillReversed)) >= 3
    bench.book("t1", is_reversal=True)
    bench.forget()
    bench.advance(bench.now_ms + 3_000)
    assert bench.told(POSITION, FillReversed) == []
    assert bench.news(FillFailed) == []


def test_a_row_stays_open_until_its_window_is_past_and_its_trades_are_final() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10))
    bench.book("t1")
    bench.ledger[Side.YES] = shares(10)
    past_ms = MARKET.closes_at_ms + KEPT_AFTER_CLOSE_MS + 10_000
    bench.read_until(past_ms, wire_trade("t1", 10))
    assert bench.live in bench.saved("live")
    bench.read_until(past_ms + 40_000, wire_trade("t1", 10, status="CONFIRMED"))
    assert bench.live not in bench.saved("live")


def test_a_row_stays_open_until_its_order_has_recorded_the_end() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10, status="CONFIRMED"))
    bench.ledger[Side.YES] = shares(10)
    trade = wire_trade("t1", 10, status="CONFIRMED")
    lives = OrderState(intent=bench.live.intent)
    bench._bench.rows["order", ORDER_ID] = (lives, True)
    past_ms = MARKET.closes_at_ms + KEPT_AFTER_CLOSE_MS + 10_000
    bench.read_until(past_ms, trade)
    assert bench.live in bench.saved("live")
    over = attrs.evolve(lives, status=OrderStatus.FILLED)
    bench._bench.rows["order", ORDER_ID] = (over, False)
    bench.read_until(past_ms + 40_000, trade)
    assert bench.live not in bench.saved("live")


# F7, F8, F9: own fills


def test_a_trade_counts_once_however_often_and_in_whatever_status_it_is_told() -> None:
    bench = Bench().open()
    bench.place()
    for status in ("MATCHED", "MINED", "MATCHED", "CONFIRMED", "MINED", "RETRYING"):
        bench.hear(wire_trade("t1", 4, status=status))
    bench.restart()
    bench.hear(wire_trade("t1", 4, status="CONFIRMED"))
    bench.read(wire_trade("t1", 4, status="TRADE_STATUS_CONFIRMED"), wire_order("LIVE", 4))
    assert bench.live.traded_units == shares(4)
    assert bench.live.trades[0].settlement is Settlement.CONFIRMED
    assert len(bench.report().fills) == 1


def test_one_trade_that_fills_several_of_our_orders_counts_once_for_each() -> None:
    bench = Bench(max_open_orders=4).open()
    bench.place()
    bench.place(order_id="order_2_0000beef", side=Side.YES)
    other = venue_id("order_2_0000beef")
    trade = wire_maker_trade("t1", (VENUE_ID, 3), (other, 5))
    bench.hear(trade, trade)
    assert [news.fill.size_units for news in bench.news(Fill)] == [shares(3)]
    assert [news.fill.size_units for news in bench.news(Fill, "order_2_0000beef")] == [shares(5)]
    assert all(news.fill.is_maker and news.fill.fee_nanos == 0 for news in bench.news(Fill))


def test_a_maker_fill_across_tokens_is_booked_on_the_order_s_own_side_and_price() -> None:
    bench = Bench().open()
    bench.place()
    taker = {"asset_id": MARKET.no_token, "side": "BUY", "price": "0.55", "size": "7"}
    bench.hear(wire_maker_trade("t1", (VENUE_ID, 3), **taker))
    fill = bench.news(Fill)[0].fill
    assert (fill.price_ticks, fill.size_units) == (450, shares(3))
    assert bench.live.intent.side is Side.YES


def test_a_taker_s_fill_costs_the_fee_that_the_venue_does_not_itemise() -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_trade("t1", 10, price="0.44"))
    fill = bench.news(Fill)[0].fill
    assert fill.price_ticks == 440
    assert fill.fee_nanos == taker_fee_nanos(440, shares(10), MARKET.fee_rate_bps) > 0


# F10, F11: the order of events


def test_a_fill_may_come_before_the_answer_to_its_posting() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.hear(wire_trade("t1", 10), wire_order("MATCHED", 10))
    assert bench.status is OrderStatus.FILLED
    bench.answer("matched")
    assert bench.status is OrderStatus.FILLED
    assert len(bench.news(Fill)) == 1


def test_events_that_come_before_a_lost_answer_leave_no_doubt() -> None:
    bench = Bench().open()
    bench.place(None)
    bench.hear(wire_order("LIVE", type="PLACEMENT"))
    bench.lose()
    assert bench.status is OrderStatus.ACCEPTED
    assert bench.news(OutcomeUnknown) == []


@pytest.mark.parametrize("late", ["LIVE", "DELAYED", "MATCHED", ""])
def test_a_late_word_does_not_revive_a_finished_order(late: str) -> None:
    bench = Bench().open()
    bench.place()
    bench.hear(wire_order("CANCELED", 0, type="CANCELLATION"))
    assert bench.status is OrderStatus.CANCELLED
    bench.hear(wire_order(late))
    bench.answer("live")
    assert bench.status is OrderStatus.CANCELLED
    assert bench.news(OrderAccepted) == [OrderAccepted(ORDER_ID, VENUE_ID)]
