"""Messages about an order's life, between desk, order actor and executor."""

from __future__ import annotations

import attrs

from actors.messages.order_view import TERMINAL_STATUSES as TERMINAL_STATUSES
from actors.messages.order_view import OrderStatus as OrderStatus
from actors.messages.order_view import OwnOrder as OwnOrder
from actors.messages.strategy import TradeSignal
from actors.model import Action, FillDetail, Market, Side
from actors.model import TimeInForce as TimeInForce

CLOCK_STEP_MAX_MS = 120_000
"""How much longer than its time to live an ended order is remembered: if the clock is set back, a
late copy of it would seem to be in time."""


@attrs.frozen(kw_only=True)
class OrderIntent:
    """The terms of an order; recorded before anything is sent, and never changed."""

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
    """A resting order is cancelled then; never beyond the window's end."""
    priority: int
    reason: str
    pair_id: str | None
    """Order id of the other leg, if this is one leg of a pair."""
    position_version: int
    tick_ns: int
    basis: str = ""
    passed_over: tuple[str, ...] = ()
    is_post_only: bool = False
    """Whether it may only rest, and never take."""
    orders_per_side: int = 1
    """How many orders the strategy lets work on one side at a time."""
    settings_number: int = 0
    """Number of the settings behind the decision; 0 in journals that do not say."""

    @property
    def is_sized_in_money(self) -> bool:
        """Whether the venue spends a fixed amount on it, price times size, whatever that buys."""
        return self.action is Action.BUY and not self.time_in_force.may_rest


# Desk -> order: no start message. The actor reads its order from the journal (see StartChild).


@attrs.frozen
class CancelRequested:
    """Desk to order: end it early."""

    order_id: str
    reason: str


@attrs.frozen
class OrderDone:
    """Desk to order: its end has reached the desk; the actor leaves."""

    order_id: str


# Order -> executor


@attrs.frozen
class SubmitOrder:
    """Send the order to the venue, once; a repetition for the same order id is only answered."""

    intent: OrderIntent


@attrs.frozen
class CancelOrder:
    """Cancel a resting order."""

    order_id: str
    reason: str


@attrs.frozen
class QueryOrder:
    """Ask what the executor knows about an order; answered with OrderReport."""

    order_id: str


# executor -> Order


@attrs.frozen(kw_only=True)
class OrderReport:
    """All that the executor knows of an order; sent at every change, and in answer to QueryOrder.

    An end is reported together with every fill before it. Changes to its trades after the end are
    reported by the executor to position directly.
    """

    order_id: str
    status: OrderStatus | None
    """None: the executor does not know the order."""
    fills: tuple[FillDetail, ...] = ()
    failed_trade_ids: tuple[str, ...] = ()
    venue_order_id: str | None = None
    reason: str = ""


# Events of an order, recorded one by one


@attrs.frozen
class OrderSubmitted:
    """The executor has accepted the order for submission."""

    order_id: str


@attrs.frozen
class OrderAccepted:
    """The venue holds it."""

    order_id: str
    venue_order_id: str | None


@attrs.frozen
class OrderRejected:
    """The venue, or a rule checked on its behalf, refused it; nothing was traded."""

    order_id: str
    reason: str


@attrs.frozen
class Fill:
    """Part of the order was traded."""

    order_id: str
    fill: FillDetail


@attrs.frozen
class OrderCompleted:
    """The order has traded in full; the last of its fills was reported before."""

    order_id: str


@attrs.frozen
class OrderCancelled:
    """What was left of the order is no longer at the venue."""

    order_id: str
    reason: str
    filled_units: int | None = None
    """Total size traded; None in journals of earlier releases that did not know it."""


@attrs.frozen
class OutcomeUnknown:
    """The order was sent, and no answer says what happened to it."""

    order_id: str
    reason: str


@attrs.frozen
class FillFailed:
    """A reported trade will not settle: the venue takes it back."""

    order_id: str
    trade_id: str
    reason: str


# Order -> desk, position, observers


@attrs.frozen(kw_only=True)
class OrderState:
    """The complete state of an order; owned by its order actor, saved at each change."""

    intent: OrderIntent
    status: OrderStatus = OrderStatus.PENDING
    fills: tuple[FillDetail, ...] = ()
    reversed_trade_ids: frozenset[str] = frozenset()
    unbooked: frozenset[str] = frozenset()
    """Trade ids of fills that position has not acknowledged yet."""
    unbooked_reversals: frozenset[str] = frozenset()
    """Trade ids of reversals that position has not acknowledged yet; sent after the fill is
    booked."""
    final_filled_units: int | None = None
    """Total size traded, in rows of an earlier release, whose end could arrive before a fill."""
    venue_order_id: str | None = None
    cancel_reason: str = ""
    """Why a cancel was requested; empty if none was."""
    end_reason: str = ""
    position_version: int = 0
    """Highest position version with one of its fills."""
    updated_at_ms: int = 0

    @property
    def filled_units(self) -> int:
        """Size traded, less reversals."""
        return sum(f.size_units for f in self.fills if f.trade_id not in self.reversed_trade_ids)

    @property
    def traded_units(self) -> int:
        """Size traded, including reversals, because a reversed trade is not offered again."""
        return sum(f.size_units for f in self.fills)

    @property
    def leaves_units(self) -> int:
        """Size not traded; 0 if the venue has traded more than was ordered."""
        return max(0, self.intent.size_units - self.filled_units)

    @property
    def notional_nanos(self) -> int:
        """Price times size, summed over all fills that stand."""
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
    """An order changed. A terminal state is repeated to the desk until it answers OrderDone."""

    order: OrderState


@attrs.frozen
class OrderClosed:
    """Order to desk: its record is closed, and its actor gone."""

    order_id: str


@attrs.frozen(kw_only=True)
class _OrderTrade:
    """A trade of an order, repeated to position until it answers FillBooked."""

    order_id: str
    market: Market
    side: Side
    action: Action
    fill: FillDetail
    answer_to: str | None = None
    """Role that gets the FillBooked; None for the order itself."""


@attrs.frozen(kw_only=True)
class OrderFilled(_OrderTrade):
    """Order to position: book this fill."""


@attrs.frozen(kw_only=True)
class FillReversed(_OrderTrade):
    """Order to position: this fill will not settle."""


# desk -> strategy, observers


@attrs.frozen(kw_only=True)
class OpenOrders:
    """The busy sides; sent after every change, and as the answer to TradeSignals."""

    market_id: str
    live: tuple[tuple[Side, str], ...]
    """(side, order id) of each order that keeps its side busy."""
    is_stopped: bool
    """By stop loss, halt or the window's end: no more signals are accepted for this market."""
    answers_signals_id: int
    """Id of the newest TradeSignals that the desk has decided on; 0 for none."""
    working: tuple[OwnOrder, ...] = ()
    """The same orders in full, oldest first."""


@attrs.frozen(kw_only=True)
class SignalsRefused:
    """Desk to observers: signals that it did not carry out, and why."""

    market_id: str
    signals: tuple[TradeSignal, ...]
    reason: str
