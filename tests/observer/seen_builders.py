"""Whatever an observer is told, with the few fields that its tests vary."""

from __future__ import annotations

from nouns import a_fill, a_market, a_position, an_intent, some_signals

from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderState, OrderStatus
from actors.messages.feeds import FeedHealth
from actors.messages.market import BookView, MarketSnapshot
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import FillDetail, Market, Side
from actors.roles import MARKET_FEED
from actors.units import shares


def market(number: int = 1) -> Market:
    return a_market(
        number * 900_000,
        market_id=f"m{number}",
        slug=f"btc-updown-15m-{number * 900}",
        yes_token="up",
        no_token="down",
        closes_at_ms=(number + 1) * 900_000,
    )


def opened(number: int = 1) -> MarketOpened:
    return MarketOpened(market=market(number), strike=None)


def fill(trade_id: str) -> FillDetail:
    return a_fill(trade_id, size_units=shares(1), is_maker=True)


def order(
    number: int = 1,
    status: OrderStatus = OrderStatus.ACCEPTED,
    fills: tuple[FillDetail, ...] = (),
    reversed_trade_ids: frozenset[str] = frozenset(),
    updated_at_ms: int = 0,
) -> OrderState:
    return OrderState(
        intent=an_intent(
            market(),
            order_id=f"order_{number}_aa",
            created_at_ms=number,
            expires_at_ms=10_000,
            reason="test",
        ),
        status=status,
        fills=fills,
        reversed_trade_ids=reversed_trade_ids,
        updated_at_ms=updated_at_ms,
    )


def signal(priority: int = 2, reason: str = "cheap", price_ticks: int = 400) -> TradeSignal:
    return TradeSignal(
        side=Side.YES,
        price_ticks=price_ticks,
        size_units=shares(10),
        priority=priority,
        reason=reason,
    )


def signals(signals_id: int, *wanted: TradeSignal) -> TradeSignals:
    return some_signals("m1", *wanted, signals_id=signals_id)


def position(market_id: str = "m1", version: int = 1, quantity_units: int = 0) -> PositionSnapshot:
    return a_position(market_id, version=version, yes_units=quantity_units)


def settled(number: int = 1, pnl_nanos: int = 5, total_pnl_nanos: int = 5) -> WindowSettled:
    return WindowSettled(
        market_id=f"m{number}",
        slug="",
        winner=Side.YES,
        strike_e18=None,
        close_e18=None,
        position=position(f"m{number}"),
        payout_nanos=pnl_nanos,
        pnl_nanos=pnl_nanos,
        total_pnl_nanos=total_pnl_nanos,
    )


def snapshot(sequence: int, taken_at_ms: int) -> MarketSnapshot:
    return MarketSnapshot(
        sequence=sequence,
        market=market(),
        taken_at_ms=taken_at_ms,
        yes=BookView(),
        no=BookView(),
        reference_e18=None,
        reference_at_ms=0,
        strike=None,
        tick_ns=0,
    )


def health(*, is_up: bool = True, frames_count: int = 1) -> FeedHealth:
    return FeedHealth(
        feed=MARKET_FEED,
        is_up=is_up,
        frames_count=frames_count,
        malformed_count=0,
        merged_count=0,
        reconnect_count=0,
        sequence_gap_count=0,
        last_malformed="",
    )
