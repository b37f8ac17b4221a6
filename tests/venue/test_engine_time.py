"""What time does to orders: the taker delay, expiry; and how orders and markets end."""

from __future__ import annotations

import pytest
from engine_builders import DOWN, MARKET, UP, WITH_DELAY, Exchange, dollars, trades, without_levels
from msgspec.structs import replace

from actors.units import shares, taker_fee_nanos
from venue.engine.messages import (
    CANCELED,
    CANCELED_EXPIRED_ORDER,
    CANCELED_MARKET_RESOLVED,
    CANCELED_NOT_ENOUGH_BALANCE,
    CancelRefused,
    Delayed,
    EngineEvent,
    ExchangeOrderStatus,
    Lifetime,
    Outcome,
    Refused,
    Removed,
    Rested,
    TickSizeChanged,
)

TOO_LATE = "order can't be found - already canceled or matched"
IN_DELAY = "cannot cancel: order is delayed"


def delayed_exchange(lifetime: Lifetime = Lifetime.GTC) -> Exchange:
    """Ten shares are offered at $0.50, and bob's order for fifteen waits until 1,250."""
    exchange = Exchange(WITH_DELAY)
    exchange.submit("m", "robot", now_ms=1_000, is_buy=False)
    exchange.submit("more", "robot", now_ms=1_000, is_buy=False, size_units=shares(5))
    events = exchange.submit("t", now_ms=1_000, size_units=shares(15), lifetime=lifetime)
    assert events == [Delayed("t", 1_250)]
    return exchange


def advance(exchange: Exchange, now_ms: int) -> list[EngineEvent]:
    return without_levels(exchange.engine.advance(now_ms))


def status(exchange: Exchange, order_id: str) -> tuple[ExchangeOrderStatus, str]:
    known = exchange.engine.order(order_id)
    assert known is not None
    return known.status, known.end_reason


def test_a_marketable_order_trades_when_its_delay_is_over_and_not_before() -> None:
    exchange = delayed_exchange()
    assert advance(exchange, 1_249) == []
    assert status(exchange, "t") == (ExchangeOrderStatus.DELAYED, "")

    [trade] = trades(advance(exchange, 2_000))
    assert trade.traded_at_ms == 1_250
    assert trade.size_units == shares(15)
    assert status(exchange, "t") == (ExchangeOrderStatus.MATCHED, "")


def test_the_funds_of_a_delayed_order_are_held_back_with_its_fee() -> None:
    exchange = delayed_exchange()
    assert exchange.reserved("bob") == dollars(7.5 + 0.2625)
    advance(exchange, 1_250)
    assert exchange.reserved("bob") == 0


def test_a_delayed_buy_for_money_holds_back_the_fees_of_the_shares_it_would_get() -> None:
    exchange = Exchange(WITH_DELAY)
    exchange.submit("m", "robot", is_buy=False, price_ticks=400, size_units=shares(100))
    exchange.submit("t", price_ticks=900, spend_nanos=dollars(10), lifetime=Lifetime.FAK)

    fee_nanos = taker_fee_nanos(400, shares(25), 700)
    assert exchange.reserved("bob") == dollars(10) + fee_nanos
    [trade] = trades(advance(exchange, 250))
    assert trade.fee_nanos == fee_nanos
    assert exchange.cash("bob") == dollars(990) - fee_nanos


def test_a_delayed_order_cannot_be_cancelled() -> None:
    exchange = delayed_exchange()
    refused = [CancelRefused("t", IN_DELAY)]
    assert exchange.engine.cancel("t", CANCELED, 1_100) == refused
    assert exchange.engine.cancel_all("bob", 1_100) == refused
    assert status(exchange, "t") == (ExchangeOrderStatus.DELAYED, "")


def test_a_delayed_order_id_is_refused_as_a_duplicate() -> None:
    exchange = delayed_exchange()
    assert exchange.submit("t", now_ms=1_100) == [Refused("t", "order t is invalid. Duplicated.")]


def test_any_call_first_carries_out_what_fell_due() -> None:
    exchange = delayed_exchange()
    events = without_levels(exchange.engine.cancel("t", CANCELED, 1_250))
    assert len(trades(events)) == 1
    assert events[-1] == CancelRefused("t", TOO_LATE)


def test_delayed_orders_meet_the_book_in_the_order_they_came() -> None:
    exchange = Exchange(WITH_DELAY)
    exchange.submit("m", "robot", is_buy=False, size_units=shares(15))
    exchange.submit("first", "alice", now_ms=10)
    exchange.submit("second", "bob", now_ms=10)

    takers = [(t.taker_order_id, t.size_units) for t in trades(advance(exchange, 500))]
    assert takers == [("first", shares(10)), ("second", shares(5))]


@pytest.mark.parametrize(
    ("lifetime", "expected"),
    [
        pytest.param(Lifetime.GTC, Rested("t", shares(15)), id="GTC rests"),
        pytest.param(Lifetime.FAK, Removed("t", CANCELED), id="FAK is cancelled"),
        pytest.param(Lifetime.FOK, Removed("t", CANCELED), id="FOK is cancelled"),
    ],
)
def test_a_delayed_order_whose_makers_left_finds_no_match(
    lifetime: Lifetime, expected: EngineEvent
) -> None:
    exchange = delayed_exchange(lifetime)
    exchange.engine.cancel_all("robot", 1_100)
    assert advance(exchange, 1_250) == [expected]
    assert exchange.reserved("bob") == (dollars(7.5) if lifetime is Lifetime.GTC else 0)


def test_a_delayed_fok_trades_nothing_if_part_of_its_makers_left() -> None:
    exchange = delayed_exchange(Lifetime.FOK)
    exchange.engine.cancel("more", CANCELED, 1_100)
    assert advance(exchange, 1_250) == [Removed("t", CANCELED)]
    assert exchange.engine.levels(UP) == ((), ((500, shares(10)),))


def test_an_order_that_only_rests_is_not_delayed() -> None:
    exchange = Exchange(WITH_DELAY)
    assert exchange.submit("o") == [Rested("o", shares(10))]


def test_a_good_till_date_order_goes_at_its_date() -> None:
    exchange = Exchange()
    exchange.submit("o", lifetime=Lifetime.GTD, expires_at_ms=5_000)
    assert advance(exchange, 4_999) == []
    assert advance(exchange, 5_000) == [Removed("o", CANCELED_EXPIRED_ORDER)]
    assert status(exchange, "o") == (ExchangeOrderStatus.CANCELED, CANCELED_EXPIRED_ORDER)
    assert exchange.reserved("bob") == 0


def test_what_expires_can_no_longer_be_met_at_that_instant() -> None:
    exchange = Exchange(WITH_DELAY)
    exchange.submit("m", "robot", is_buy=False, lifetime=Lifetime.GTD, expires_at_ms=1_250)
    exchange.submit("t", now_ms=1_000)
    assert advance(exchange, 1_250) == [
        Removed("m", CANCELED_EXPIRED_ORDER),
        Rested("t", shares(10)),
    ]


def test_an_order_that_expires_during_its_delay_never_trades() -> None:
    exchange = Exchange(WITH_DELAY)
    exchange.submit("m", "robot", is_buy=False)
    exchange.submit("t", now_ms=1_000, lifetime=Lifetime.GTD, expires_at_ms=1_100)
    assert advance(exchange, 2_000) == [Removed("t", CANCELED_EXPIRED_ORDER)]
    assert exchange.reserved("bob") == 0


def test_time_does_not_go_back() -> None:
    exchange = Exchange()
    advance(exchange, 5_000)
    events = exchange.submit("o", now_ms=10, lifetime=Lifetime.GTD, expires_at_ms=4_000)
    assert events == [Refused("o", "invalid expiration")]


def test_the_engine_knows_when_it_must_next_be_woken() -> None:
    exchange = Exchange()
    assert exchange.engine.next_due_ms is None
    exchange.submit("o", lifetime=Lifetime.GTD, expires_at_ms=5_000)
    assert exchange.engine.next_due_ms == 5_000
    advance(exchange, 5_000)
    assert exchange.engine.next_due_ms is None


def test_a_cancel_gives_the_reason_it_was_told_and_works_once() -> None:
    exchange = Exchange()
    exchange.submit("o")
    engine = exchange.engine
    assert without_levels(engine.cancel("o", "CANCELED_BY_HEARTBEAT", 0)) == [
        Removed("o", "CANCELED_BY_HEARTBEAT")
    ]
    assert engine.cancel("o", CANCELED, 0) == [CancelRefused("o", TOO_LATE)]
    assert engine.cancel("never-seen", CANCELED, 0) == [CancelRefused("never-seen", TOO_LATE)]


def test_cancel_all_takes_only_the_owners_orders() -> None:
    exchange = Exchange()
    exchange.submit("a", "alice")
    exchange.submit("b1", "bob")
    exchange.submit("b2", "bob", price_ticks=490)

    assert without_levels(exchange.engine.cancel_all("bob", 0)) == [
        Removed("b1", CANCELED),
        Removed("b2", CANCELED),
    ]
    assert exchange.engine.open_orders("bob") == ()
    assert [known.terms.order_id for known in exchange.engine.open_orders("alice")] == ["a"]


def test_orders_whose_money_left_the_account_are_cancelled_newest_first() -> None:
    exchange = Exchange()
    for number in range(3):
        exchange.submit(f"o{number}", size_units=shares(600), now_ms=number)
    exchange.submit("sell", is_buy=False, price_ticks=900)
    exchange.ledger.withdraw("bob", dollars(500))

    assert advance(exchange, 10) == [
        Removed("o2", CANCELED_NOT_ENOUGH_BALANCE),
        Removed("o1", CANCELED_NOT_ENOUGH_BALANCE),
    ]
    assert exchange.reserved("bob") == dollars(300)
    assert advance(exchange, 11) == []


def test_sells_whose_shares_left_the_account_are_cancelled() -> None:
    exchange = Exchange()
    exchange.submit("buy", price_ticks=100)
    exchange.submit("sell-up", is_buy=False, price_ticks=600, size_units=shares(100))
    exchange.submit("sell-down", outcome=DOWN, is_buy=False, price_ticks=600)
    exchange.ledger.merge("bob", MARKET, shares(50))

    assert advance(exchange, 0) == [Removed("sell-up", CANCELED_NOT_ENOUGH_BALANCE)]


def test_money_that_comes_back_in_time_saves_the_orders() -> None:
    exchange = Exchange()
    exchange.submit("o", size_units=shares(2_000))
    exchange.ledger.withdraw("bob", dollars(500))
    exchange.ledger.deposit("bob", dollars(500))
    assert advance(exchange, 0) == []


def test_another_tick_size_is_told_once_and_leaves_what_rests() -> None:
    exchange = Exchange()
    exchange.submit("o", price_ticks=960)
    assert exchange.engine.set_tick_size(1, 0) == [TickSizeChanged(10, 1)]
    assert exchange.engine.set_tick_size(1, 0) == []
    assert exchange.engine.rules.tick_size_ticks == 1
    assert exchange.engine.best(UP) == (960, None)


@pytest.mark.parametrize(
    ("winner", "up_ticks", "down_ticks"),
    [
        pytest.param(UP, 1000, 0, id="Up wins"),
        pytest.param(DOWN, 0, 1000, id="Down wins"),
        pytest.param(None, 500, 500, id="void"),
    ],
)
def test_a_decided_market_cancels_all_and_pays_every_share(
    winner: Outcome | None, up_ticks: int, down_ticks: int
) -> None:
    exchange = Exchange(replace(WITH_DELAY, fee_rate_bps=0))
    exchange.submit("offer", "alice", outcome=DOWN, is_buy=False, size_units=shares(30))
    exchange.submit("bought", "bob", outcome=DOWN, size_units=shares(20))
    advance(exchange, 250)
    exchange.submit("waiting", "bob", outcome=DOWN, now_ms=300)

    events = without_levels(exchange.engine.resolve(winner, 400))
    assert sorted(events, key=repr) == [
        Removed("offer", CANCELED_MARKET_RESOLVED),
        Removed("waiting", CANCELED_MARKET_RESOLVED),
    ]
    assert (
        exchange.cash("alice") == dollars(1_010) + shares(100) * up_ticks + shares(80) * down_ticks
    )
    assert exchange.cash("bob") == dollars(990) + shares(100) * up_ticks + shares(120) * down_ticks
    assert exchange.reserved("alice") == exchange.reserved("bob") == 0
    assert exchange.engine.levels(UP) == ((), ())
    exchange.ledger.audit()


def test_a_market_is_decided_once() -> None:
    exchange = Exchange()
    exchange.engine.resolve(UP, 0)
    cash = exchange.cash("bob")
    assert exchange.engine.resolve(DOWN, 0) == []
    assert exchange.cash("bob") == cash
