"""Who trades with whom, at what price, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from engine_builders import (
    DOWN,
    FREE_OF_FEES,
    MARKET,
    RULES,
    UP,
    Exchange,
    dollars,
    order,
    trades,
    without_levels,
)

from actors.units import shares, taker_fee_nanos
from venue.engine.messages import (
    CANCELED,
    ExchangeOrderStatus,
    LevelChanged,
    Lifetime,
    MakerFill,
    MatchKind,
    Outcome,
    Removed,
    Rested,
    Traded,
)

BIG = shares(1_000)


def maker_ids(exchange: Exchange, **taker: Any) -> list[str]:
    events = exchange.submit("taker", "robot", **taker)
    return [fill.order_id for trade in trades(events) for fill in trade.maker_fills]


def test_the_best_price_trades_first_and_the_oldest_order_at_a_price() -> None:
    exchange = Exchange()
    for order_id, price in [("a", 520), ("b", 510), ("c", 520), ("d", 510), ("e", 530)]:
        exchange.submit(order_id, "robot", is_buy=False, price_ticks=price)

    assert maker_ids(exchange, price_ticks=520, size_units=shares(35)) == ["b", "d", "a", "c"]
    assert exchange.engine.levels(UP) == ((), ((520, shares(5)), (530, shares(10))))


def test_both_ways_to_say_it_queue_together_at_a_price() -> None:
    exchange = Exchange()
    exchange.submit("sell-up-1", "robot", is_buy=False, price_ticks=520)
    exchange.submit("buy-down", "robot", outcome=DOWN, price_ticks=480)
    exchange.submit("sell-up-2", "robot", is_buy=False, price_ticks=520)

    assert maker_ids(exchange, price_ticks=520, size_units=shares(30)) == [
        "sell-up-1",
        "buy-down",
        "sell-up-2",
    ]


def test_a_partly_filled_maker_keeps_its_place() -> None:
    exchange = Exchange()
    exchange.submit("old", "robot", is_buy=False)
    exchange.submit("young", "robot", is_buy=False)
    exchange.submit("first-taker", "robot", size_units=shares(5))

    assert maker_ids(exchange, size_units=shares(5)) == ["old"]


@pytest.mark.parametrize(
    ("maker", "taker", "kind"),
    [
        pytest.param((UP, False, 600), (UP, True, 650), MatchKind.COMPLEMENTARY, id="buy a sell"),
        pytest.param((UP, True, 400), (UP, False, 350), MatchKind.COMPLEMENTARY, id="sell a buy"),
        pytest.param((UP, True, 600), (DOWN, True, 450), MatchKind.MINT, id="two buys"),
        pytest.param((DOWN, False, 600), (UP, False, 350), MatchKind.MERGE, id="two sells"),
    ],
)
def test_the_taker_gets_the_makers_price_in_every_kind_of_match(
    maker: tuple[Outcome, bool, int], taker: tuple[Outcome, bool, int], kind: MatchKind
) -> None:
    exchange = Exchange(FREE_OF_FEES)
    exchange.submit("m", "alice", outcome=maker[0], is_buy=maker[1], price_ticks=maker[2])
    events = exchange.submit("t", "bob", outcome=taker[0], is_buy=taker[1], price_ticks=taker[2])

    seen_by_taker = maker[2] if maker[0] is taker[0] else 1000 - maker[2]
    assert events == [
        Traded(
            trade_id=f"{MARKET}-1",
            taker_order_id="t",
            taker_owner="bob",
            outcome=taker[0],
            is_buy=taker[1],
            price_ticks=seen_by_taker,
            size_units=shares(10),
            fee_nanos=0,
            maker_fills=(
                MakerFill(
                    order_id="m",
                    owner="alice",
                    outcome=maker[0],
                    is_buy=maker[1],
                    price_ticks=maker[2],
                    size_units=shares(10),
                    match_kind=kind,
                ),
            ),
            traded_at_ms=0,
        )
    ]
    for owner, (outcome, is_buy, _), price in (
        ("alice", maker, maker[2]),
        ("bob", taker, seen_by_taker),
    ):
        sign = 1 if is_buy else -1
        assert exchange.cash(owner) == dollars(1_000) - sign * price * shares(10)
        assert exchange.held(owner, outcome) == shares(100 + sign * 10)
        assert exchange.held(owner, outcome.other) == shares(100)
        assert exchange.reserved(owner) == 0
    exchange.ledger.audit()


def test_every_price_reached_is_a_trade_of_its_own_and_its_makers_share_its_id() -> None:
    exchange = Exchange()
    for order_id, price in [("a", 500), ("b", 500), ("c", 510)]:
        exchange.submit(order_id, "alice", is_buy=False, price_ticks=price)
    first, second = trades(exchange.submit("taker", price_ticks=520, size_units=shares(25)))

    assert (first.price_ticks, [fill.order_id for fill in first.maker_fills]) == (500, ["a", "b"])
    assert (second.price_ticks, [fill.order_id for fill in second.maker_fills]) == (510, ["c"])
    assert (first.trade_id, second.trade_id) == (f"{MARKET}-1", f"{MARKET}-2")


def test_the_taker_alone_pays_a_fee_on_top_of_what_it_buys_for() -> None:
    exchange = Exchange()
    exchange.submit("m", "alice", is_buy=False)
    [trade] = trades(exchange.submit("t", "bob"))

    assert trade.fee_nanos == taker_fee_nanos(500, shares(10), 700) == dollars(0.175)
    assert exchange.cash("bob") == dollars(1_000 - 5 - 0.175)
    assert exchange.cash("alice") == dollars(1_005)
    assert exchange.cash("fees") == dollars(0.175)


def test_a_selling_taker_pays_its_fee_out_of_what_it_sells_for() -> None:
    exchange = Exchange()
    exchange.submit("m", "alice")
    exchange.submit("t", "bob", is_buy=False)

    assert exchange.cash("bob") == dollars(1_000 + 5 - 0.175)


def test_what_trading_leaves_of_an_order_rests_at_its_limit() -> None:
    exchange = Exchange()
    exchange.submit("m", "robot", is_buy=False)
    events = exchange.submit("t", price_ticks=520, size_units=shares(25))

    assert events[1:] == [Rested("t", shares(15))]
    assert exchange.engine.best(UP) == (520, None)
    assert exchange.reserved("bob") == 520 * shares(15)


def test_a_resting_buy_holds_its_limit_back_and_a_sell_its_shares() -> None:
    exchange = Exchange()
    exchange.submit("buy", price_ticks=400)
    exchange.submit("sell", is_buy=False, price_ticks=600)
    assert exchange.reserved("bob") == dollars(4)
    assert exchange.ledger.free_shares_units("bob", MARKET, UP) == shares(90)

    exchange.submit("half-a", "robot", is_buy=False, price_ticks=400, size_units=shares(5))
    exchange.submit("half-b", "robot", price_ticks=600, size_units=shares(5))
    assert exchange.reserved("bob") == dollars(2)
    assert exchange.held("bob", UP) == shares(100)
    assert exchange.ledger.free_shares_units("bob", MARKET, UP) == shares(95)

    exchange.engine.cancel_all("bob", 0)
    assert exchange.reserved("bob") == 0
    assert exchange.ledger.free_shares_units("bob", MARKET, UP) == shares(100)


def test_what_a_fak_does_not_fill_is_cancelled() -> None:
    exchange = Exchange()
    exchange.submit("m", "robot", is_buy=False)
    events = exchange.submit("t", size_units=shares(25), lifetime=Lifetime.FAK)

    assert events[1:] == [Removed("t", CANCELED)]
    ended = exchange.engine.order("t")
    assert ended is not None
    assert (ended.status, ended.filled_units) == (ExchangeOrderStatus.CANCELED, shares(10))
    assert exchange.reserved("bob") == 0
    assert exchange.engine.best(UP) == (None, None)


def test_of_an_owner_whom_nobody_asks_about_only_open_orders_are_kept() -> None:
    exchange = Exchange()
    exchange.engine.forget_orders_of("robot")
    for order_id, price in [("matched", 500), ("cancelled", 510), ("partly", 520)]:
        exchange.submit(order_id, "robot", is_buy=False, price_ticks=price)
    exchange.engine.cancel("cancelled", CANCELED, 0)
    exchange.submit("t", price_ticks=520, size_units=shares(15))

    assert [exchange.engine.order(each) for each in ("matched", "cancelled")] == [None, None]
    partly = exchange.engine.order("partly")
    assert partly is not None
    assert partly.filled_units == shares(5)
    assert exchange.engine.order("t") is not None
    assert [each.terms.order_id for each in exchange.engine.open_orders("robot")] == ["partly"]


def test_a_fok_takes_all_it_needs_over_several_prices() -> None:
    exchange = Exchange()
    exchange.submit("a", "robot", is_buy=False, price_ticks=500)
    exchange.submit("b", "robot", is_buy=False, price_ticks=510)
    events = exchange.submit("t", price_ticks=510, size_units=shares(20), lifetime=Lifetime.FOK)

    assert [trade.size_units for trade in trades(events)] == [shares(10), shares(10)]
    ended = exchange.engine.order("t")
    assert ended is not None
    assert ended.status is ExchangeOrderStatus.MATCHED


@pytest.mark.parametrize("lifetime", [Lifetime.FAK, Lifetime.FOK])
def test_a_buy_that_names_money_gets_more_shares_at_a_better_price(lifetime: Lifetime) -> None:
    exchange = Exchange()
    exchange.submit("m", "robot", is_buy=False, price_ticks=400, size_units=BIG)
    events = exchange.submit(
        "t",
        price_ticks=550,
        size_units=18_181_800,
        spend_nanos=dollars(10),
        lifetime=lifetime,
    )

    [trade] = trades(events)
    assert events == [trade]
    assert (trade.price_ticks, trade.size_units) == (400, shares(25))
    assert exchange.cash("bob") == dollars(990) - trade.fee_nanos
    assert exchange.reserved("bob") == 0


def test_a_buy_that_names_money_never_pays_more_than_its_limit() -> None:
    exchange = Exchange()
    exchange.submit("a", "robot", is_buy=False, price_ticks=500)
    exchange.submit("b", "robot", is_buy=False, price_ticks=560, size_units=BIG)
    events = exchange.submit("t", price_ticks=550, spend_nanos=dollars(10), lifetime=Lifetime.FAK)

    assert [trade.price_ticks for trade in trades(events)] == [500]
    assert events[-1] == Removed("t", CANCELED)
    assert exchange.held("bob", UP) == shares(110)


def test_less_money_than_a_millionth_of_a_share_costs_counts_as_spent() -> None:
    exchange = Exchange()
    exchange.submit("m", "robot", is_buy=False, price_ticks=300, size_units=BIG)
    exchange.submit("t", price_ticks=300, spend_nanos=dollars(10), lifetime=Lifetime.FOK)

    ended = exchange.engine.order("t")
    assert ended is not None
    assert (ended.status, ended.filled_units) == (ExchangeOrderStatus.MATCHED, 33_333_333)


def test_an_owner_may_trade_with_itself_and_loses_the_fee() -> None:
    exchange = Exchange()
    exchange.submit("sell", is_buy=False)
    exchange.submit("buy")

    assert exchange.cash("bob") == dollars(1_000 - 0.175)
    assert exchange.held("bob", UP) == shares(100)


def test_buying_both_outcomes_from_oneself_mints_pairs() -> None:
    exchange = Exchange(FREE_OF_FEES)
    exchange.submit("up", price_ticks=600)
    exchange.submit("down", outcome=DOWN, price_ticks=400)

    assert exchange.cash("bob") == dollars(990)
    assert exchange.held("bob", UP) == exchange.held("bob", DOWN) == shares(110)


def test_both_books_are_one_book_seen_from_two_sides() -> None:
    exchange = Exchange()
    exchange.submit("a", price_ticks=450)
    exchange.submit("b", outcome=DOWN, price_ticks=480, size_units=shares(20))
    exchange.submit("c", is_buy=False, price_ticks=530, size_units=shares(30))

    assert exchange.engine.levels(UP) == (
        ((450, shares(10)),),
        ((520, shares(20)), (530, shares(30))),
    )
    assert exchange.engine.levels(DOWN) == (
        ((480, shares(20)), (470, shares(30))),
        ((550, shares(10)),),
    )
    assert exchange.engine.best(UP) == (450, 520)
    assert exchange.engine.best(DOWN) == (480, 550)


def test_a_changed_level_is_told_once_a_call_and_of_both_outcomes() -> None:
    exchange = Exchange()
    exchange.submit("a", "robot", is_buy=False)
    exchange.submit("b", "robot", is_buy=False)
    events = exchange.engine.submit(order("t", size_units=shares(15)), 0)

    assert events[len(without_levels(events)) :] == [
        LevelChanged(UP, is_bid=False, price_ticks=500, new_size_units=shares(5)),
        LevelChanged(DOWN, is_bid=True, price_ticks=500, new_size_units=shares(5)),
    ]


def test_trade_ids_are_counted_after_the_prefix_that_was_given() -> None:
    exchange = Exchange()
    engine = type(exchange.engine)(RULES, exchange.ledger, trade_id_prefix="7-")
    engine.submit(order("m", "robot", is_buy=False), 0)
    assert trades(engine.submit(order("t"), 0))[0].trade_id == "7-1"


@pytest.mark.parametrize(("maker_extra", "taker_extra"), [(1, 0), (0, 1)])
def test_a_millionth_of_a_share_is_neither_lost_nor_given(
    maker_extra: int, taker_extra: int
) -> None:
    exchange = Exchange()
    exchange.submit("m", "alice", is_buy=False, size_units=shares(10) + maker_extra)
    exchange.submit("t", "bob", size_units=shares(10) + taker_extra)

    bids, asks = exchange.engine.levels(UP)
    assert (bids, asks) == ((((500, 1),), ()) if taker_extra else ((), ((500, 1),)))
    assert exchange.held("bob", UP) == shares(110)
