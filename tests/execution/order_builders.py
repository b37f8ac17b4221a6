"""Values that execution tests are made of."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import attrs

from actors.core import Effects, Record, Save, Send, SetTimer
from actors.execution.order_state import VenueEvent, events_in
from actors.messages.execution import (
    Fill,
    FillFailed,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderIntent,
    OrderRejected,
    OrderReport,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
)
from actors.messages.market import BookView, MarketSnapshot
from actors.messages.position import Holding, PositionSnapshot
from actors.messages.strategy import StopLossTriggered, TradeSignal, TradeSignals
from actors.model import Action, FillDetail, Market, Side, TimeInForce
from actors.settings import ExecutionSettings, Settings
from actors.units import shares

T0 = 1_700_000_000_000
ORDER_ID = "order_1_00c0ffee"
MARKET = Market(
    market_id="0xmarket",
    slug="btc-updown-15m-test",
    yes_token="yes-token",
    no_token="no-token",
    opens_at_ms=T0 - 60_000,
    closes_at_ms=T0 + 840_000,
    tick_size_ticks=10,
    minimum_size_units=shares(5),
    minimum_notional_nanos=10**9,
    fee_rate_bps=700,
    twap_window_s=60,
)
SETTINGS = Settings()


def settings(**execution: Any) -> Settings:
    return Settings(execution=ExecutionSettings(**execution))


def dice(seed: int = 1) -> random.Random:
    return random.Random(seed)


def intent(**changes: Any) -> OrderIntent:
    values: dict[str, Any] = {
        "order_id": ORDER_ID,
        "market": MARKET,
        "side": Side.YES,
        "action": Action.BUY,
        "price_ticks": 450,
        "size_units": shares(10),
        "time_in_force": TimeInForce.GTC,
        "created_at_ms": T0,
        "expires_at_ms": T0 + 3_000,
        "priority": 2,
        "reason": "a test wants it",
        "pair_id": None,
        "position_version": 0,
        "tick_ns": 1,
    }
    return OrderIntent(**(values | changes))


def detail(trade_id: str, size: int = 3, price_ticks: int = 450) -> FillDetail:
    return FillDetail(
        trade_id=trade_id,
        price_ticks=price_ticks,
        size_units=shares(size),
        fee_nanos=0,
        is_maker=False,
        timestamp_ms=T0,
    )


def fill(trade_id: str, size: int = 3) -> Fill:
    return Fill(ORDER_ID, detail(trade_id, size))


def order(status: OrderStatus, *sizes: int, **changes: Any) -> OrderState:
    """An order of 10 shares in a status, with a booked fill of each size."""
    fills = tuple(detail(f"old-{index}", size) for index, size in enumerate(sizes))
    return OrderState(intent=intent(), status=status, fills=fills, **changes)


def typical(status: OrderStatus) -> OrderState:
    """An order as it usually is in a status."""
    sizes = {OrderStatus.PARTIALLY_FILLED: (4,), OrderStatus.FILLED: (10,)}
    return order(status, *sizes.get(status, ()))


EVENTS_BY_NAME: dict[str, Any] = {
    "OrderAccepted": OrderAccepted(ORDER_ID, "venue-1"),
    "OrderRejected": OrderRejected(ORDER_ID, "no"),
    "Fill": fill("new", 3),
    "OrderCompleted": OrderCompleted(ORDER_ID),
    "OrderCancelled": OrderCancelled(ORDER_ID, "gone"),
    "OutcomeUnknown": OutcomeUnknown(ORDER_ID, "no answer"),
    "FillFailed": FillFailed(ORDER_ID, "old-0", "did not settle"),
}


def signal(side: Side = Side.YES, price_ticks: int = 450, size: int = 10) -> TradeSignal:
    return TradeSignal(
        side=side,
        price_ticks=price_ticks,
        size_units=shares(size),
        priority=0,
        reason="a test wants it",
        best_bid_ticks=price_ticks - 10,
        best_ask_ticks=price_ticks,
    )


def signals(
    *each: TradeSignal, at_ms: int = T0, is_pair: bool | None = None, **changes: Any
) -> TradeSignals:
    """Two signals are the legs of a pair, unless it is said that they are not."""
    if is_pair or (is_pair is None and len(each) == 2):
        each = tuple(attrs.evolve(one, pair="legs") for one in each)
    values: dict[str, Any] = {
        "signals_id": max(1, 1 + at_ms - T0),
        "market_id": MARKET.market_id,
        "signals": each or (signal(),),
        "position_version": 1,
        "snapshot_sequence": 1,
        "snapshot_at_ms": at_ms,
        "passed_over": (),
        "basis": "a test",
        "tick_ns": 1,
    }
    return TradeSignals(**(values | changes))


def stop_loss(on_stop_loss: str, **changes: Any) -> StopLossTriggered:
    values: dict[str, Any] = {
        "market_id": MARKET.market_id,
        "side": Side.YES,
        "best_bid_ticks": 200,
        "held_units": shares(10),
        "on_stop_loss": on_stop_loss,
        "position_version": 1,
        "tick_ns": 1,
    }
    return StopLossTriggered(**(values | changes))


def position(version: int, yes: int = 0, no: int = 0, market: Market = MARKET) -> PositionSnapshot:
    return PositionSnapshot(
        market_id=market.market_id,
        version=version,
        yes=Holding(quantity_units=shares(yes)),
        no=Holding(quantity_units=shares(no)),
        fees_nanos=0,
        realized_nanos=0,
    )


def book(
    *, asks: dict[int, int] | None = None, bids: dict[int, int] | None = None, at_ms: int = T0
) -> BookView:
    """A synced book from {price_ticks: whole shares}."""
    return BookView(
        asks=tuple((price, shares(size)) for price, size in sorted((asks or {}).items())),
        bids=tuple(
            (price, shares(size)) for price, size in sorted((bids or {}).items(), reverse=True)
        ),
        is_synced=True,
        updated_at_ms=at_ms,
    )


def snapshot(
    yes: BookView | None = None,
    no: BookView | None = None,
    *,
    at_ms: int = T0,
    market: Market = MARKET,
) -> MarketSnapshot:
    return MarketSnapshot(
        sequence=at_ms - T0 + 1,
        market=market,
        taken_at_ms=at_ms,
        yes=yes or BookView(),
        no=no or BookView(),
        reference_e18=None,
        reference_at_ms=0,
        strike=None,
        tick_ns=1,
    )


def sent(effects: Effects, message_type: type, to: str | None = None) -> list[Any]:
    """Messages of a type among the effects, to one role if given."""
    return [
        effect.message
        for effect in effects
        if isinstance(effect, Send)
        and isinstance(effect.message, message_type)
        and to in (None, effect.to)
    ]


class Hearing:
    """What the reports to Orders say that is new, event by event."""

    def __init__(self) -> None:
        self._heard: set[VenueEvent] = set()

    def news(self, messages: Iterable[object]) -> list[VenueEvent]:
        """Events that are heard of for the first time."""
        new = self.unheard(messages)
        self._heard.update(new)
        return new

    def unheard(self, messages: Iterable[object]) -> list[VenueEvent]:
        """The same, without hearing them."""
        events = [e for each in messages if isinstance(each, OrderReport) for e in events_in(each)]
        return [event for event in dict.fromkeys(events) if event not in self._heard]


def records(effects: Effects) -> list[Record]:
    return [effect for effect in effects if isinstance(effect, Record)]


def timers(effects: Effects) -> dict[str, int]:
    return {effect.key: effect.delay_ms for effect in effects if isinstance(effect, SetTimer)}


def saved(effects: Effects) -> dict[tuple[str, str], Save]:
    return {(save.kind, save.key): save for record in records(effects) for save in record.saves}


def with_close(closes_at_ms: int, **changes: Any) -> Market:
    return attrs.evolve(MARKET, closes_at_ms=closes_at_ms, **changes)
