"""What a strategy of one's own may ask the desk for: kinds of order, cancels, pairs, sales."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from desk_stage import Desk, live, refusals
from order_builders import MARKET, T0, position, records, sent, signal, signals

from actors.core import Effects
from actors.execution.acceptance import GTD_LEAST_MS
from actors.execution.desk_state import OrdersCreated
from actors.messages.execution import CancelRequested, OpenOrders, OrderIntent
from actors.messages.strategy import CancelSignal
from actors.model import Action, Side, TimeInForce
from actors.roles import STRATEGY, order_role
from actors.settings import ExecutionSettings, RiskSettings, Settings
from actors.units import shares


def created(effects: Effects) -> tuple[OrderIntent, ...]:
    """Orders of the one record in which they were created; none if there is none."""
    recorded = [each.event for each in records(effects)]
    events = [each for each in recorded if isinstance(each, OrdersCreated)]
    assert len(events) < 2
    return events[0].intents if events else ()


def kinds(intents: tuple[OrderIntent, ...]) -> list[tuple[Side, str | None]]:
    return [(each.side, each.pair_id) for each in intents]


def test_an_order_is_of_the_kind_that_was_asked_for() -> None:
    desk = Desk().ready()
    quote = attrs.evolve(signal(Side.YES, 440), is_post_only=True, time_to_live_ms=9_000)
    kill = attrs.evolve(signal(Side.NO, 500), time_in_force=TimeInForce.FOK)
    yes, no = created(desk.feed(signals(quote, kill, is_pair=False)))
    assert (yes.time_in_force, yes.is_post_only) == (TimeInForce.GTC, True)
    assert yes.expires_at_ms == T0 + 9_000
    assert (no.time_in_force, no.expires_at_ms) == (TimeInForce.FOK, T0 + 3_000)


def test_two_signals_are_no_pair_by_being_two() -> None:
    desk = Desk().ready()
    intents = created(desk.feed(signals(signal(Side.YES), signal(Side.NO), is_pair=False)))
    assert kinds(intents) == [(Side.YES, None), (Side.NO, None)]


def test_one_of_two_that_is_refused_leaves_the_other() -> None:
    desk = Desk().ready()
    effects = desk.feed(signals(signal(Side.YES, size=4), signal(Side.NO), is_pair=False))
    assert kinds(created(effects)) == [(Side.NO, None)]
    assert len(refusals(effects)) == 1


def test_a_pair_beside_a_single_order_goes_together_or_not_at_all() -> None:
    legs = [attrs.evolve(signal(side), pair="legs") for side in Side]
    first = attrs.evolve(signal(Side.YES, 460), pair=None)
    desk = Desk().ready()
    effects = desk.feed(signals(first, *legs))
    assert kinds(created(effects)) == [(Side.YES, None)]
    assert "YES is busy" in refusals(effects)[0]


@pytest.mark.parametrize("count", [1, 3])
def test_a_pair_has_two_legs(count: int) -> None:
    legs = [attrs.evolve(signal(Side.YES), pair="legs")] * count
    assert "must have two" in refusals(Desk().ready().feed(signals(*legs)))[0]


def test_what_was_accepted_first_counts_for_the_limits_of_the_next() -> None:
    desk = Desk(Settings(risk=RiskSettings(max_window_dollars=5))).ready()
    effects = desk.feed(signals(signal(Side.YES, 450), signal(Side.NO, 500), is_pair=False))
    assert kinds(created(effects)) == [(Side.YES, None)]
    assert "max_window_dollars" in refusals(effects)[0]


def test_more_orders_work_on_a_side_if_the_strategy_asks_and_the_limit_of_all_allows_it() -> None:
    desk = Desk(Settings(execution=ExecutionSettings(max_open_orders=3))).ready()
    asked = {"orders_per_side": 4, "is_pair": False}
    effects = desk.feed(signals(signal(price_ticks=450), signal(price_ticks=440), **asked))
    assert [side for side, _ in live(effects)] == [Side.YES, Side.YES]
    again = desk.feed(
        signals(signal(price_ticks=430), signal(price_ticks=420), at_ms=T0 + 1, **asked)
    )
    assert len(created(again)) == 1
    assert "max_open_orders" in refusals(again)[0]
    (answer,) = sent(again, OpenOrders, STRATEGY)[:1]
    assert [each.price_ticks for each in answer.working] == [450, 440, 430]
    over = desk.feed(signals(signal(price_ticks=410), at_ms=T0 + 2, orders_per_side=2))
    assert "3 working orders, 1 more would be over orders_per_side 2" in refusals(over)[0]


def sale(size: int, price_ticks: int = 450) -> Any:
    return attrs.evolve(
        signal(Side.YES, price_ticks, size), action=Action.SELL, best_bid_ticks=price_ticks
    )


def test_what_is_held_is_sold_and_what_is_on_sale_already_is_not_sold_again() -> None:
    desk = Desk().ready()
    desk.feed(position(2, yes=12))
    asked = {"orders_per_side": 3, "position_version": 2}
    assert created(desk.feed(signals(sale(7), **asked)))
    refused = desk.feed(signals(sale(6), at_ms=T0 + 1, **asked))
    assert refusals(refused) == ["6 YES are to be sold, and 5 are held and not on sale already"]
    assert created(desk.feed(signals(sale(5), at_ms=T0 + 2, **asked)))


def test_nothing_is_sold_that_is_not_held() -> None:
    effects = Desk().ready().feed(signals(sale(5)))
    assert refusals(effects) == ["5 YES are to be sold, and 0 are held and not on sale already"]


IMPOSSIBLE = {
    "post-only and at once": (
        {"is_post_only": True, "time_in_force": TimeInForce.FAK},
        "a FAK order cannot be post-only",
    ),
    "over at once": ({"time_to_live_ms": 0}, "a time to live of 0 ms"),
    "a GTD too short": (
        {"time_in_force": TimeInForce.GTD, "time_to_live_ms": GTD_LEAST_MS - 1},
        "is too short",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_the_venue_would_not_take_is_refused_before(
    changes: dict[str, Any], reason: str
) -> None:
    effects = Desk().ready().feed(signals(attrs.evolve(signal(), **changes)))
    assert reason in refusals(effects)[0]
    assert created(effects) == ()


def test_a_gtd_order_that_is_long_enough_is_taken() -> None:
    lasting = attrs.evolve(signal(), time_in_force=TimeInForce.GTD, time_to_live_ms=GTD_LEAST_MS)
    (intent,) = created(Desk().ready().feed(signals(lasting)))
    assert intent.expires_at_ms == T0 + GTD_LEAST_MS


def test_an_order_that_never_rests_may_be_below_the_least_size_of_those_that_do() -> None:
    small = attrs.evolve(signal(price_ticks=500, size=3), time_in_force=TimeInForce.FAK)
    assert created(Desk().ready().feed(signals(small)))


@pytest.mark.parametrize(("best_bid_ticks", "is_taken"), [(400, True), (399, False), (None, True)])
def test_a_quote_is_held_against_its_own_side_of_the_book(
    best_bid_ticks: int | None, is_taken: bool
) -> None:
    quote = attrs.evolve(
        signal(price_ticks=450),
        is_post_only=True,
        best_bid_ticks=best_bid_ticks,
        best_ask_ticks=500 if best_bid_ticks is None else 900,
    )
    assert bool(created(Desk().ready().feed(signals(quote)))) is is_taken


def cancel(order_id: str, at_ms: int, **changes: Any) -> Any:
    message = signals(at_ms=at_ms, cancels=(CancelSignal(order_id, "re-quote"),), **changes)
    return attrs.evolve(message, signals=())


def test_a_cancel_reaches_its_order_and_is_shown_until_it_has_ended() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    effects = desk.feed(cancel(intent.order_id, T0 + 1))
    wanted = CancelRequested(intent.order_id, "re-quote")
    assert sent(effects, CancelRequested, order_role(intent.order_id)) == [wanted]
    (answer,) = sent(effects, OpenOrders, STRATEGY)
    assert (answer.answers_signals_id, answer.working[0].is_cancelling) == (2, True)
    assert refusals(effects) == []


def test_a_cancel_is_obeyed_though_the_signals_beside_it_are_refused() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    stale = signals(
        signal(Side.NO),
        at_ms=T0 + 1,
        position_version=0,
        cancels=(CancelSignal(intent.order_id, "r"),),
    )
    effects = desk.feed(stale)
    assert sent(effects, CancelRequested, order_role(intent.order_id))
    assert "stale" in refusals(effects)[0]


def test_a_cancel_of_what_is_not_there_or_of_another_market_is_answered_and_no_more() -> None:
    desk = Desk().ready()
    (intent,) = desk.accept()
    for message in (
        cancel("order_9_00000000", T0 + 1),
        cancel(intent.order_id, T0 + 2, market_id="0xother"),
    ):
        effects = desk.feed(message)
        assert sent(effects, CancelRequested, order_role(intent.order_id)) == []
        assert sent(effects, OpenOrders, STRATEGY)


def test_a_strategy_is_shown_its_orders_in_full() -> None:
    desk = Desk().ready()
    quote = attrs.evolve(signal(Side.YES, 440, 10), is_post_only=True)
    effects = desk.feed(signals(quote))
    (shown,) = sent(effects, OpenOrders, STRATEGY)[0].working
    (intent,) = created(effects)
    assert (shown.order_id, shown.price_ticks, shown.size_units) == (
        intent.order_id,
        440,
        shares(10),
    )
    assert (shown.is_post_only, shown.is_cancelling, shown.filled_units) == (True, False, 0)
    assert shown.action is Action.BUY
    assert intent.market == MARKET


def test_the_position_decides_what_may_be_sold_not_what_the_strategy_believes() -> None:
    desk = Desk().ready()
    desk.feed(position(2))
    effects = desk.feed(signals(sale(5), position_version=2))
    assert "0 are held" in refusals(effects)[0]
