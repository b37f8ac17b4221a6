"""The end of a run with real orders: our records compared with the exchange's own books."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from actors.execution.real.orders import KEPT_AFTER_CLOSE_MS
from actors.messages.execution import OrderIntent
from audit.books import Books, Outcomes
from audit.reconciliation import reconcile
from audit.verdict import AuditVerdict, judge
from simulation.exchange.order_side import DEPOSIT_NANOS
from simulation.invariants.facts import Facts
from simulation.live.evidence import LiveEvidence

SETTLED_AFTER_MS = 240_000
"""Latest time after its window's end at which an order is settled."""
LET_GO_AFTER_MS = KEPT_AFTER_CLOSE_MS + 60_000
"""Latest time after its window's end at which the executor forgets an order."""
OVERSTAY_MS = 12_000
"""Latest time after its own or its window's end at which an order may still rest."""


@attrs.frozen(kw_only=True)
class ExchangeVerdict:
    """Compares the two sides' orders, positions and money."""

    now_ms: int
    facts: Facts
    evidence: LiveEvidence

    def complaints(self, books: Books, outcomes: Outcomes) -> Iterator[str]:
        """Yield every difference between the journal's books and the exchange's."""
        yield from self.overstays()
        yield from self._rows()
        verdict = AuditVerdict()
        judge(books, outcomes, verdict)
        reconcile(books, self.evidence.side.books(), outcomes, DEPOSIT_NANOS, verdict)
        yield from verdict.findings

    def overstays(self) -> Iterator[str]:
        """Yield orders that rest although their time, or their window's, has ended."""
        side = self.evidence.side
        for taken in side.records:
            fact = self.facts.orders.get(side.signed_for.get(taken.order_id, ""))
            if taken.is_open and fact is not None and self._is_late(fact.state.intent):
                yield f"{fact.state.intent.order_id} still rests: {taken!r}"

    def _is_late(self, intent: OrderIntent) -> bool:
        return intent.expires_at_ms + OVERSTAY_MS < self.now_ms

    def _rows(self) -> Iterator[str]:
        for order_id in self.evidence.open_ids:
            live = self.evidence.rows[order_id]
            past_ms = self.now_ms - live.intent.market.closes_at_ms
            is_over = live.is_final and live.is_settled
            if past_ms > (LET_GO_AFTER_MS if is_over else SETTLED_AFTER_MS):
                yield f"the executor does not forget {order_id}: {live!r}"
