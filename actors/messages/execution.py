"""The life of an order, as desk, Order actor and executor tell it to each other."""

from __future__ import annotations

import attrs

from actors.messages.order_view import TERMINAL_STATUSES as TERMINAL_STATUSES
from actors.messages.order_view import OrderStatus as OrderStatus
from actors.messages.order_view import OwnOrder as OwnOrder
from actors.messages.strategy import TradeSignal
from actors.model import Action, FillDetail, Market, Side
from actors.model import TimeInForce as TimeInForce

CLOCK_STEP_MAX_MS = 120_000
"""So much longer than its time to live an order that ended is remembered: were the clock set back,
a late copy of it would seem to be in time."""


@attrs.frozen(kw_only=True)
class OrderIntent:
    """What an order is to be; recorded before anything leaves, and never changed."""

    order_id: str
    """``order_<n>_<8 hex>``."""
    market: Market
    side: Side
    action: Action
    price_ticks: int
    size_units: int
    time_in_force: TimeInForce
    created_at_ms: int
    expires_at_ms: int
    """What rests is cancelled then; never beyond the window's end."""
    priority: int
    reason: str
    pair_id: str | None
    """The other leg's order id, when this is one leg of a pair."""
    position_version: int
    tick_ns: int
    basis: str = ""
    passed_over: tuple[str, ...] = ()
    is_post_only: bool = False
    """It may rest and never take."""
    orders_per_side: int = 1
    """How many orders its strategy lets work on one side at a time."""
    settings_number: int = 0
    """Of the settings that strategy and desk decided by; 0 in journals that do not tell."""

    @property
    def is_sized_in_money(self) -> bool:
        """Whether the venue spends an amount on it, price times size, whatever it buys for that."""
        return self.action is Action.BUY and not self.time_in_force.may_rest


# Desk -> Order: none. An Order starts with its recorded intent (StartChild to the supervisor).


@attrs.frozen
class CancelRequested:
    """Desk to Order: end it early."""

    order_id: str
    reason: str


@attrs.frozen
class OrderDone:
    """Desk to Order: its end is known to the desk; the actor leaves."""

    order_id: str


# Order -> executor


@attrs.frozen
class SubmitOrder:
    """Send it to the venue. Said again for the same order id, it is answered, never sent twice."""

    intent: OrderIntent


@attrs.frozen
class CancelOrder:
    """Take back what rests."""

    order_id: str
    reason: str


@attrs.frozen
class QueryOrder:
    """Ask what the executor knows of an order; answered with OrderReport."""

    order_id: str


# executor -> Order


@attrs.frozen(kw_only=True)
class OrderReport:
    """All the executor knows of an order; said at every change, and to answer whoever asks.

    An end comes in one piece with every fill before it. What becomes of a trade after the end, the
    executor tells position itself.
    """

    order_id: str
    status: OrderStatus | None
    """None: the executor has never heard of it."""
    fills: tuple[FillDetail, ...] = ()
    failed_trade_ids: tuple[str, ...] = ()
    venue_order_id: str | None = None
    reason: str = ""


# What may become of an order: recorded as events, one by one


@attrs.frozen
class OrderSubmitted:
    """The executor has taken it on."""

    order_id: str


@attrs.frozen
class OrderAccepted:
    """The venue holds it."""

    order_id: str
    venue_order_id: str | None


@attrs.frozen
class OrderRejected:
    """The venue, or a rule checked in its stead, refused it; nothing was traded."""

    order_id: str
    reason: str


@attrs.frozen
class Fill:
    """Part of it was traded."""

    order_id: str
    fill: FillDetail


@attrs.frozen
class OrderCompleted:
    """It has traded whole; the last of its fills was told before."""

    order_id: str


@attrs.frozen
class OrderCancelled:
    """What was left of it is gone from the venue."""

    order_id: str
    reason: str
    filled_units: int | None = None
    """What it traded in all; None in journals of earlier releases that did not know it."""


@attrs.frozen
class OutcomeUnknown:
    """It left, and no answer says what became of it."""

    order_id: str
    reason: str


@attrs.frozen
class FillFailed:
    """A trade told before will not settle: the venue takes it back."""

    order_id: str
    trade_id: str
    reason: str


# Order -> desk, position, observers


@attrs.frozen(kw_only=True)
class OrderState:
    """All there is to know of an order; owned by its Order actor, saved at each change."""

    intent: OrderIntent
    status: OrderStatus = OrderStatus.PENDING
    fills: tuple[FillDetail, ...] = ()
    reversed_trade_ids: frozenset[str] = frozenset()
    unbooked: frozenset[str] = frozenset()
    """Trade ids whose fill position has not yet answered."""
    unbooked_reversals: frozenset[str] = frozenset()
    """Trade ids whose reversal position has not yet answered; told after the fill is booked."""
    final_filled_units: int | None = None
    """What it traded in all, in rows of an earlier release, whose end could come before a fill."""
    venue_order_id: str | None = None
    cancel_reason: str = ""
    """Why a cancel was asked for; empty if none was."""
    end_reason: str = ""
    position_version: int = 0
    """Highest position version in which one of its fills is booked."""
    updated_at_ms: int = 0

    @property
    def filled_units(self) -> int:
        """Size traded and not reversed."""
        return sum(f.size_units for f in self.fills if f.trade_id not in self.reversed_trade_ids)

    @property
    def traded_units(self) -> int:
        """Size traded, reversed or not: a reversal does not put it back on offer."""
        return sum(f.size_units for f in self.fills)

    @property
    def leaves_units(self) -> int:
        """Size not traded; nothing if the venue has traded more than was ordered."""
        return max(0, self.intent.size_units - self.filled_units)

    @property
    def notional_nanos(self) -> int:
        """Price times size over all fills that stand."""
        return sum(
            f.price_ticks * f.size_units
            for f in self.fills
            if f.trade_id not in self.reversed_trade_ids
        )

    @property
    def average_price_ticks(self) -> float | None:
        """Average fill price, for people to read; None before a fill."""
        filled = self.filled_units
        return self.notional_nanos / filled if filled else None

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more can trade."""
        return self.status in TERMINAL_STATUSES


@attrs.frozen
class OrderUpdated:
    """An order changed. A terminal one is said to the desk until it answers OrderDone."""

    order: OrderState


@attrs.frozen
class OrderClosed:
    """Order to desk: its record is closed; there is nothing more to do, and no one to do it."""

    order_id: str


@attrs.frozen(kw_only=True)
class _OrderTrade:
    """A trade of an order, as position is told of it until it answers FillBooked."""

    order_id: str
    market: Market
    side: Side
    action: Action
    fill: FillDetail
    answer_to: str | None = None
    """Role that is told FillBooked; None: the order's own."""


@attrs.frozen(kw_only=True)
class OrderFilled(_OrderTrade):
    """Order to position: book this fill."""


@attrs.frozen(kw_only=True)
class FillReversed(_OrderTrade):
    """Order to position: this fill will not settle."""


# desk -> strategy, observers


@attrs.frozen(kw_only=True)
class OpenOrders:
    """Which sides are busy; after every change, and as the answer to TradeSignals."""

    market_id: str
    live: tuple[tuple[Side, str], ...]
    """(side, order id) of each order that owns its side, or a part of it."""
    is_stopped: bool
    """The stop loss, a halt or the window's end: no more signals are taken for this market."""
    answers_signals_id: int
    """The newest TradeSignals the desk has decided on; 0 for none."""
    working: tuple[OwnOrder, ...] = ()
    """The same orders in full, oldest first."""


@attrs.frozen(kw_only=True)
class SignalsRefused:
    """Desk to observers: signals it did not carry out, and why."""

    market_id: str
    signals: tuple[TradeSignal, ...]
    reason: str
