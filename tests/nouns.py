"""The nouns that tests of many packages share: each is whole, and any field may be another."""

from __future__ import annotations

from typing import Any

from actors.messages.execution import OrderIntent
from actors.messages.position import Holding, PositionSnapshot
from actors.messages.strategy import TradeSignal, TradeSignals
from actors.model import Action, FillDetail, Market, Side, TimeInForce
from actors.units import NANOS_PER_DOLLAR, shares


def a_market(opens_at_ms: int = 0, minutes: int = 15, **changes: Any) -> Market:
    """A window of a grid of $0.01 and a fee of 7 %, of a series of Bitcoin's."""
    values: dict[str, Any] = {
        "market_id": "0xm",
        "slug": f"btc-updown-{minutes}m-{opens_at_ms // 1000}",
        "yes_token": "111",
        "no_token": "222",
        "opens_at_ms": opens_at_ms,
        "closes_at_ms": opens_at_ms + minutes * 60_000,
        "tick_size_ticks": 10,
        "minimum_size_units": shares(5),
        "minimum_notional_nanos": NANOS_PER_DOLLAR,
        "fee_rate_bps": 700,
        "twap_window_s": 60,
    }
    return Market(**(values | changes))


def an_intent(market: Market, **changes: Any) -> OrderIntent:
    """A purchase of 10 YES at 0.40 that rests for three seconds."""
    created_at_ms = changes.get("created_at_ms", market.opens_at_ms)
    values: dict[str, Any] = {
        "order_id": "order_1_00000000",
        "market": market,
        "side": Side.YES,
        "action": Action.BUY,
        "price_ticks": 400,
        "size_units": shares(10),
        "time_in_force": TimeInForce.GTC,
        "created_at_ms": created_at_ms,
        "expires_at_ms": created_at_ms + 3_000,
        "priority": 2,
        "reason": "a test wants it",
        "pair_id": None,
        "position_version": 1,
        "tick_ns": 0,
    }
    return OrderIntent(**(values | changes))


def a_fill(trade_id: str = "t1", price_ticks: int = 400, **changes: Any) -> FillDetail:
    """A taker's trade of 10 shares, without a fee."""
    values: dict[str, Any] = {
        "size_units": shares(10),
        "fee_nanos": 0,
        "is_maker": False,
        "timestamp_ms": 1,
    }
    return FillDetail(trade_id=trade_id, price_ticks=price_ticks, **(values | changes))


def a_position(
    market_id: str, version: int = 1, yes_units: int = 0, no_units: int = 0, **changes: Any
) -> PositionSnapshot:
    """What is held of a window, at no cost unless a ``yes`` or ``no`` says so."""
    values: dict[str, Any] = {
        "yes": Holding(quantity_units=yes_units),
        "no": Holding(quantity_units=no_units),
        "fees_nanos": 0,
        "realized_nanos": 0,
    }
    return PositionSnapshot(market_id=market_id, version=version, **(values | changes))


def some_signals(market_id: str, *signals: TradeSignal, **changes: Any) -> TradeSignals:
    """Signals of a strategy that has nothing to say beside them."""
    values: dict[str, Any] = {
        "signals_id": 1,
        "position_version": 1,
        "snapshot_sequence": 1,
        "snapshot_at_ms": 1,
        "passed_over": (),
        "basis": "",
        "tick_ns": 0,
    }
    return TradeSignals(market_id=market_id, signals=signals, **(values | changes))
