"""Messages about a decision, for the desk and for people."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

from actors.messages.market import MarketSnapshot
from actors.messages.strategy import (
    CancelSignal,
    Evaluated,
    StopLossTriggered,
    TradeSignal,
    TradeSignals,
)
from actors.model import Level, Side
from actors.strategy.contract import (
    ORDERS_MAX,
    Cancel,
    Context,
    Decision,
    FairValue,
    Order,
    StopWindow,
)
from actors.strategy.position_view import PositionView
from actors.units import E18, average_label, price_label, size_text

_REASON_CHARACTERS = 1_000
_REASONS_MAX = 50

_Part = TypeVar("_Part")


def trade_signals(
    decision: Decision,
    context: Context,
    *,
    signals_id: int,
    orders_per_side: int,
    settings_number: int = 0,
) -> TradeSignals:
    """Return a decision's orders and cancels as signals for the desk.

    Raises:
        TypeError: the decision holds something else than a strategy may ask for.
        ValueError: it asks for too much.
    """
    snapshot, position = context.snapshot, context.position
    return TradeSignals(
        signals_id=signals_id,
        market_id=snapshot.market.market_id,
        signals=tuple(_signal(each, snapshot) for each in _only(Order, decision.orders)),
        cancels=tuple(
            CancelSignal(each.order_id, _cut(each.reason))
            for each in _only(Cancel, decision.cancels)
        ),
        position_version=position.position_version,
        snapshot_sequence=snapshot.sequence,
        snapshot_at_ms=snapshot.taken_at_ms,
        passed_over=_reasons(decision),
        basis=basis_text(snapshot, position),
        tick_ns=snapshot.tick_ns,
        orders_per_side=orders_per_side,
        settings_number=settings_number,
    )


def _signal(order: Order, snapshot: MarketSnapshot) -> TradeSignal:
    book = snapshot.book(order.side)
    return TradeSignal(
        side=order.side,
        action=order.action,
        price_ticks=order.price_ticks,
        size_units=order.size_units,
        priority=order.priority,
        reason=_cut(order.reason),
        best_bid_ticks=book.best_bid_ticks,
        best_ask_ticks=book.best_ask_ticks,
        time_in_force=order.time_in_force,
        is_post_only=order.is_post_only,
        time_to_live_ms=order.time_to_live_ms,
        pair=order.pair,
    )


def stop_told(stop: StopWindow, context: Context) -> StopLossTriggered:
    """Return the message that makes the desk stop the window.

    Raises:
        TypeError: this is no StopWindow.
    """
    _only(StopWindow, (stop,))
    return StopLossTriggered(
        market_id=context.market.market_id,
        side=stop.side,
        best_bid_ticks=context.book(stop.side).best_bid_ticks or 0,
        held_units=context.position.quantity_units(stop.side),
        on_stop_loss="exit" if stop.sells else "halt",
        position_version=context.position.position_version,
        tick_ns=context.snapshot.tick_ns,
        reason=_cut(stop.reason),
    )


def evaluated(decision: Decision, context: Context, value: FairValue) -> Evaluated:
    """Return an evaluation's outcome and the strategy's value of YES, for people.

    Raises:
        TypeError: the value is no FairValue, or a reason no text.
    """
    _only(FairValue, (value,))
    ticks = value.yes_ticks
    return Evaluated(
        market_id=context.market.market_id,
        at_ms=context.now_ms,
        passed_over=_reasons(decision),
        is_final=decision.is_final,
        signals_count=len(decision.orders),
        model_ticks=float(ticks) if ticks is not None and math.isfinite(ticks) else None,
        model_basis=_cut(value.basis),
    )


def _only(kind: type[_Part], parts: Iterable[object]) -> tuple[_Part, ...]:
    """Parts of a decision, which must all be of this class, and not too many."""
    found: list[_Part] = []
    for part in parts:
        if not isinstance(part, kind):
            raise TypeError(f"the decision holds {part!r:.80}, which is no {kind.__name__}")
        if len(found) == ORDERS_MAX:
            raise ValueError(f"the decision holds more than {ORDERS_MAX} {kind.__name__}s")
        found.append(part)
    return tuple(found)


def _reasons(decision: Decision) -> tuple[str, ...]:
    """What people are told, cut to what they can read; of very many reasons the last ones."""
    if isinstance(decision.reasons, str):
        raise TypeError(f"Decision.reasons is {decision.reasons!r:.80}, and must be a tuple")
    return tuple(_cut(reason) for reason in decision.reasons[-_REASONS_MAX:])


def _cut(text: str) -> str:
    if type(text) is not str:
        raise TypeError(f"the decision holds {text!r:.80}, which is no text")
    return text[:_REASON_CHARACTERS]


def basis_text(market: MarketSnapshot, position: PositionView) -> str:
    """Return the input of an evaluation in one line, for ``understudy explain``."""
    parts = [_side_text(market, position, side) for side in Side]
    reference = "none" if market.reference_e18 is None else f"{market.reference_e18 / E18:.2f}"
    strike = "none"
    if market.strike is not None:
        strike = f"{market.strike.price_e18 / E18:.2f} ({market.strike.origin.value})"
    left_s = (market.market.closes_at_ms - market.taken_at_ms) / 1000
    return f"{'; '.join(parts)}; reference {reference}, strike {strike}; {left_s:.1f} s left"


def _side_text(market: MarketSnapshot, position: PositionView, side: Side) -> str:
    book, holding = market.book(side), position.holding(side)
    bid = _level_text(book.bids)
    ask = _level_text(book.asks)
    text = f"{side.value} bid {bid}, ask {ask}, held {size_text(holding.quantity_units)}"
    if holding.quantity_units:
        text += f" at {average_label(holding.cost_nanos, holding.quantity_units)}"
    return f"{text}, order live" if side in position.live_sides else text


def _level_text(levels: tuple[Level, ...]) -> str:
    return f"{price_label(levels[0][0])} x {size_text(levels[0][1])}" if levels else "none"
