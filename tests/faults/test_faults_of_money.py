"""F29-F31, F39-F41: words of the venue that end nothing, spoil nothing, and take nothing away.

These run against the real executor's core, whose venue says exactly the rows that were reported.
"""

from __future__ import annotations

import pytest
from order_builders import ORDER_ID, T0
from real_bench import VENUE_ID, Bench, wire_order, wire_trade

from actors.execution.messages import (
    Fill,
    FillFailed,
    OrderCancelled,
    OrderStatus,
    TimeInForce,
)
from actors.execution.real.messages import CancelOrders
from actors.strategy.messages import Action
from actors.units import shares, units_from_text

LONG = {"expires_at_ms": T0 + 300_000}


def placed(**changes: object) -> Bench:
    """An order for 10 shares that the venue holds."""
    bench = Bench().open()
    bench.place("matched", **(LONG | changes))
    return bench


@pytest.mark.parametrize(
    ("action", "time_in_force"),
    [(Action.BUY, TimeInForce.GTC), (Action.SELL, TimeInForce.FAK)],
    ids=["a purchase", "the sale of a stop loss"],
)
@pytest.mark.parametrize("is_read", [False, True], ids=["heard", "read"])
def test_f29_an_order_that_is_matched_for_a_part_has_ended_with_that_part(
    action: Action, time_in_force: TimeInForce, is_read: bool
) -> None:
    bench = placed(action=action, time_in_force=time_in_force)
    matched = wire_order("MATCHED", 5, order_type=time_in_force.value)
    if is_read:
        bench.read_until(T0 + 3_000, wire_trade("t1", 5), gone=(matched,))
    else:
        bench.hear(matched, wire_trade("t1", 5))
    assert bench.status is OrderStatus.CANCELLED
    (end,) = bench.news(OrderCancelled)
    assert (end.filled_units, "5 of 10" in end.reason) == (shares(5), True)
    assert bench.commanded(CancelOrders) == []


def test_f29_an_order_matched_but_for_its_dust_ends_with_what_the_venue_says() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", "9.997714"), wire_trade("t1", 1, size="9.997714"))
    assert bench.status is OrderStatus.CANCELLED
    assert bench.news(OrderCancelled)[0].filled_units == units_from_text("9.997714")


def test_f29_a_matched_order_waits_for_the_trades_that_its_size_names() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 3))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.hear(wire_trade("t2", 2))
    assert bench.status is OrderStatus.CANCELLED


def test_f29_a_match_of_nothing_proves_no_end_at_nothing() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 0))
    assert bench.status is OrderStatus.ACCEPTED
    bench.hear(wire_trade("t1", 10))
    assert bench.status is OrderStatus.FILLED


def test_f29_a_cancel_that_finds_nothing_is_said_no_more_once_the_order_is_gone() -> None:
    bench = placed()
    bench.hear(wire_trade("t1", 5))
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "already canceled or matched"})
    # Its own row goes on to say a word that is no end; it is not among the open orders.
    bench.read_until(T0 + 12_000, wire_trade("t1", 5), gone=(wire_order("SETTLING", 5),))
    assert bench.status is OrderStatus.CANCELLED
    count = len(bench.commanded(CancelOrders))
    bench.read_until(T0 + 30_000, wire_trade("t1", 5), gone=(wire_order("SETTLING", 5),))
    assert len(bench.commanded(CancelOrders)) == count
    assert bench.report().status is OrderStatus.CANCELLED


def test_f29_an_order_that_rests_after_all_is_not_given_up_for_such_a_cancel() -> None:
    bench = placed()
    bench.cancel()
    bench.cancelled(refused={VENUE_ID: "already canceled or matched"})
    bench.read_until(T0 + 12_000, wire_order("LIVE"))
    assert bench.status is OrderStatus.ACCEPTED
    assert len(bench.commanded(CancelOrders)) > 1


def test_f29_what_trades_and_what_fails_after_such_an_end_still_counts() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 5))
    bench.hear(wire_trade("t2", 3), wire_trade("t1", 5, status="FAILED"))
    assert [each.fill.trade_id for each in bench.news(Fill)] == ["t1", "t2"]
    assert [each.trade_id for each in bench.news(FillFailed)] == ["t1"]
    assert (bench.status, bench.live.traded_units) == (OrderStatus.CANCELLED, shares(8))


def test_f29_trades_that_never_add_up_to_the_matched_size_hold_no_order_for_ever() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 4))
    bench.read_until(T0 + 50_000, wire_trade("t1", 4))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.read_until(T0 + 90_000, wire_trade("t1", 4))
    assert bench.status is OrderStatus.CANCELLED
    assert any(f"{ORDER_ID} traded 5" in log.text for log in bench.logs if log.level == "error")
    bench.read_until(T0 + 130_000, wire_trade("t2", 1))
    assert bench.live.traded_units == shares(5)


def test_f29_a_matched_size_beyond_what_was_told_after_the_end_is_read_at_once() -> None:
    bench = placed()
    bench.hear(wire_order("MATCHED", 5), wire_trade("t1", 5))
    bench.read_until(T0 + 2_000, wire_trade("t1", 5))
    count = len(bench.readings)
    bench.hear(wire_order("MATCHED", 10))
    bench.advance(bench.now_ms + 1_100)
    assert len(bench.readings) == count + 1
