"""Every rule that refuses an order, with the text in which it does."""

from __future__ import annotations

from typing import Any

import pytest
from engine_builders import DOWN, UP, Exchange, dollars, order

from actors.units import shares
from venue.engine import UnknownAccount
from venue.engine.messages import Lifetime, Refused, Rested

NO_MATCH = (
    "no orders found to match with FAK order. "
    "FAK orders are partially filled or killed if no match is found."
)
NOT_FULL = "order couldn't be fully filled. FOK orders are fully filled or killed."
BUY_ACCURACY = (
    "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
    "taker amount a max of 4 decimals"
)
SELL_ACCURACY = BUY_ACCURACY.replace("market buy", "market sell")
FAK_SELL = {"is_buy": False, "price_ticks": 400, "lifetime": Lifetime.FAK}
SPEND = {"price_ticks": 600, "lifetime": Lifetime.FAK}


def tick_text(price: str) -> str:
    return f"order o is invalid. Price ({price}) breaks minimum tick size rule: 0.01"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "between two ticks": ({"price_ticks": 505}, tick_text("0.505")),
    "at nothing": ({"price_ticks": 0}, tick_text("0")),
    "at a whole dollar": ({"price_ticks": 1000}, tick_text("1")),
    "too small to rest": (
        {"size_units": 4_990_000},
        "order o is invalid. Size (4.99) lower than the minimum: 5",
    ),
    "of no size": ({"size_units": 0}, "Invalid order payload"),
    "post-only and FAK": (
        {"is_post_only": True, "lifetime": Lifetime.FAK},
        "Invalid order payload",
    ),
    "a sell that names money": (
        {**FAK_SELL, "spend_nanos": dollars(1)},
        "Invalid order payload",
    ),
    "a resting buy that names money": ({"spend_nanos": dollars(1)}, "Invalid order payload"),
    "a buy for no money": ({**SPEND, "spend_nanos": 0}, "Invalid order payload"),
    "GTD without a date": ({"lifetime": Lifetime.GTD}, "invalid expiration"),
    "GTD in the past": (
        {"lifetime": Lifetime.GTD, "expires_at_ms": 1_000},
        "invalid expiration",
    ),
    "GTC with a date": ({"expires_at_ms": 2_000}, "invalid expiration"),
    "money finer than cents": ({**SPEND, "spend_nanos": 10_001_000_000}, BUY_ACCURACY),
    "least shares finer than four decimals": (
        {**SPEND, "spend_nanos": dollars(10), "size_units": 18_181_810},
        BUY_ACCURACY,
    ),
    "a FAK sell finer than two decimals": ({**FAK_SELL, "size_units": 10_001_000}, SELL_ACCURACY),
    "post-only at the ask": (
        {"price_ticks": 600, "is_post_only": True},
        "invalid post-only order: order crosses book",
    ),
    "post-only across the mirror": (
        {"outcome": DOWN, "is_buy": False, "price_ticks": 400, "is_post_only": True},
        "invalid post-only order: order crosses book",
    ),
    "FAK below the ask": ({"price_ticks": 590, "lifetime": Lifetime.FAK}, NO_MATCH),
    "FOK for more than there is": (
        {"price_ticks": 600, "size_units": shares(51), "lifetime": Lifetime.FOK},
        NOT_FULL,
    ),
    "FOK with more money than there is to buy": (
        {"price_ticks": 600, "spend_nanos": dollars(30.01), "lifetime": Lifetime.FOK},
        NOT_FULL,
    ),
    "FOK below the ask": ({"price_ticks": 590, "lifetime": Lifetime.FOK}, NOT_FULL),
    "a FAK buy of less than a dollar": (
        {"price_ticks": 600, "size_units": shares(1), "lifetime": Lifetime.FAK},
        "invalid amount for a marketable BUY order ($0.6), min size: $1",
    ),
    "a FAK buy for less than a dollar": (
        {"price_ticks": 600, "spend_nanos": dollars(0.99), "lifetime": Lifetime.FAK},
        "invalid amount for a marketable BUY order ($0.99), min size: $1",
    ),
}


@pytest.mark.parametrize(("terms", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_an_order_is_refused_in_the_venues_words(terms: dict[str, Any], reason: str) -> None:
    exchange = Exchange()
    exchange.submit("maker", "robot", is_buy=False, price_ticks=600, size_units=shares(50))
    exchange.submit("bidder", "robot", price_ticks=400, size_units=shares(50))

    assert exchange.submit("o", now_ms=1_000, **terms) == [Refused("o", reason)]
    assert exchange.engine.order("o") is None
    assert exchange.engine.levels(UP) == (((400, shares(50)),), ((600, shares(50)),))
    assert exchange.reserved("bob") == 0


def test_a_resting_order_may_be_worth_less_than_a_dollar() -> None:
    events = Exchange().submit("o", price_ticks=10, size_units=shares(5))
    assert events == [Rested("o", shares(5))]


def test_the_same_order_id_is_refused_while_it_lives_and_after() -> None:
    exchange = Exchange()
    exchange.submit("o")
    refusal = [Refused("o", "order o is invalid. Duplicated.")]

    assert exchange.submit("o") == refusal
    exchange.engine.cancel("o", "CANCELED", 0)
    assert exchange.submit("o") == refusal


def test_a_refused_order_may_be_sent_again() -> None:
    exchange = Exchange()
    exchange.submit("o", lifetime=Lifetime.FAK)
    assert exchange.submit("o") == [Rested("o", shares(10))]


@pytest.mark.parametrize(
    ("size", "ask", "needed"),
    [
        pytest.param(11, 600, 5_500_000, id="a buy that rests"),
        pytest.param(10, 500, 5_175_000, id="a buy that takes, with its fee"),
    ],
)
def test_open_buys_and_their_fees_must_fit_the_balance(size: int, ask: int, needed: int) -> None:
    exchange = Exchange()
    exchange.submit("first", price_ticks=100, size_units=shares(9_950))
    exchange.submit("ask", "robot", is_buy=False, price_ticks=ask)

    assert exchange.submit("second", size_units=shares(size)) == [
        Refused(
            "second",
            "not enough balance / allowance: the balance is not enough -> "
            f"balance: 5000000, order amount: {needed}",
        )
    ]


def test_open_sells_must_fit_the_shares() -> None:
    exchange = Exchange()
    exchange.submit("first", is_buy=False, price_ticks=900, size_units=shares(95))

    assert exchange.submit("second", is_buy=False, size_units=shares(6)) == [
        Refused(
            "second",
            "not enough balance / allowance: the balance is not enough -> "
            "balance: 5000000, order amount: 6000000",
        )
    ]


def test_an_unlimited_owner_needs_no_balance() -> None:
    exchange = Exchange()
    size = shares(1_000_000)
    assert exchange.submit("o", "robot", is_buy=False, size_units=size) == [Rested("o", size)]
    assert exchange.ledger.account("robot").holdings == {}


def test_an_owner_without_account_is_an_error_of_the_caller() -> None:
    with pytest.raises(UnknownAccount, match="'mallory' has no account"):
        Exchange().submit("o", "mallory")


def test_a_decided_market_takes_no_orders() -> None:
    exchange = Exchange()
    exchange.engine.resolve(UP, 0)
    assert exchange.submit("o") == [
        Refused("o", "the market is not yet ready to process new orders")
    ]


def test_the_finer_grid_holds_for_new_orders_once_it_is_set() -> None:
    exchange = Exchange()
    exchange.engine.set_tick_size(1, 0)
    assert exchange.engine.submit(order("o", price_ticks=505), 0)[0] == Rested("o", shares(10))
