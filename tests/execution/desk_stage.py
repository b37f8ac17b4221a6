"""A desk alone, with what it recorded."""

from __future__ import annotations

from typing import Any

from order_builders import (
    MARKET,
    T0,
    book,
    dice,
    position,
    records,
    saved,
    sent,
    settings,
    signals,
    snapshot,
)

from actors.core import Effects
from actors.execution.desk import DeskCore
from actors.execution.desk_state import OrdersCreated
from actors.messages.directory import MarketOpened
from actors.messages.execution import (
    OpenOrders,
    OrderIntent,
    OrderState,
    OrderStatus,
    OrderUpdated,
    SignalsRefused,
)
from actors.messages.lifecycle import StartChild, Started
from actors.messages.market import MarketSnapshot
from actors.model import Side
from actors.roles import DESK, OBSERVER, STRATEGY, SUPERVISOR
from actors.settings import Settings


class Desk:
    """A desk with the rows it saved, so that it can be started again."""

    def __init__(self, given: Settings | None = None, **execution: Any) -> None:
        self.settings = given or settings(**execution)
        self.rows: dict[tuple[str, str], object] = {}
        self.core = DeskCore(DESK, self.settings, dice())
        self.feed(Started(()))

    def ready(self, version: int = 1) -> Desk:
        self.feed(MarketOpened(market=MARKET, strike=None))
        self.feed(position(version))
        return self

    def restart(self, now_ms: int = T0) -> Effects:
        self.core = DeskCore(DESK, self.settings, dice())
        recovers = self.core.RECOVERS
        rows = tuple(value for (kind, _), value in self.rows.items() if kind in recovers)
        return self.feed(Started(rows), now_ms)

    def feed(self, message: object, now_ms: int = T0) -> Effects:
        effects = self.core.handle(message, now_ms)
        for key, save in saved(effects).items():
            self.rows[key] = save.value
        return effects

    def accept(self, *each: Any, **changes: Any) -> list[OrderIntent]:
        """Have signals carried out; returns what the orders are to be."""
        effects = self.feed(signals(*each, **changes), changes.get("at_ms", T0))
        assert refusals(effects) == []
        (created,) = [record.event for record in records(effects)]
        assert isinstance(created, OrdersCreated)
        return list(created.intents)

    def end(self, intent: OrderIntent, version: int = 0, now_ms: int = T0) -> Effects:
        """Let an order end; its record is then closed."""
        status = OrderStatus.FILLED if version else OrderStatus.REJECTED
        state = OrderState(intent=intent, status=status, position_version=version)
        effects = self.feed(OrderUpdated(state), now_ms)
        self.rows.pop(("order", intent.order_id), None)
        return effects


def refusals(effects: Effects) -> list[str]:
    return [message.reason for message in sent(effects, SignalsRefused, OBSERVER)]


def live(effects: Effects, to: str = STRATEGY) -> list[tuple[Side, str]]:
    return list(sent(effects, OpenOrders, to)[-1].live)


def starts(effects: Effects) -> list[str]:
    return [message.role for message in sent(effects, StartChild, SUPERVISOR)]


def bids(price_ticks: int = 300, side: Side = Side.YES, at_ms: int = T0) -> MarketSnapshot:
    """What market state answers a desk that asks for the book: one bid for 50 shares."""
    found = book(bids={price_ticks: 50}, asks={price_ticks + 20: 50}, at_ms=at_ms)
    return snapshot(**{side.value.lower(): found}, at_ms=at_ms)
