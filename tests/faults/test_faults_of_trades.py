"""F39, F40, F43: trades that are shown twice, that are larger than ordered, and what they cost."""

from __future__ import annotations

import pytest
from order_builders import MARKET, ORDER_ID, T0
from real_bench import VENUE_ID, Bench, venue_id, wire_maker_trade, wire_order, wire_trade

from actors.core import Log
from actors.execution.order_state import tolerated_excess_units
from actors.execution.real.comparison import DISAGREEMENTS_MIN, PATIENCE_MS
from actors.messages.execution import Fill, OrderStatus
from actors.messages.halts import HaltTrading
from actors.model import Side
from actors.roles import DESK
from actors.units import dollars_text, shares, taker_fee_nanos, units_from_text
from venue.engine.clearing import fee_nanos

LONG_MS = (DISAGREEMENTS_MIN + 5) * PATIENCE_MS


def placed(size: int = 10) -> Bench:
    """An order that the venue holds."""
    bench = Bench(max_open_orders=20).open()
    bench.place("live", expires_at_ms=T0 + 600_000, size_units=shares(size))
    return bench


def errors(bench: Bench) -> list[Log]:
    return [log for log in bench.logs if log.level == "error"]


# F39: rows that are shown twice


@pytest.mark.parametrize(
    "row",
    [wire_trade("t1", 10), wire_maker_trade("t1", (VENUE_ID, 10))],
    ids=["as taker", "as maker"],
)
def test_f39_a_trade_that_a_reading_shows_twice_counts_once(row: dict[str, object]) -> None:
    bench = placed()
    bench.hear(row)
    bench.ledger[Side.YES] = shares(10)
    bench.read_until(T0 + LONG_MS, row, row, row)
    assert bench.told(DESK, HaltTrading) == []
    assert bench.core.is_serving


def test_f39_of_two_rows_of_a_trade_that_failed_meanwhile_the_failure_counts() -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 10))
    failed = wire_trade("t1", 10, status="FAILED")
    for rows in ((wire_trade("t1", 10), failed), (failed, wire_trade("t1", 10))):
        bench.read_until(bench.now_ms + LONG_MS, *rows)
        assert bench.told(DESK, HaltTrading) == []


def test_f39_one_trade_that_fills_two_of_our_orders_still_counts_for_each() -> None:
    bench = placed()
    row = wire_maker_trade("t1", (VENUE_ID, 4), ("0x" + "77" * 32, 5))
    bench.hear(row)
    bench.ledger[Side.YES] = shares(9)
    bench.read_until(T0 + LONG_MS, row, row)
    assert bench.told(DESK, HaltTrading) == []


# F40: more than was ordered


@pytest.mark.parametrize("size", ["5.012345", "5.051019"])
def test_f40_what_rounding_adds_to_an_order_is_booked_without_a_word(size: str) -> None:
    bench = placed(5)
    bench.hear(wire_trade("t1", 1, size=size))
    assert bench.status is OrderStatus.FILLED
    assert [news.fill.size_units for news in bench.news(Fill)] == [units_from_text(size)]
    assert errors(bench) == []


def test_f40_an_order_that_is_filled_takes_what_trades_after_that() -> None:
    bench = placed(5)
    bench.hear(wire_trade("t1", 5), wire_trade("t2", 1, size="0.04"), wire_order("MATCHED", 5))
    assert (bench.status, bench.live.traded_units) == (OrderStatus.FILLED, units_from_text("5.04"))
    assert bench.counted == ["t1", "t2"]
    assert errors(bench) == []


def test_f40_an_order_of_which_the_venue_says_that_it_traded_more_waits_for_the_rest() -> None:
    bench = placed(5)
    bench.hear(wire_order("MATCHED", "5.06"), wire_trade("t1", 1, size="5.01"))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.hear(wire_trade("t2", 1, size="0.05"))
    assert (bench.status, bench.counted) == (OrderStatus.FILLED, ["t1", "t2"])
    assert errors(bench) == []


def test_f40_what_is_beyond_rounding_is_booked_and_told_once() -> None:
    bench = placed(5)
    row = wire_trade("t1", 1, size="5.07")
    bench.hear(row, row)
    assert bench.live.traded_units == units_from_text("5.07")
    (told,) = errors(bench)
    assert f"{ORDER_ID} of 5 shares has traded 5.07" in told.text


def test_f40_five_orders_with_a_little_more_each_halt_nothing() -> None:
    bench = placed(5)
    order_ids = [ORDER_ID, *(f"order_{number}_0000beef" for number in range(2, 6))]
    for order_id in order_ids[1:]:
        bench.place("live", order_id=order_id, size_units=shares(5), expires_at_ms=T0 + 600_000)
    rows = [
        wire_trade(f"t{number}", 1, size="5.012345", taker_order_id=venue_id(order_id))
        for number, order_id in enumerate(order_ids)
    ]
    bench.hear(*rows)
    told = [each.fill.size_units for order_id in order_ids for each in bench.news(Fill, order_id)]
    assert told == [units_from_text("5.012345")] * 5
    bench.ledger[Side.YES] = sum(told)
    bench.read_until(T0 + LONG_MS, *rows)
    assert bench.told(DESK, HaltTrading) == []


@pytest.mark.parametrize(("size", "most"), [("5", "0.06"), ("100", "1.01")])
def test_f40_the_tolerance_is_a_hundredth_of_a_share_and_one_per_cent(size: str, most: str) -> None:
    assert tolerated_excess_units(units_from_text(size)) == units_from_text(most)


# F43: fees, as they were charged on the chain


CHARGED = [
    ("0.31", "5", 500, "0.05347"),
    ("0.82", "1.219511", 700, "0.01259"),
]


@pytest.mark.parametrize(("price", "size", "rate_bps", "fee"), CHARGED)
def test_f43_product_and_exchange_charge_what_the_chain_did_each_by_its_own_formula(
    price: str, size: str, rate_bps: int, fee: str
) -> None:
    terms = (round(float(price) * 1000), units_from_text(size), rate_bps)
    assert dollars_text(taker_fee_nanos(*terms)) == fee
    assert dollars_text(fee_nanos(*terms)) == fee
    assert taker_fee_nanos.__module__ != fee_nanos.__module__


def test_f43_a_fill_is_booked_with_the_fee_that_the_chain_charges() -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 1, size="1.219511", price="0.82"))
    assert MARKET.fee_rate_bps == 700
    assert dollars_text(bench.news(Fill)[0].fill.fee_nanos) == "0.01259"
