"""Which orders exist, which of them own a side, and who has been silent for too long."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import earlier
from actors.messages.execution import OrderIntent, OrderState, OrderStatus, OwnOrder
from actors.messages.position import PositionSnapshot
from actors.model import Action, Side

SILENCE_LIMIT_MS = 2_000
"""An order that has said nothing for so long is asked to be started: perhaps it never was."""
RESTART_PERIOD_MS = 1_000
"""An order that falls again and again is started no faster than this."""


@attrs.define
class TrackedOrder:
    """One order, from its creation until its record is closed."""

    intent: OrderIntent
    started_at_ms: int
    """When it was last asked to be started."""
    heard_at_ms: int
    fell_at_ms: int | None = None
    """When its actor fell last."""
    has_ended: bool = False
    """It owns its side no more; only farewells are left."""
    cancel_reason: str = ""
    order: OrderState | None = None
    """As its actor last told it."""

    def unseen_units(self, position_version: int) -> int:
        """What a position of this version may not show of the order yet, at most."""
        order = self.order
        if order is None or order.position_version > position_version:
            return self.intent.size_units
        unbooked = sum(f.size_units for f in order.fills if f.trade_id in order.unbooked)
        return max(0, self.intent.size_units - order.traded_units) + unbooked

    def shown(self) -> OwnOrder:
        """The order as its strategy is shown it."""
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
        """Take in orders that are being started now."""
        for intent in intents:
            self._entries[intent.order_id] = TrackedOrder(intent, now_ms, now_ms)

    def get(self, order_id: str) -> TrackedOrder | None:
        """An order's entry; None if its record is closed, or there never was one."""
        return self._entries.get(order_id)

    def remove(self, order_id: str) -> TrackedOrder | None:
        """Let an order go whose record is closed."""
        return self._entries.pop(order_id, None)

    def live(self, market_id: str | None = None) -> list[TrackedOrder]:
        """Orders that own their side; of one market, if given."""
        return [
            entry
            for entry in self._entries.values()
            if not entry.has_ended and market_id in (None, entry.intent.market.market_id)
        ]

    def busy(self, market_id: str) -> dict[Side, tuple[str, ...]]:
        """Ids of the orders that own a side, by the side, in one market."""
        ids: dict[Side, tuple[str, ...]] = {}
        for entry in self.live(market_id):
            side = entry.intent.side
            ids[side] = (*ids.get(side, ()), entry.intent.order_id)
        return ids

    def on_sale_units(self, position: PositionSnapshot, side: Side) -> int:
        """Shares that orders may sell and that the position still shows as held, at most."""
        return sum(
            entry.unseen_units(position.version)
            for entry in self.live(position.market_id)
            if entry.intent.side is side and entry.intent.action is Action.SELL
        )

    def markets(self) -> frozenset[str]:
        """Markets that have an order here."""
        return frozenset(entry.intent.market.market_id for entry in self._entries.values())

    def to_start_again(self, now_ms: int) -> list[str]:
        """Ids of the orders that have been silent; each counts as started now."""
        silent = [
            entry
            for entry in self._entries.values()
            if now_ms - max(entry.heard_at_ms, entry.started_at_ms) >= SILENCE_LIMIT_MS
        ]
        for entry in silent:
            entry.started_at_ms = now_ms
        return [entry.intent.order_id for entry in silent]

    def clock_set_back(self, by_ms: int) -> None:
        """Count silence from as long ago as before."""
        for entry in self._entries.values():
            entry.started_at_ms -= by_ms
            entry.heard_at_ms -= by_ms
            entry.fell_at_ms = earlier(entry.fell_at_ms, by_ms)

    def fell(self, order_id: str, now_ms: int) -> bool:
        """Note that an order's actor fell; whether to start it at once, or only after a pause."""
        entry = self._entries.get(order_id)
        if entry is None:
            return False
        last_ms, entry.fell_at_ms = entry.fell_at_ms, now_ms
        if last_ms is not None and now_ms - last_ms < RESTART_PERIOD_MS:
            long_ago_ms = now_ms - SILENCE_LIMIT_MS
            entry.started_at_ms = entry.heard_at_ms = long_ago_ms
            return False
        entry.started_at_ms = now_ms
        return True
