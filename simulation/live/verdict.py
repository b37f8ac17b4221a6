"""The end of a run with live orders: our records, held against the exchange's own books."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from actors.execution.real.orders import KEPT_AFTER_CLOSE_MS
from actors.messages.execution import OrderStatus
from actors.units import PAYOUT_TICKS, dollars_text, size_text
from simulation.exchange.order_side import DEPOSIT_NANOS, OrderSide
from simulation.exchange.signing import WALLET
from simulation.exchange.window import SimulatedWindow
from simulation.invariants.facts import Facts, OrderFact, Sums, sums
from simulation.live.evidence import LiveEvidence
from venue.engine.messages import ExchangeOrderStatus, Outcome
from venue.ordering.records import OrderRecord

SETTLED_AFTER_MS = 240_000
"""So long after its window's end nothing of an order has to be waited for, at the latest."""
LET_GO_AFTER_MS = KEPT_AFTER_CLOSE_MS + 60_000
"""So long after it the executor lets the order go, at the latest."""
OVERSTAY_MS = 12_000
"""So long after an order's time, or its window's, none of it rests, at the latest."""


@attrs.frozen(kw_only=True)
class ExchangeVerdict:
    """What the two sides say of the same orders, positions and money."""

    now_ms: int
    facts: Facts
    evidence: LiveEvidence

    @property
    def side(self) -> OrderSide:
        """The exchange's books."""
        return self.evidence.side

    def complaints(self) -> Iterator[str]:
        """Everything in which they differ."""
        self.side.ledger.audit()
        yield from self.overstays()
        yield from self._orders()
        yield from self._rows()
        yield from self._positions()
        yield from self._money()

    def overstays(self) -> Iterator[str]:
        """Orders that rest although their time, or their window's, is over."""
        for taken in self.side.records:
            order_id = self._order_id(taken)
            if taken.is_open and order_id is not None:
                intent = self.facts.orders[order_id].state.intent
                if intent.expires_at_ms + OVERSTAY_MS < self.now_ms:
                    yield f"{order_id} still rests: {taken!r}"

    def _orders(self) -> Iterator[str]:
        for order_id, fact in self.facts.orders.items():
            taken = self.side.records_of(order_id)
            if len(taken) > 1:
                yield f"{order_id} is {len(taken)} orders at the exchange"
            for record in taken:
                if not fact.is_open and not _agree(fact, record):
                    yield f"{order_id} closed as {fact.state!r}, the exchange has {record!r}"
        for taken_order in self.side.records:
            if self._order_id(taken_order) is None:
                yield f"the exchange has {taken_order!r}, and no record has"

    def _rows(self) -> Iterator[str]:
        for order_id in self.evidence.open_ids:
            live = self.evidence.rows[order_id]
            past_ms = self.now_ms - live.intent.market.closes_at_ms
            is_over = live.is_final and live.is_forgotten and live.is_settled
            if past_ms > (LET_GO_AFTER_MS if is_over else SETTLED_AFTER_MS):
                yield f"the executor does not let {order_id} go: {live!r}"

    def _positions(self) -> Iterator[str]:
        for market_id, ledger in self.facts.ledgers.items():
            ours, theirs = sums(ledger), self._traded(market_id)
            if ours != theirs:
                yield f"{ledger.market.slug}: we have booked {ours}, the exchange {theirs}"
            window = self.side.with_condition(market_id)
            if window is not None and not window.is_resolved:
                yield from self._balances(window, ours)

    def _balances(self, window: SimulatedWindow, ours: Sums) -> Iterator[str]:
        """Shares are as booked; a window that is over may have had its pairs merged."""
        up_units, down_units = self._held(window)
        merged_units = ours.yes_units - up_units
        is_over = window.window.closes_at_ms <= self.now_ms
        is_same = ours.no_units - down_units == merged_units
        if not is_same or merged_units < 0 or (merged_units and not is_over):
            yield (
                f"{window.window.slug}: we have booked {size_text(ours.yes_units)} YES and "
                f"{size_text(ours.no_units)} NO, the account has {size_text(up_units)} and "
                f"{size_text(down_units)}"
            )

    def _money(self) -> Iterator[str]:
        """The account's money is the deposit and all that was earned and paid since."""
        expected_nanos = DEPOSIT_NANOS
        for market_id, ledger in self.facts.ledgers.items():
            booked = sums(ledger)
            window = self.side.with_condition(market_id)
            if window is None:
                return  # so old that the exchange has forgotten who won
            if window.is_resolved:
                expected_nanos += booked.pnl_nanos(window.winner)
            else:
                merged_units = booked.yes_units - self._held(window)[0]
                expected_nanos += booked.flow_nanos - booked.fees_nanos
                expected_nanos += merged_units * PAYOUT_TICKS
        cash_nanos = self.side.ledger.account(WALLET).cash_nanos
        if cash_nanos != expected_nanos:
            yield (
                f"the account has ${dollars_text(cash_nanos)}, by our books it should be "
                f"${dollars_text(expected_nanos)}"
            )

    def _held(self, window: SimulatedWindow) -> tuple[int, int]:
        market_id, ledger = window.window.condition_id, self.side.ledger
        up_units = ledger.shares_units(WALLET, market_id, Outcome.UP)
        return up_units, ledger.shares_units(WALLET, market_id, Outcome.DOWN)

    def _traded(self, market_id: str) -> Sums:
        """What the exchange says was traded in a window, without what failed."""
        yes_units = no_units = flow_nanos = fees_nanos = 0
        for taken in self.side.records:
            if taken.window.condition_id != market_id:
                continue
            order_id = self._order_id(taken) or ""
            failed = self.side.failed_of(order_id)
            sign = 1 if taken.terms.is_buy else -1
            for trade_id, fill in self.side.fills_of(order_id).items():
                if trade_id in failed:
                    continue
                if taken.terms.outcome is Outcome.UP:
                    yes_units += sign * fill.size_units
                else:
                    no_units += sign * fill.size_units
                flow_nanos -= sign * fill.price_ticks * fill.size_units
                fees_nanos += fill.fee_nanos
        return Sums(
            yes_units=yes_units, no_units=no_units, flow_nanos=flow_nanos, fees_nanos=fees_nanos
        )

    def _order_id(self, taken: OrderRecord) -> str | None:
        order_id = self.side.signed_for.get(taken.order_id)
        return order_id if order_id in self.facts.orders else None


def _agree(fact: OrderFact, taken: OrderRecord) -> bool:
    """Whether a closed order's record says what the exchange's does."""
    state = fact.state
    if taken.is_open or taken.filled_units != state.traded_units:
        return False
    if state.status is OrderStatus.FILLED:
        return taken.status is ExchangeOrderStatus.MATCHED
    return state.status is OrderStatus.CANCELLED
