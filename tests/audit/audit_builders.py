"""Books of a run in which all went well."""

from __future__ import annotations

from typing import Any

import attrs

from actors.messages.directory import MarketResolved
from actors.messages.execution import OrderIntent, OrderState, OrderStatus
from actors.model import Action, FillDetail, Market, Side, TimeInForce
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import NANOS_PER_DOLLAR, shares, taker_fee_nanos
from audit.books import Books

MARKET = Market(
    market_id="0xm",
    slug="btc-updown-5m-1750000500",
    yes_token="111",
    no_token="222",
    opens_at_ms=0,
    closes_at_ms=300_000,
    tick_size_ticks=10,
    minimum_size_units=shares(5),
    minimum_notional_nanos=NANOS_PER_DOLLAR,
    fee_rate_bps=700,
    twap_window_s=60,
)


def fill(trade_id: str, price_ticks: int, count: int, at_ms: int = 2_000) -> FillDetail:
    size_units = shares(count)
    return FillDetail(
        trade_id=trade_id,
        price_ticks=price_ticks,
        size_units=size_units,
        fee_nanos=taker_fee_nanos(price_ticks, size_units, 700),
        is_maker=False,
        timestamp_ms=at_ms,
    )


def order(
    order_id: str, side: Side, *fills: FillDetail, status: OrderStatus = OrderStatus.FILLED
) -> OrderState:
    intent = OrderIntent(
        order_id=order_id,
        market=MARKET,
        side=side,
        action=Action.BUY,
        price_ticks=400,
        size_units=shares(20),
        time_in_force=TimeInForce.GTC,
        created_at_ms=1_000,
        expires_at_ms=4_000,
        priority=2,
        reason="bootstrap",
        pair_id=None,
        position_version=1,
        tick_ns=0,
    )
    return OrderState(intent=intent, status=status, fills=fills)


TWO_PARTS = (fill("t1", 390, 6), fill("t2", 400, 14))
ONE_PART = (fill("t3", 350, 20),)


def books(**changes: Any) -> Books:
    """Two orders, three fills, one settled window: everything agrees."""
    orders = [order("a", Side.YES, *TWO_PARTS), order("b", Side.NO, *ONE_PART)]
    entries = tuple(
        LedgerEntry(
            order_id=each.intent.order_id,
            side=each.intent.side,
            action=Action.BUY,
            fill=part,
            booked_version=2,
        )
        for each in orders
        for part in each.fills
    )
    result = MarketResolved(
        market=MARKET, winner=Side.YES, strike_e18=1, close_e18=2, evidence="Gamma"
    )
    good = Books(
        created=("a", "b"),
        carried_out=(11, 12),
        orders={each.intent.order_id: each for each in orders},
        submitted=("a", "b"),
        executed={"a": TWO_PARTS, "b": ONE_PART},
        booked=(("t1", "a"), ("t2", "a"), ("t3", "b")),
        windows=(WindowLedger(market=MARKET, version=5, entries=entries, result=result),),
    )
    return attrs.evolve(good, **changes)
