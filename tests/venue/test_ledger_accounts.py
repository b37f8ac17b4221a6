"""Money and shares: nothing appears, nothing goes, nothing is given twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine_builders import DOWN, MARKET, UP, Exchange, dollars

from actors.units import shares
from venue.engine import FEES, WORLD, Ledger, NotEnoughFunds, UnknownAccount
from venue.engine.ledger import Leg


@pytest.fixture
def ledger() -> Ledger:
    """Bob has $100, robot is unlimited."""
    ledger = Ledger()
    ledger.open_account("bob")
    ledger.open_account("robot", is_unlimited=True)
    ledger.deposit("bob", dollars(100))
    return ledger


def test_opening_an_account_twice_keeps_what_is_in_it(ledger: Ledger) -> None:
    assert ledger.open_account("bob").cash_nanos == dollars(100)


def test_an_account_does_not_change_its_kind(ledger: Ledger) -> None:
    with pytest.raises(AssertionError, match="another kind"):
        ledger.open_account("bob", is_unlimited=True)


def test_an_account_that_was_never_opened_is_named(ledger: Ledger) -> None:
    with pytest.raises(UnknownAccount, match="'mallory' has no account"):
        ledger.account("mallory")


def test_split_and_merge_turn_money_into_pairs_and_back(ledger: Ledger) -> None:
    ledger.split("bob", MARKET, shares(30))
    assert ledger.account("bob").cash_nanos == dollars(70)
    assert ledger.shares_units("bob", MARKET, UP) == shares(30)
    assert ledger.shares_units("bob", MARKET, DOWN) == shares(30)

    ledger.merge("bob", MARKET, shares(30))
    assert ledger.account("bob").cash_nanos == dollars(100)
    assert ledger.shares_units("bob", MARKET, DOWN) == 0
    ledger.audit()


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(lambda ledger: ledger.withdraw("bob", dollars(101)), id="withdraw"),
        pytest.param(lambda ledger: ledger.split("bob", MARKET, shares(101)), id="split"),
        pytest.param(lambda ledger: ledger.merge("bob", MARKET, 1), id="merge"),
        pytest.param(
            lambda ledger: ledger.settle(
                MARKET,
                shares(200),
                Leg("bob", UP, is_buy=True, price_ticks=600),
                Leg("robot", UP, is_buy=False, price_ticks=600),
            ),
            id="buy",
        ),
        pytest.param(
            lambda ledger: ledger.settle(
                MARKET,
                shares(1),
                Leg("bob", UP, is_buy=False, price_ticks=600),
                Leg("robot", UP, is_buy=True, price_ticks=600),
            ),
            id="sell",
        ),
    ],
)
def test_no_one_gives_more_than_he_has(ledger: Ledger, take: Callable[[Ledger], None]) -> None:
    with pytest.raises(NotEnoughFunds, match=r"bob has .*, not "):
        take(ledger)
    assert ledger.account("bob").cash_nanos == dollars(100)
    ledger.audit()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ledger: ledger.deposit("bob", -1), id="deposit"),
        pytest.param(lambda ledger: ledger.withdraw("bob", -1), id="withdraw"),
        pytest.param(lambda ledger: ledger.split("bob", MARKET, -1), id="split"),
    ],
)
def test_amounts_are_never_negative(ledger: Ledger, change: Callable[[Ledger], None]) -> None:
    with pytest.raises(AssertionError, match="-1"):
        change(ledger)
    ledger.audit()


def test_what_is_reserved_is_not_free_but_still_there(ledger: Ledger) -> None:
    assert ledger.reserve_cash("bob", dollars(60))
    assert not ledger.reserve_cash("bob", dollars(41))
    assert ledger.account("bob").free_nanos == dollars(40)
    ledger.release_cash("bob", dollars(60))
    assert ledger.account("bob").free_nanos == dollars(100)


def test_shares_are_reserved_by_outcome(ledger: Ledger) -> None:
    ledger.split("bob", MARKET, shares(10))
    assert ledger.reserve_shares("bob", MARKET, UP, shares(10))
    assert not ledger.reserve_shares("bob", MARKET, UP, 1)
    assert ledger.free_shares_units("bob", MARKET, UP) == 0
    assert ledger.free_shares_units("bob", MARKET, DOWN) == shares(10)
    ledger.release_shares("bob", MARKET, UP, shares(10))
    assert ledger.free_shares_units("bob", MARKET, UP) == shares(10)


def test_more_than_was_reserved_cannot_be_released(ledger: Ledger) -> None:
    with pytest.raises(AssertionError, match="more money than was reserved"):
        ledger.release_cash("bob", 1)
    with pytest.raises(AssertionError, match="more shares than were reserved"):
        ledger.release_shares("bob", MARKET, UP, 1)


def test_a_withdrawal_below_what_is_reserved_leaves_the_owner_short(ledger: Ledger) -> None:
    ledger.reserve_cash("bob", dollars(60))
    ledger.withdraw("bob", dollars(50))
    assert list(ledger.short_owners) == ["bob"]
    assert ledger.lacks("bob", MARKET, UP, is_buy=True)
    assert not ledger.lacks("bob", MARKET, UP, is_buy=False)

    ledger.release_cash("bob", dollars(60))
    assert list(ledger.short_owners) == []


def test_legs_that_do_not_make_a_match_are_a_bug(ledger: Ledger) -> None:
    with pytest.raises(AssertionError, match="do not make a match"):
        ledger.settle(
            MARKET,
            shares(1),
            Leg("bob", UP, is_buy=True, price_ticks=500),
            Leg("robot", DOWN, is_buy=True, price_ticks=510),
        )


def test_the_world_lends_what_an_unlimited_account_lacks(ledger: Ledger) -> None:
    ledger.settle(
        MARKET,
        shares(10),
        Leg("bob", UP, is_buy=True, price_ticks=600),
        Leg("robot", UP, is_buy=False, price_ticks=600),
    )
    assert ledger.account(WORLD).cash_nanos == -dollars(10)
    assert ledger.account("robot").cash_nanos == dollars(6)
    assert ledger.shares_units("robot", MARKET, DOWN) == shares(10)
    ledger.audit()

    ledger.pay_out(MARKET, DOWN)
    assert ledger.account("robot").cash_nanos == dollars(16)
    ledger.audit()


def test_a_fee_is_never_more_than_what_is_free(ledger: Ledger) -> None:
    ledger.reserve_cash("bob", dollars(99))
    assert ledger.charge_fee("bob", dollars(2)) == dollars(1)
    assert ledger.account(FEES).cash_nanos == dollars(1)
    assert ledger.charge_fee("robot", dollars(2)) == dollars(2)
    ledger.audit()


def test_shares_that_are_still_offered_cannot_be_paid_out(ledger: Ledger) -> None:
    ledger.split("bob", MARKET, shares(1))
    ledger.reserve_shares("bob", MARKET, UP, shares(1))
    with pytest.raises(AssertionError, match="still offers shares"):
        ledger.pay_out(MARKET, UP)


def test_markets_do_not_mix(ledger: Ledger) -> None:
    ledger.split("bob", "one", shares(10))
    ledger.split("bob", "two", shares(20))
    ledger.pay_out("one", UP)
    assert ledger.shares_units("bob", "two", UP) == shares(20)
    assert ledger.account("bob").cash_nanos == dollars(80)
    ledger.audit()


def test_the_audit_finds_money_that_appeared() -> None:
    exchange = Exchange()
    exchange.ledger.account("bob").cash_nanos += 1
    with pytest.raises(AssertionError, match="cash"):
        exchange.ledger.audit()


def test_the_audit_finds_shares_that_appeared() -> None:
    exchange = Exchange()
    exchange.ledger.account("bob").holding(MARKET, UP).units += 1
    with pytest.raises(AssertionError, match="appeared or vanished"):
        exchange.ledger.audit()
