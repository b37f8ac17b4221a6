"""What an exchange does to live orders: which kinds of fault, and how often."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from simulation.rates import Rates, rate
from venue.order_faults import OrderFaultKind

DRAWN_BY_THE_DESK = {
    "delayed": OrderFaultKind.LONG_DELAY,
    "unmatched": OrderFaultKind.UNMATCHED,
    "hidden": OrderFaultKind.HIDDEN_ORDER,
    "ghost_fills": OrderFaultKind.GHOST_FILL,
    "retried_trades": OrderFaultKind.RETRIED_TRADE,
    "share_lag": OrderFaultKind.SHARE_LAG,
    "short_matches": OrderFaultKind.SHORT_MATCH,
    "unreadable_parts": OrderFaultKind.UNREADABLE_PART,
    "repeated_rows": OrderFaultKind.REPEATED_ROW,
    "excess_fills": OrderFaultKind.EXCESS_FILL,
    "late_failures": OrderFaultKind.LATE_FAILURE,
    "repeated_events": OrderFaultKind.DUPLICATE_EVENT,
    "late_events": OrderFaultKind.LATE_EVENT,
}
"""What the order desk calls the kinds that it draws itself."""


@attrs.frozen(kw_only=True)
class LiveFaultRates(Rates):
    """How often each kind strikes: a chance each time, or a number a minute."""

    lost_answers: float = rate(0.01, 0.3, "a request is carried out, and its answer is lost")
    server_errors: float = rate(0.01, 0.3, "a request is carried out, and answered with 500")
    slow_answers: float = rate(0.01, 0.3, "a request or its answer takes seconds")
    resets: float = rate(0.01, 0.3, "a request does not arrive")
    rate_limits: float = rate(0.01, 0.3, "a request is refused with 429")
    unread: float = rate(0.01, 0.3, "an account cannot be read whole")
    slips: float = rate(0.05, 0.8, "the book moves away from an order before it arrives")
    delayed: float = rate(0.05, 0.6, "an order that would trade waits 5 s at the venue")
    unmatched: float = rate(0.05, 0.6, "an order is taken, and answered unmatched")
    hidden: float = rate(0.05, 0.6, "no read shows an order or its trades for 3 s")
    partial_cancels: float = rate(0.05, 0.6, "of a batch of cancels only the first is carried out")
    ghost_fills: float = rate(0.02, 0.4, "a trade fails on the chain")
    retried_trades: float = rate(0.02, 0.4, "a trade fails on the chain at first")
    share_lag: float = rate(0.05, 0.8, "shares that were bought cannot be sold for 5 s")
    short_matches: float = rate(0.02, 0.4, "an order traded in part counts as matched")
    unreadable_parts: float = rate(0.02, 0.4, "a stranger's part in a trade cannot be read")
    repeated_rows: float = rate(0.02, 0.4, "every reading tells a trade twice")
    excess_fills: float = rate(0.02, 0.4, "an order trades a little more than was ordered")
    late_failures: float = rate(0.02, 0.2, "a trade fails after it was confirmed")
    reverts: float = rate(0.05, 0.6, "a claim on the chain reverts")
    repeated_events: float = rate(0.02, 0.5, "an event of the user channel comes twice")
    late_events: float = rate(0.02, 0.5, "an event of the user channel is overtaken by others")
    silences: float = rate(0.1, 1.5, "the user channel stays open and tells nothing; a minute")
    replays: float = rate(0.1, 1.5, "the user channel tells its last events again; a minute")
    venue_cancels: float = rate(0.1, 2.0, "the venue cancels what rests; a minute")
    engine_restarts: float = rate(0.05, 0.6, "order entry is away, then post-only; a minute")
    restrictions: float = rate(0.05, 0.5, "only cancels, or nothing, is let in; a minute")

    def of_orders(self) -> Mapping[OrderFaultKind, float]:
        """The chances of what the venue's own order desk lets go wrong."""
        return {
            kind: chance
            for name, kind in DRAWN_BY_THE_DESK.items()
            if (chance := getattr(self, name))
        }
