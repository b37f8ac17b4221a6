"""A venue in memory, in virtual time: it loses, delays and hides, and remembers the truth.

Two promises of a real venue it keeps, because the executor relies on them: what was posted arrives
within ``ARRIVES_WITHIN_MS`` or never, and reads lag by less than ``READS_LAG_MS``.
"""

from __future__ import annotations

import random
from typing import Any

import attrs
from real_bench import wire_maker_trade, wire_order, wire_trade

from actors.execution.real.messages import (
    AccountRead,
    AccountUnread,
    CancelAnswered,
    CancelFailed,
    CancelOrders,
    OrderSigned,
    PostAnswered,
    PostOrder,
    PostRefused,
    PostUnclear,
    ReadAccount,
    SigningFailed,
    SignOrder,
)
from actors.execution.real.user_channel import order_of, trade_of
from actors.units import UNITS_PER_SHARE, size_text

ARRIVES_WITHIN_MS = 8_000
READS_LAG_MS = 3_000


@attrs.define
class VenueOrder:
    """An order as the venue has it."""

    venue_id: str
    order_id: str
    size_units: int
    visible_from_ms: int
    status: str = "LIVE"
    filled_units: int = 0

    @property
    def is_open(self) -> bool:
        return self.status == "LIVE"


@attrs.define
class VenueTrade:
    """A trade as the venue has it."""

    trade_id: str
    parts: dict[str, int]
    """Units by the venue's order id; one if we were the taker."""
    is_maker: bool
    visible_from_ms: int
    matched_at_ms: int
    status: str = "MATCHED"

    @property
    def row(self) -> dict[str, Any]:
        rest = {"status": self.status, "match_time": str(self.matched_at_ms // 1000)}
        if self.is_maker:
            parts = [(venue_id, units / UNITS_PER_SHARE) for venue_id, units in self.parts.items()]
            return wire_maker_trade(self.trade_id, *parts, **rest)
        ((venue_id, units),) = self.parts.items()
        shares = units / UNITS_PER_SHARE
        return wire_trade(self.trade_id, shares, taker_order_id=venue_id, **rest)


class ClobDouble:
    """The venue's side of every command, and what happens there by itself."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.orders: dict[str, VenueOrder] = {}
        self.trades: dict[str, VenueTrade] = {}
        self.sizes: dict[str, tuple[str, int]] = {}
        """(order id, units) by payload, of all that was ever signed."""
        self.is_well = False
        """From then on nothing goes wrong any more."""

    # Commands; each gives its answer, or None if the connection is cut

    def sign(self, command: SignOrder) -> object:
        if self._chance(0.05):
            return SigningFailed(order_id=command.order_id, reason="no metadata", may_retry=True)
        venue_id = f"0x{len(self.sizes) + 1:064x}"
        payload = f'{{"id":"{venue_id}"}}'
        self.sizes[payload] = (command.order_id, command.size_units)
        return OrderSigned(
            order_id=command.order_id,
            venue_order_id=venue_id,
            payload=payload,
            offered_units=command.size_units,
        )

    def post(self, command: PostOrder, now_ms: int) -> object:
        order_id, units = self.sizes[command.payload]
        assert order_id == command.order_id
        venue_id = command.payload.split('"')[3]
        if venue_id in self.orders:
            return PostRefused(order_id=order_id, status=400, text="order is invalid. Duplicated.")
        refusal = self._refusal(order_id)
        if refusal is not None:
            return refusal
        self.orders[venue_id] = VenueOrder(venue_id, order_id, units, self._visible(now_ms))
        status = self.dice.choice(("live", "live", "delayed", "matched", "unmatched"))
        if self.is_well:
            status = "live"
        return PostAnswered(order_id=order_id, venue_order_id=venue_id, status=status)

    def _refusal(self, order_id: str) -> object | None:
        if self._chance(0.08):
            return PostRefused(order_id=order_id, status=425, text="restarting", retry_after_ms=900)
        if self._chance(0.04):
            return PostRefused(order_id=order_id, status=429, text="Too Many Requests")
        if self._chance(0.03):
            return PostRefused(order_id=order_id, status=400, text="invalid signature")
        return None

    def cancel(self, command: CancelOrders) -> object:
        canceled, refused = [], []
        for venue_id in command.venue_order_ids:
            order = self.orders.get(venue_id)
            if order is not None and order.is_open and not self._chance(0.1):
                order.status = "CANCELED"
                canceled.append(venue_id)
            else:
                reason = "order can't be found - already canceled or matched"
                refused.append((venue_id, "pending" if order and order.is_open else reason))
        return CancelAnswered(
            venue_order_ids=command.venue_order_ids,
            canceled=tuple(canceled),
            not_canceled=tuple(refused),
        )

    def read(self, command: ReadAccount, now_ms: int) -> object:
        if self._chance(0.1):
            return AccountUnread(read_id=command.read_id, reason="502")
        orders = [each for each in self.orders.values() if each.visible_from_ms <= now_ms]
        rows = [self.order_row(each) for each in orders if each.is_open]
        shown = [
            order_of(self.order_row(each))
            for each in orders
            if each.venue_id in command.venue_order_ids and (each.is_open or self._chance(0.3))
        ]
        trades = [each.row for each in self.trades.values() if each.visible_from_ms <= now_ms]
        return AccountRead(
            read_id=command.read_id,
            orders=tuple(shown),
            open_orders=tuple(order_of(row) for row in rows),
            trades=tuple(trade_of(row) for row in trades),
            balances=(),
        )

    def lost(self, command: object) -> object:
        """What the port says when no answer comes."""
        match command:
            case PostOrder(order_id=order_id):
                return PostUnclear(order_id=order_id, reason="no answer")
            case CancelOrders(venue_order_ids):
                return CancelFailed(venue_order_ids=venue_order_ids, reason="no answer")
            case ReadAccount(read_id=read_id):
                return AccountUnread(read_id=read_id, reason="no answer")
            case SignOrder(order_id=order_id):
                return SigningFailed(order_id=order_id, reason="no answer", may_retry=True)
        raise AssertionError(command)

    # What happens by itself; each gives the user channel's rows

    def match(self, now_ms: int) -> list[dict[str, Any]]:
        """Some resting orders trade, perhaps several in one trade."""
        resting = [order for order in self.orders.values() if order.is_open]
        if not resting:
            return []
        count = self.dice.choice((1, 1, 1, 2))
        chosen = self.dice.sample(resting, min(count, len(resting)))
        parts = {}
        for order in chosen:
            left = order.size_units - order.filled_units
            units = self.dice.choice((left, max(UNITS_PER_SHARE, left // 2)))
            units = min(units, left)
            order.filled_units += units
            if order.filled_units == order.size_units:
                order.status = "MATCHED"
            parts[order.venue_id] = units
        trade = VenueTrade(
            trade_id=f"trade-{len(self.trades) + 1}",
            parts=parts,
            is_maker=len(parts) > 1 or self.dice.random() < 0.5,
            visible_from_ms=self._visible(now_ms),
            matched_at_ms=now_ms,
        )
        self.trades[trade.trade_id] = trade
        return [trade.row, *(self.order_row(order) for order in chosen)]

    def settle(self) -> list[dict[str, Any]]:
        """Some trade comes further on the chain, or fails."""
        open_trades = [
            trade for trade in self.trades.values() if trade.status not in ("CONFIRMED", "FAILED")
        ]
        if not open_trades:
            return []
        trade = self.dice.choice(open_trades)
        steps = ("MINED", "CONFIRMED", "CONFIRMED", "RETRYING", "FAILED")
        trade.status = "CONFIRMED" if self.is_well else self.dice.choice(steps)
        return [trade.row]

    def cancel_some(self) -> list[dict[str, Any]]:
        """The venue cancels an order by itself."""
        resting = [order for order in self.orders.values() if order.is_open]
        if not resting:
            return []
        order = self.dice.choice(resting)
        order.status = "CANCELED_NOT_ENOUGH_BALANCE"
        return [self.order_row(order)]

    def order_row(self, order: VenueOrder) -> dict[str, Any]:
        is_cancel = order.status.startswith("CANCELED")
        matched = size_text(order.filled_units)
        return wire_order(
            order.status,
            "" if is_cancel and self._chance(0.3) else matched,
            id=order.venue_id,
            type="CANCELLATION" if is_cancel else "UPDATE",
            original_size=size_text(order.size_units),
        )

    # The truth

    def filled(self) -> dict[str, dict[str, int]]:
        """Units by trade id of trades that did not fail, by our order id."""
        truth: dict[str, dict[str, int]] = {}
        for trade in self.trades.values():
            if trade.status == "FAILED":
                continue
            for venue_id, units in trade.parts.items():
                truth.setdefault(self.orders[venue_id].order_id, {})[trade.trade_id] = units
        return truth

    def _chance(self, share: float) -> bool:
        return not self.is_well and self.dice.random() < share

    def _visible(self, now_ms: int) -> int:
        lag_ms = self.dice.choice((0, 0, 200, READS_LAG_MS - 1))
        return now_ms if self.is_well else now_ms + lag_ms
