"""Faults of an exchange with real orders: their kinds and rates."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from simulation.rates import Rates, rate
from venue.faults import FaultKind

OF_EXCHANGE = {kind.value: kind for kind in FaultKind}
"""The kinds that the local exchange knows too, by its name for them."""


@attrs.frozen(kw_only=True)
class LiveFaultRates(Rates):
    """How often each kind occurs: a chance per occasion, or a number per minute."""

    lost_answer: float = rate(0.01, 0.3, "a request is carried out, and its answer is lost")
    server_error: float = rate(0.01, 0.3, "a request is carried out, and answered with 500")
    slow_answer: float = rate(0.01, 0.3, "a request or its answer takes seconds")
    reset: float = rate(0.01, 0.3, "a request does not arrive")
    rate_limited: float = rate(0.01, 0.3, "a request is refused with 429")
    unread: float = rate(0.01, 0.3, "an account cannot be read whole")
    slips: float = rate(0.05, 0.8, "the book moves away from an order before it arrives")
    long_delay: float = rate(0.05, 0.6, "an order that would trade waits 5 s at the venue")
    unmatched: float = rate(0.05, 0.6, "an order is taken, and answered unmatched")
    hidden_order: float = rate(0.05, 0.6, "no read shows an order or its trades for 3 s")
    partial_cancels: float = rate(0.05, 0.6, "of a batch of cancels only the first is carried out")
    ghost_fill: float = rate(0.02, 0.4, "a trade fails on the chain")
    retried_trade: float = rate(0.02, 0.4, "a trade fails on the chain at first")
    share_lag: float = rate(0.05, 0.8, "shares that were bought cannot be sold for 5 s")
    short_match: float = rate(0.02, 0.4, "an order traded in part counts as matched")
    unreadable_part: float = rate(0.02, 0.4, "a stranger's part in a trade cannot be read")
    repeated_row: float = rate(0.02, 0.4, "every reading tells a trade twice")
    excess_fill: float = rate(0.02, 0.4, "an order trades a little more than was ordered")
    late_failure: float = rate(0.02, 0.2, "a trade fails after it was confirmed")
    reverted_transaction: float = rate(0.05, 0.6, "a claim on the chain reverts")
    duplicate_event: float = rate(0.02, 0.5, "an event of the user channel comes twice")
    late_event: float = rate(0.02, 0.5, "an event of the user channel is overtaken by others")
    silences: float = rate(0.1, 1.5, "the user channel stays open and tells nothing; a minute")
    replay: float = rate(0.1, 1.5, "the user channel tells its last events again; a minute")
    cancel_by_venue: float = rate(0.1, 2.0, "the venue cancels what rests; a minute")
    restart: float = rate(0.05, 0.6, "order entry is away, then post-only; a minute")
    restrictions: float = rate(0.05, 0.5, "only cancels, or nothing, is let in; a minute")

    def of_orders(self) -> Mapping[FaultKind, float]:
        """Return the chances of the faults that the exchange itself implements."""
        return {
            OF_EXCHANGE[kind]: rate for kind, rate in self.active().items() if kind in OF_EXCHANGE
        }
