"""The real executor follows each kind of order to the end that the venue gives it."""

from __future__ import annotations

from typing import Any

import pytest
from order_builders import T0
from real_bench import Bench, wire_order, wire_trade

from actors.execution.real.messages import SignOrder
from actors.messages.execution import Fill, OrderCancelled, OrderCompleted, OrderStatus
from actors.model import Action, TimeInForce
from actors.units import shares, units_from_text

AT_ONCE = (TimeInForce.FAK, TimeInForce.FOK)
LASTING: dict[str, Any] = {"time_in_force": TimeInForce.GTD, "expires_at_ms": T0 + 150_000}
SOLD: dict[str, Any] = {"action": Action.SELL, "time_in_force": TimeInForce.FAK}
WHOLE = wire_trade("t1", 10, price="0.42")
MORE = wire_trade("t2", 0.71, price="0.42")
SO_FAR = wire_order("LIVE", 10)
ALL_OF_IT = wire_order("MATCHED", 10.71)


@pytest.mark.parametrize("kind", AT_ONCE)
@pytest.mark.parametrize(
    "told",
    [(WHOLE, SO_FAR, MORE, ALL_OF_IT), (SO_FAR, ALL_OF_IT, MORE, WHOLE)],
    ids=["trades first", "orders first"],
)
def test_a_purchase_sized_in_money_ends_when_all_that_it_bought_is_here(
    kind: TimeInForce, told: tuple[dict[str, Any], ...]
) -> None:
    bench = Bench().open()
    bench.place("matched", time_in_force=kind)
    for row in told[:-1]:
        bench.hear(row)
        assert not bench.live.is_final
    bench.hear(told[-1])
    assert bench.status is OrderStatus.FILLED
    assert bench.live.traded_units == units_from_text("10.71")
    assert [type(each) for each in bench.news(object)][1:] == [Fill, Fill, OrderCompleted]
    assert not bench.live.owed_fills, "position hears of every trade from the order"
    assert bench.logs == []


@pytest.mark.parametrize("kind", AT_ONCE)
def test_a_reading_ends_a_purchase_of_whose_end_nobody_told(kind: TimeInForce) -> None:
    bench = Bench().open()
    bench.place("delayed", time_in_force=kind, expires_at_ms=T0 + 600_000)
    bench.hear(WHOLE)
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.read_until(T0 + 3_000, WHOLE, MORE, gone=(ALL_OF_IT,))
    assert (bench.status, bench.live.traded_units) == (OrderStatus.FILLED, 10_710_000)


def test_a_purchase_that_the_venue_shows_no_more_has_the_trades_that_it_shows() -> None:
    bench = Bench().open()
    bench.place("matched", time_in_force=TimeInForce.FAK, expires_at_ms=T0 + 600_000)
    bench.read_until(T0 + 10_000, WHOLE, MORE)
    assert (bench.status, bench.live.traded_units) == (OrderStatus.FILLED, 10_710_000)


def test_what_a_purchase_could_not_spend_ends_with_it() -> None:
    bench = Bench().open()
    bench.place("matched", time_in_force=TimeInForce.FAK)
    bench.hear(wire_trade("t1", 4), wire_order("LIVE", 4))
    bench.hear(wire_order("CANCELED", 4, type="CANCELLATION"))
    assert bench.news(OrderCancelled)[0].filled_units == shares(4)


def test_a_restart_between_the_trades_of_a_purchase_forgets_none() -> None:
    bench = Bench().open()
    bench.place("matched", time_in_force=TimeInForce.FOK)
    bench.hear(WHOLE, SO_FAR)
    bench.restart()
    assert bench.report().status is OrderStatus.PARTIALLY_FILLED
    bench.hear(ALL_OF_IT, MORE)
    assert (bench.status, bench.live.traded_units) == (OrderStatus.FILLED, 10_710_000)


def test_a_sale_is_sized_in_shares_and_ends_with_the_last_of_them() -> None:
    bench = Bench().open()
    bench.place("matched", **SOLD)
    bench.hear(wire_trade("t1", 6, side="SELL", price="0.47"))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.hear(wire_trade("t2", 4, side="SELL", price="0.45"))
    assert bench.status is OrderStatus.FILLED


def test_a_lasting_order_is_signed_with_its_end_and_ends_by_the_venue_s_word() -> None:
    bench = Bench().open()
    bench.place(**LASTING)
    assert bench.last(SignOrder).venue_expiry_s == (T0 + 150_000) // 1_000 + 60
    bench.hear(wire_trade("t1", 4), wire_order("LIVE", 4))
    assert bench.status is OrderStatus.PARTIALLY_FILLED
    bench.hear(wire_order("CANCELED_EXPIRED_ORDER", 4, type="CANCELLATION"))
    assert bench.news(OrderCancelled)[0].filled_units == shares(4)
