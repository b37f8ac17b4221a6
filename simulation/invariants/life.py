"""Invariant 5: an order's status changes only by the venue's evidence, and its end is final."""

from __future__ import annotations

from actors.core import Record
from actors.execution.order_state import is_excess
from actors.messages.execution import (
    Fill,
    FillFailed,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderRejected,
    OrderReport,
    OrderState,
    OrderStatus,
    OutcomeUnknown,
)
from simulation.invariants.invariant import ANYTHING, Actor, Invariant, recorded

_EVIDENCE = (
    Fill,
    FillFailed,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderRejected,
    OrderReport,
)


class OnlyEvidenceMoves(Invariant):
    """Compares each recorded state of an order with the previous one."""

    number = 5

    @recorded(ANYTHING)
    def check(self, _actor: Actor, record: Record) -> None:
        """Check every known order in the record."""
        for save in record.saves:
            known = self.facts.orders.get(save.key) if save.kind == "order" else None
            if known is not None and isinstance(save.value, OrderState):
                self._compare(known.state, save.value, record.event)
                self.require(
                    known.is_open or not save.is_open, "{} is closed and opens again", save.key
                )

    def _compare(self, before: OrderState, after: OrderState, event: object) -> None:
        order_id = before.intent.order_id
        self.require(before.intent == after.intent, "{} is no longer what it was to be", order_id)
        if after.status is not before.status:
            self.require(
                not before.is_terminal,
                "{} was {} and is {} on {!r}",
                order_id,
                before.status.value,
                after.status.value,
                event,
            )
            is_evidence = isinstance(event, _EVIDENCE) or (
                isinstance(event, OutcomeUnknown) and after.status is OrderStatus.UNKNOWN
            )
            self.require(
                is_evidence,
                "{} went from {} to {} on {!r}, which is no word of the venue",
                order_id,
                before.status.value,
                after.status.value,
                event,
            )
        fills = after.fills[: len(before.fills)]
        self.require(fills == before.fills, "{} has lost a fill on {!r}", order_id, event)
        trade_ids = [fill.trade_id for fill in after.fills]
        self.require(len(set(trade_ids)) == len(trade_ids), "{} counts a trade twice", order_id)
        is_beyond = is_excess(after.intent, after.fills)
        self.require(not is_beyond, "{} has traded beyond its size", order_id)
        is_kept = before.reversed_trade_ids <= after.reversed_trade_ids
        self.require(is_kept, "{} has forgotten a reversal on {!r}", order_id, event)


class EndsAsTheVenueSays(Invariant):
    """What an order records at its end is what happened to it at the venue."""

    number = 5

    @recorded(ANYTHING)
    def check(self, _actor: Actor, record: Record) -> None:
        """Check that every recorded fill is real, and none is missing when the order closes."""
        for save in record.saves:
            if save.kind != "order" or not isinstance(save.value, OrderState):
                continue
            state = save.value
            known = self.facts.evidence.fills(save.key)
            for fill in state.fills:
                self.require(
                    known.get(fill.trade_id) == fill,
                    "{} has recorded {!r}, which the venue does not know",
                    save.key,
                    fill,
                )
            if not save.is_open:
                to_be_heard = frozenset(self.facts.evidence.to_be_heard(save.key))
                failed = frozenset(self.facts.evidence.failed(save.key))
                self.require(
                    len(state.fills) == len(known)
                    and to_be_heard <= state.reversed_trade_ids <= failed,
                    "{} closes as {!r}, the venue has {}",
                    save.key,
                    state,
                    known,
                )
