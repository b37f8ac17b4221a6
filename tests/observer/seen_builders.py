"""Whatever an observer is told, with the few fields that its tests vary."""

from __future__ import annotations

from actors.messages.directory import MarketOpened
from actors.messages.execution import OrderIntent, OrderState, OrderStatus
from actors.messages.feeds import FeedHealth
from actors.messages.market import BookView, MarketSnapshot
from actors.messages.position import Holding, PositionSnapshot, WindowSettled
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Action, FillDetail, Market, Side, TimeInForce
from actors.roles import MARKET_FEED
from actors.units import shares


def market(number: int = 1) -> Market:
    return Market(
        market_id=f"m{number}",
        slug=f"btc-updown-15m-{number * 900}",
        yes_token="up",
        no_token="down",
        opens_at_ms=number * 900_000,
        closes_at_ms=(number + 1) * 900_000,
        tick_size_ticks=10,
        minimum_size_units=shares(5),
        minimum_notional_nanos=1_000_000_000,
        fee_rate_bps=700,
        twap_window_s=60,
    )


def opened(number: int = 1) -> MarketOpened:
    return MarketOpened(market=market(number), strike=None)


def fill(trade_id: str) -> FillDetail:
    return FillDetail(
        trade_id=trade_id,
        price_ticks=400,
        size_units=shares(1),
        fee_nanos=0,
        is_maker=True,
        timestamp_ms=1,
    )


def order(
    number: int = 1,
    status: OrderStatus = OrderStatus.ACCEPTED,
    fills: tuple[FillDetail, ...] = (),
    reversed_trade_ids: frozenset[str] = frozenset(),
    updated_at_ms: int = 0,
) -> OrderState:
    return OrderState(
        intent=OrderIntent(
            order_id=f"order_{number}_aa",
            market=market(),
            side=Side.YES,
            action=Action.BUY,
            price_ticks=400,
            size_units=shares(10),
            time_in_force=TimeInForce.GTC,
            created_at_ms=number,
            expires_at_ms=10_000,
            priority=2,
            reason="test",
            pair_id=None,
            position_version=1,
            tick_ns=0,
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
    return TradeSignals(
        signals_id=signals_id,
        market_id="m1",
        signals=wanted,
        position_version=1,
        snapshot_sequence=1,
        snapshot_at_ms=1,
        passed_over=(),
        basis="",
        tick_ns=0,
    )


def position(market_id: str = "m1", version: int = 1, quantity_units: int = 0) -> PositionSnapshot:
    return PositionSnapshot(
        market_id=market_id,
        version=version,
        yes=Holding(quantity_units=quantity_units),
        no=Holding(),
        fees_nanos=0,
        realized_nanos=0,
    )


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
