"""Books of a run in which all went well."""

from __future__ import annotations

from typing import Any

import attrs
from nouns import a_fill, a_market, an_intent

from actors.messages.directory import MarketResolved
from actors.messages.execution import OrderState, OrderStatus
from actors.model import Action, FillDetail, Side
from actors.position.ledger import LedgerEntry, WindowLedger
from actors.units import shares, taker_fee_nanos
from audit.books import Books

MARKET = a_market(0, 5, slug="btc-updown-5m-1750000500")


def fill(trade_id: str, price_ticks: int, count: int, at_ms: int = 2_000) -> FillDetail:
    size_units = shares(count)
    return a_fill(
        trade_id,
        price_ticks,
        size_units=size_units,
        fee_nanos=taker_fee_nanos(price_ticks, size_units, 700),
        timestamp_ms=at_ms,
    )


def order(
    order_id: str, side: Side, *fills: FillDetail, status: OrderStatus = OrderStatus.FILLED
) -> OrderState:
    intent = an_intent(
        MARKET,
        order_id=order_id,
        side=side,
        size_units=shares(20),
        created_at_ms=1_000,
        expires_at_ms=4_000,
        reason="bootstrap",
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
