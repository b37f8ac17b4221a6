"""Markets, fills and results for tests of the ledger."""

from __future__ import annotations

from nouns import a_fill, a_market

from actors.messages.directory import MarketOpened, MarketResolved
from actors.messages.execution import FillReversed, OrderFilled
from actors.model import Action, FillDetail, Market, Side
from actors.units import shares

WINDOW_MS = 900_000
FIRST_OPEN_MS = 1_800_000_000_000


def market(number: int = 0) -> Market:
    opens_at_ms = FIRST_OPEN_MS + number * WINDOW_MS
    return a_market(
        opens_at_ms,
        market_id=f"0x{number:04x}",
        yes_token=f"up-{number}",
        no_token=f"down-{number}",
        closes_at_ms=opens_at_ms + WINDOW_MS,
    )


def opened(number: int = 0) -> MarketOpened:
    return MarketOpened(market=market(number), strike=None)


def detail(
    trade_id: str = "t1",
    price_ticks: int = 400,
    size_units: int = shares(10),
    fee_nanos: int = 0,
    timestamp_ms: int = 1,
) -> FillDetail:
    return a_fill(
        trade_id, price_ticks, size_units=size_units, fee_nanos=fee_nanos, timestamp_ms=timestamp_ms
    )


def filled(
    fill: FillDetail | None = None,
    *,
    order_id: str = "order_1_aa",
    side: Side = Side.YES,
    action: Action = Action.BUY,
    window: int = 0,
) -> OrderFilled:
    return OrderFilled(
        order_id=order_id,
        market=market(window),
        side=side,
        action=action,
        fill=fill or detail(),
    )


def reversal(of: OrderFilled) -> FillReversed:
    return FillReversed(
        order_id=of.order_id, market=of.market, side=of.side, action=of.action, fill=of.fill
    )


def resolved(number: int = 0, winner: Side | None = Side.YES, revision: int = 0) -> MarketResolved:
    return MarketResolved(
        market=market(number),
        winner=winner,
        strike_e18=None,
        close_e18=None,
        evidence="test",
        revision=revision,
    )
