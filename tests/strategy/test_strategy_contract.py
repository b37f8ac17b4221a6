from __future__ import annotations

import pickle
from inspect import signature
from typing import Any, ClassVar

import attrs
import pytest
from msgspec.structs import replace
from strategy_builders import position, snapshot

import understudy.strategy as public
from actors.strategy.contract import (
    CONTRACT_VERSION,
    Cancel,
    Context,
    Decision,
    Order,
    Strategy,
    TradeLimits,
)
from actors.strategy.parameters import BadParameter, parameter, parameters_of
from understudy.strategy import Action, OrderStatus, OwnOrder, Side, TimeInForce

FIELDS = {
    "Cancel": "order_id reason",
    "Context": "snapshot position limits orders trades sigma_dollars memory",
    "Decision": "orders cancels stop reasons is_final memory",
    "FairValue": "yes_ticks basis",
    "Order": "side price_ticks size_units reason action time_in_force is_post_only time_to_live_ms "
    "pair priority",
    "OwnOrder": "order_id side action price_ticks size_units filled_units time_in_force "
    "is_post_only status created_at_ms expires_at_ms is_cancelling pair_id",
    "StopWindow": "side sells reason",
    "TradeLimits": "max_trade_units max_shares_units max_book_age_ms",
    "Holding": "quantity_units cost_nanos",
    "PositionView": "yes no fees_nanos live_sides position_version is_stopped",
    "PublicTrade": "side price_ticks size_units taker_buys timestamp_ms",
    "BookView": "bids asks is_synced updated_at_ms",
    "Strike": "price_e18 source timestamp_ms origin",
}
"""Version 1: what is listed here stays; more may be added, with a default."""

LIMITS = TradeLimits(max_trade_units=20, max_shares_units=100, max_book_age_ms=2_000)


class Cheap(Strategy):
    """Buys below a limit."""

    limit_ticks: int = parameter(300, "bought below this", least=1, most=999)
    is_eager: bool = False

    def evaluate(self, context: Context) -> Decision:
        ask_ticks = context.book(Side.YES).best_ask_ticks
        return Decision(reasons=(f"{ask_ticks} against {self.limit_ticks}",))


def own_order(**changes: Any) -> OwnOrder:
    order = OwnOrder(
        order_id="order_1_a",
        side=Side.YES,
        action=Action.SELL,
        price_ticks=500,
        size_units=8,
        filled_units=3,
        time_in_force=TimeInForce.GTC,
        is_post_only=False,
        status=OrderStatus.PARTIALLY_FILLED,
        created_at_ms=1,
        expires_at_ms=2,
        is_cancelling=False,
    )
    return attrs.evolve(order, **changes)


def context(**changes: Any) -> Context:
    market = snapshot(yes_bid=(480, 10), yes_ask=(490, 10), no_bid=(500, 9), no_ask=(520, 9))
    made = Context(snapshot=market, position=position(yes=(20, 400)), limits=LIMITS)
    return attrs.evolve(made, **changes)


@pytest.mark.parametrize("name", FIELDS)
def test_version_1_keeps_every_field_that_it_had(name: str) -> None:
    assert CONTRACT_VERSION == 1
    assert set(FIELDS[name].split()) <= signature(getattr(public, name)).parameters.keys()


def test_annotated_fields_of_a_strategy_are_its_parameters() -> None:
    strategy = Cheap(limit_ticks=250)
    assert strategy.evaluate(context()).reasons == ("490 against 250",)
    assert strategy.title == "Cheap"
    found = parameters_of(Cheap)
    assert [(each.name, each.kind, each.default, each.rule.allowed) for each in found] == [
        ("limit_ticks", int, 300, "1 to 999"),
        ("is_eager", bool, False, "true or false"),
    ]


def test_a_strategy_cannot_be_changed_and_refuses_what_its_parameters_do_not_allow() -> None:
    strategy = Cheap()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        strategy.limit_ticks = 4  # type: ignore[misc]  # that it is refused is what is shown
    with pytest.raises(ValueError, match=r"limit_ticks = 1000: must be 1 to 999"):
        Cheap(limit_ticks=1000)


def test_a_parameter_that_no_file_could_set_is_refused_by_name() -> None:
    class Odd(Cheap):
        sizes: tuple[int, ...] = (1, 2)

    class Bare(Cheap):
        edge: int

    with pytest.raises(BadParameter, match=r"Odd\.sizes must be a bool, int, float or str"):
        parameters_of(Odd)
    with pytest.raises(BadParameter, match=r"Bare\.edge needs a default"):
        parameters_of(Bare)


def test_a_class_variable_is_no_parameter() -> None:
    class Named(Cheap):
        name: ClassVar[str] = "named"

    assert [each.name for each in parameters_of(Named)] == ["limit_ticks", "is_eager"]
    assert Named().title == "named"


def test_what_is_on_sale_already_cannot_be_sold_again() -> None:
    seen = context(orders=(own_order(), own_order(side=Side.NO), own_order(action=Action.BUY)))
    assert seen.sellable_units(Side.YES) == 20_000_000 - 5
    assert seen.sellable_units(Side.NO) == 0


def test_a_context_says_why_nothing_should_be_ordered() -> None:
    seen = context()
    assert seen.unready_reason() == ""
    yes = replace(seen.snapshot.yes, is_synced=False)
    unsynced = attrs.evolve(seen, snapshot=replace(seen.snapshot, yes=yes))
    assert unsynced.unready_reason() == "the YES book is not synced"
    old = replace(seen.snapshot, taken_at_ms=seen.now_ms + 2_001)
    assert "2001 ms old" in attrs.evolve(seen, snapshot=old).unready_reason()
    over = replace(seen.snapshot, taken_at_ms=seen.market.closes_at_ms)
    assert attrs.evolve(seen, snapshot=over).unready_reason() == "the window's time is over"


def test_contexts_and_decisions_cross_processes() -> None:
    decision = Decision(
        orders=(Order(side=Side.NO, price_ticks=400, size_units=5, reason="r", pair="p"),),
        cancels=(Cancel(order_id="o", reason="r"),),
        memory=(1, "two"),
    )
    sent = pickle.dumps((context(), decision))
    assert pickle.loads(sent) == (context(), decision)  # noqa: S301  # our own bytes
