"""The open-order table: which orders exist, which keep a side busy, and which have gone silent."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import earlier
from actors.messages.execution import OrderIntent, OrderState, OrderStatus, OwnOrder
from actors.messages.position import PositionSnapshot
from actors.model import Action, Side

SILENCE_LIMIT_MS = 2_000
"""An order that has been silent for this long is started again: it may never have started."""
RESTART_PERIOD_MS = 1_000
"""A crashing order is restarted no more often than this."""


@attrs.define
class TrackedOrder:
    """One order, from its creation until its record is closed."""

    intent: OrderIntent
    started_at_ms: int
    """When it was last started."""
    heard_at_ms: int
    crashed_at_ms: int | None = None
    """When its actor last crashed."""
    has_ended: bool = False
    """It no longer keeps its side busy; only its closing messages are outstanding."""
    cancel_reason: str = ""
    order: OrderState | None = None
    """Its state as last reported by its actor."""

    def unseen_units(self, position_version: int) -> int:
        """Return the most that a position of this version may lack of the order's shares."""
        order = self.order
        if order is None or order.position_version > position_version:
            return self.intent.size_units
        unbooked = sum(f.size_units for f in order.fills if f.trade_id in order.unbooked)
        return max(0, self.intent.size_units - order.traded_units) + unbooked

    def shown(self) -> OwnOrder:
        """Return the order as it is shown to its strategy."""
        intent, order = self.intent, self.order
        return OwnOrder(
            order_id=intent.order_id,
            side=intent.side,
            action=intent.action,
            price_ticks=intent.price_ticks,
            size_units=intent.size_units,
            filled_units=0 if order is None else order.filled_units,
            time_in_force=intent.time_in_force,
            is_post_only=intent.is_post_only,
            status=OrderStatus.PENDING if order is None else order.status,
            created_at_ms=intent.created_at_ms,
            expires_at_ms=intent.expires_at_ms,
            is_cancelling=bool(self.cancel_reason),
            pair_id=intent.pair_id,
        )


class OpenOrderTable:
    """The desk's orders, in the order of their creation."""

    def __init__(self) -> None:
        self._entries: dict[str, TrackedOrder] = {}

    def add(self, intents: Iterable[OrderIntent], now_ms: int) -> None:
        """Add orders that are being started now."""
        for intent in intents:
            self._entries[intent.order_id] = TrackedOrder(intent, now_ms, now_ms)

    def get(self, order_id: str) -> TrackedOrder | None:
        """Return an order's entry; None if its record is closed, or never existed."""
        return self._entries.get(order_id)

    def remove(self, order_id: str) -> TrackedOrder | None:
        """Remove and return an order whose record is closed."""
        return self._entries.pop(order_id, None)

    def live(self, market_id: str | None = None) -> list[TrackedOrder]:
        """Return the orders that keep their side busy; only those of one market if given."""
        return [
            entry
            for entry in self._entries.values()
            if not entry.has_ended and market_id in (None, entry.intent.market.market_id)
        ]

    def busy(self, market_id: str) -> dict[Side, tuple[str, ...]]:
        """Return the ids of the orders that keep a side busy, by side, in one market."""
        ids: dict[Side, tuple[str, ...]] = {}
        for entry in self.live(market_id):
            side = entry.intent.side
            ids[side] = (*ids.get(side, ()), entry.intent.order_id)
        return ids

    def on_sale_units(self, position: PositionSnapshot, side: Side) -> int:
        """Return the most shares that are on sale and still counted in the position."""
        return sum(
            entry.unseen_units(position.version)
            for entry in self.live(position.market_id)
            if entry.intent.side is side and entry.intent.action is Action.SELL
        )

    def markets(self) -> frozenset[str]:
        """Return the markets that have an order here."""
        return frozenset(entry.intent.market.market_id for entry in self._entries.values())

    def to_start_again(self, now_ms: int) -> list[str]:
        """Return the ids of silent orders; each counts as started now."""
        silent = [
            entry
            for entry in self._entries.values()
            if now_ms - max(entry.heard_at_ms, entry.started_at_ms) >= SILENCE_LIMIT_MS
        ]
        for entry in silent:
            entry.started_at_ms = now_ms
        return [entry.intent.order_id for entry in silent]

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of last messages back by as much as the clock was."""
        for entry in self._entries.values():
            entry.started_at_ms -= by_ms
            entry.heard_at_ms -= by_ms
            entry.crashed_at_ms = earlier(entry.crashed_at_ms, by_ms)

    def note_crash(self, order_id: str, now_ms: int) -> bool:
        """Note an actor's crash; return whether to restart it at once, or only after a pause."""
        entry = self._entries.get(order_id)
        if entry is None:
            return False
        last_ms, entry.crashed_at_ms = entry.crashed_at_ms, now_ms
        if last_ms is not None and now_ms - last_ms < RESTART_PERIOD_MS:
            long_ago_ms = now_ms - SILENCE_LIMIT_MS
            entry.started_at_ms = entry.heard_at_ms = long_ago_ms
            return False
        entry.started_at_ms = now_ms
        return True
