"""The maker: where it quotes, when it re-quotes, and when it is silent."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from actors.messages.execution import OrderStatus, OwnOrder
from actors.model import Action, Side, TimeInForce
from actors.strategy.contract import Context, Decision
from actors.strategy.maker import MakerStrategy
from understudy.strategy.samples import example_context

MAKER = MakerStrategy()


def quotes(decision: Decision) -> dict[Side, int]:
    assert all(order.is_post_only and order.action is Action.BUY for order in decision.orders)
    return {order.side: order.price_ticks for order in decision.orders}


def resting(side: Side, price_ticks: int, **changes: Any) -> OwnOrder:
    order = OwnOrder(
        order_id=f"order_{side.value}",
        side=side,
        action=Action.BUY,
        price_ticks=price_ticks,
        size_units=10_000_000,
        filled_units=0,
        time_in_force=TimeInForce.GTC,
        is_post_only=True,
        status=OrderStatus.ACCEPTED,
        created_at_ms=0,
        expires_at_ms=1,
        is_cancelling=False,
    )
    return attrs.evolve(order, **changes)


def near(mid_ticks: int, **changes: Any) -> Context:
    """A market of one cent around a price of YES."""
    values: dict[str, Any] = {"yes_bid": (mid_ticks - 10, 50), "yes_ask": (mid_ticks, 50)}
    return example_context(**(values | changes))


def test_at_the_strike_it_bids_on_both_outcomes_below_a_half() -> None:
    assert quotes(MAKER.evaluate(near(500))) == {Side.YES: 480, Side.NO: 480}


def test_the_fair_value_is_that_of_an_average_over_the_windows_last_minute() -> None:
    value = MAKER.fair_value(near(500, ahead_dollars=40, sigma_dollars=30, left_s=160))
    deviation = 30 * math.sqrt((160 - 40) / 60)
    expected = 500 * (1 + math.erf(40 / deviation / math.sqrt(2)))
    assert value.yes_ticks == pytest.approx(expected)


def test_what_is_held_in_excess_is_bought_later_and_its_counterpart_sooner() -> None:
    flat = quotes(MAKER.evaluate(near(500)))
    heavy = quotes(MAKER.evaluate(near(500, yes_held=(480, 20))))
    assert heavy[Side.YES] == flat[Side.YES] - 10
    assert heavy[Side.NO] == flat[Side.NO] + 10
    full = quotes(MAKER.evaluate(near(500, yes_held=(480, 40))))
    assert list(full) == [Side.NO]


def test_a_bid_never_takes_and_never_stands_far_behind_the_book() -> None:
    crossing = MAKER.evaluate(near(450))
    assert quotes(crossing)[Side.YES] == 440
    far = MAKER.evaluate(near(560))
    assert Side.YES not in quotes(far)
    assert any("too far behind" in reason for reason in far.reasons)


def test_a_bid_that_is_where_it_should_be_is_left_alone() -> None:
    decision = MAKER.evaluate(near(500, orders=(resting(Side.YES, 485),)))
    assert (decision.cancels, list(quotes(decision))) == ((), [Side.NO])


def test_a_bid_in_the_wrong_place_is_cancelled_and_placed_anew_when_it_has_ended() -> None:
    decision = MAKER.evaluate(near(500, orders=(resting(Side.YES, 470),)))
    (cancel,) = decision.cancels
    assert (cancel.order_id, cancel.reason) == (
        "order_YES",
        "re-quote: it stands at 0.47 and should at 0.48",
    )
    going = resting(Side.YES, 470, is_cancelling=True)
    waiting = MAKER.evaluate(near(500, orders=(going,)))
    assert (waiting.cancels, list(quotes(waiting))) == ((), [Side.NO])
    assert quotes(MAKER.evaluate(near(500)))[Side.YES] == 480


SILENT = {
    "the end is near": ({"left_s": 75}, "quiet: 75 s left"),
    "no volatility": ({"sigma_dollars": None}, "volatility is not known"),
    "decided": ({"ahead_dollars": 5_000}, "as good as decided"),
}


@pytest.mark.parametrize(("changes", "reason"), SILENT.values(), ids=SILENT)
def test_when_it_cannot_know_everything_is_cancelled_and_nothing_said(
    changes: dict[str, Any], reason: str
) -> None:
    decision = MAKER.evaluate(near(500, orders=(resting(Side.YES, 480),), **changes))
    assert [cancel.order_id for cancel in decision.cancels] == ["order_YES"]
    assert (decision.orders, decision.is_final) == ((), True)
    assert reason in decision.reasons[0]


def test_without_price_strike_or_book_it_is_silent_too() -> None:
    seen = near(500)
    for changes in (
        {"reference_e18": None},
        {"strike": None},
        {"reference_at_ms": seen.now_ms - 3_001},
        {"yes": replace(seen.snapshot.yes, is_synced=False)},
    ):
        without = attrs.evolve(seen, snapshot=replace(seen.snapshot, **changes))
        assert MAKER.evaluate(without).orders == ()


def test_its_size_keeps_within_the_limits_that_it_is_shown() -> None:
    limits = attrs.evolve(near(500).limits, max_trade_units=7_000_000)
    decision = MAKER.evaluate(attrs.evolve(near(500), limits=limits))
    assert {order.size_units for order in decision.orders} == {7_000_000}
