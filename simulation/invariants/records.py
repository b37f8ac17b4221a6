"""Invariants 3 and 4: recorded before it is sent, and sent to the venue once."""

from __future__ import annotations

from actors.core import Record
from actors.messages.directory import MarketOpened, MarketResolved
from actors.messages.execution import (
    TERMINAL_STATUSES,
    FillReversed,
    OrderFilled,
    OrderReport,
    OrderSubmitted,
    OrderUpdated,
    SubmitOrder,
)
from actors.messages.lifecycle import StartChild
from actors.messages.position import FillBooked, PositionSnapshot, WindowSettled
from actors.roles import EXECUTOR, order_id_of
from simulation.invariants.facts import OrderFact
from simulation.invariants.invariant import Actor, Invariant, recorded, said


class RecordedFirst(Invariant):
    """What an actor reports of orders, fills, positions and windows is already in the journal."""

    number = 3

    @said(StartChild)
    def check_start(self, actor: Actor, message: StartChild) -> None:
        """Check that an order is started from its record."""
        self._order(actor, order_id_of(message.role) or "")

    @said(SubmitOrder)
    def check_submit(self, actor: Actor, message: SubmitOrder) -> None:
        """Check that exactly the recorded order is submitted."""
        intent = message.intent
        recorded_intent = self._order(actor, intent.order_id).state.intent
        self.require(
            intent == recorded_intent, "{!r} leaves, {!r} is recorded", intent, recorded_intent
        )

    @said(OrderUpdated)
    def check_order(self, actor: Actor, message: OrderUpdated) -> None:
        """Check that an order reports its recorded state."""
        if actor.is_current:
            order = message.order
            known = self._order(actor, order.intent.order_id).state
            self.require(
                order == known, "{} shows {!r}, recorded is {!r}", actor.role, order, known
            )

    @said(OrderFilled, FillReversed)
    def check_booking(self, actor: Actor, message: OrderFilled | FillReversed) -> None:
        """Check that a fill is in the record of the order, or of the executor that reports it."""
        if not actor.is_current:
            return
        order_id, fill = message.order_id, message.fill
        state = self._order(actor, order_id).state
        fills, reversed_ids = state.fills, state.reversed_trade_ids
        if actor.role == EXECUTOR:
            evidence = self.facts.evidence
            fills = tuple(evidence.recorded_fills(order_id).values())
            reversed_ids = frozenset(evidence.recorded_failed(order_id))
        self.require(fill in fills, "{} books {!r} unrecorded", actor.role, fill)
        if isinstance(message, FillReversed):
            is_reversed = fill.trade_id in reversed_ids
            self.require(is_reversed, "{} reverses {!r} unrecorded", actor.role, fill)

    @said(OrderReport)
    def check_report(self, actor: Actor, message: OrderReport) -> None:
        """Check that the executor has recorded what it reports: submission, fills, end."""
        if not actor.is_current:
            return
        order_id, evidence = message.order_id, self.facts.evidence
        known = evidence.recorded_fills(order_id)
        for fill in message.fills:
            is_known = known.get(fill.trade_id) == fill
            self.require(is_known, "{} tells {!r}, which is not recorded", actor.role, fill)
        end, status = evidence.end(order_id), message.status
        if status in TERMINAL_STATUSES:
            self.require(end is status, "{} says {!r}, recorded is {}", actor.role, message, end)
        elif status is not None:
            is_recorded = evidence.accepted_count(order_id) > 0
            self.require(is_recorded, "{} says {!r}, recorded is nothing", actor.role, message)

    @said(FillBooked)
    def check_booked(self, actor: Actor, message: FillBooked) -> None:
        """Check that a fill is in the ledger, at the reported version."""
        if actor.is_current:
            market_id = self._order(actor, message.order_id).state.intent.market.market_id
            entry = self.facts.booking(market_id, message.trade_id, message.order_id)
            self.require(
                entry is not None
                and message.version in (entry.reversed_version, entry.booked_version),
                "{} says {!r}, recorded is {!r}",
                actor.role,
                message,
                entry,
            )

    @said(PositionSnapshot)
    def check_position(self, actor: Actor, message: PositionSnapshot) -> None:
        """Check that a position is the sum of the recorded fills."""
        if actor.is_current:
            ledger = self.facts.ledgers.get(message.market_id)
            self.require(
                ledger is not None and ledger.version == message.version,
                "{} says {!r}, recorded is {!r}",
                actor.role,
                message,
                ledger,
            )

    @said(WindowSettled)
    def check_settled(self, actor: Actor, message: WindowSettled) -> None:
        """Check that a settlement is recorded before it is sent."""
        if actor.is_current:
            ledger = self.facts.ledgers.get(message.market_id)
            self.require(
                ledger is not None and ledger.is_settled,
                "{} says {!r}, recorded is {!r}",
                actor.role,
                message,
                ledger,
            )

    @said(MarketOpened)
    def check_opened(self, actor: Actor, message: MarketOpened) -> None:
        """Check that a window is recorded before anyone trades in it."""
        if actor.is_current:
            window = self.facts.windows.get(message.market_id)
            told = (
                message.market,
                message.strike,
            )  # comparing tuples is fast for identical objects
            self.require(
                window is not None and told == (window.market, window.strike),
                "{} opens {!r}, recorded is {!r}",
                actor.role,
                message,
                window,
            )

    @said(MarketResolved)
    def check_resolved(self, actor: Actor, message: MarketResolved) -> None:
        """Check that a result is recorded before it is sent."""
        if actor.is_current:
            window = self.facts.windows.get(message.market_id)
            self.require(
                window is not None and window.resolution == message,
                "{} says {!r}, recorded is {!r}",
                actor.role,
                message,
                window,
            )

    def _order(self, actor: Actor, order_id: str) -> OrderFact:
        fact = self.facts.orders.get(order_id)
        if fact is None:
            raise self.breach(f"{actor.role} speaks of {order_id!r}, which has no record")
        return fact


class CarriedOutOnce(Invariant):
    """One order id is sent to the venue at most once."""

    number = 4

    @recorded(OrderSubmitted)
    def check(self, actor: Actor, record: Record) -> None:
        """Check that it has not been sent before."""
        event = record.event
        if isinstance(event, OrderSubmitted):
            evidence = self.facts.evidence
            self.require(
                evidence.accepted_count(event.order_id) == 0
                and evidence.end(event.order_id) is None,
                "{} takes {} on a second time",
                actor.role,
                event.order_id,
            )
