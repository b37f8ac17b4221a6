"""When the venue's account is read, and what is read.

One routine reads the account: at the start, when the user channel has connected, on a slow beat,
and every second while an order is unresolved. A reading counts only if it is complete, apart from
markets that the venue does not show. Orders are read before trades, so that the trades of an order
that is gone are in the same reading.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Command, Effects
from actors.execution.real.lasting_problem import LastingProblem
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.messages import AccountRead, AccountUnread, ReadAccount
from actors.execution.real.orders import LiveOrders
from actors.execution.real.outbox import RECHECK_MS, PendingActions

SLOW_BEAT_MS = 30_000
READ_RETRY_MAX_MS = 5_000
"""Longest wait before a failed reading is retried, if the venue does not ask for a longer one. The
end of a run waits half a minute for unknown outcomes, so it must leave time for several."""
READ_HOLD_MAX_MS = 30_000
"""Longest wait before a reading is retried, however long the venue asks to wait. Without readings
no order with an unknown outcome ever ends, and its side can neither be bought nor sold."""
WIDE_BEAT_MS = 300_000
"""How often the trades of fully settled windows are read."""


@attrs.frozen(kw_only=True)
class Reading:
    """A reading of the account that is in flight or complete."""

    read_id: int
    began_at_ms: int
    """Venue time; what the venue shows is at least as new."""
    asked: tuple[str, ...]
    """Ids of the orders that were requested, so that their absence counts."""
    market_ids: tuple[str, ...]


class AccountReadings:
    """Starts the readings that are due, and recognises their results."""

    def __init__(self, orders: LiveOrders, pending: PendingActions) -> None:
        self._orders = orders
        self._pending = pending
        self._in_flight: Reading | None = None
        self._read_id = 0
        self._is_wanted = True
        self._next_slow_ms = 0
        self._not_before_ms = 0
        self._next_wide_ms = 0
        self._failures_count = 0
        self._problem = LastingProblem()
        self.read_markets: frozenset[str] = frozenset()
        """Markets whose orders and trades were read since the start."""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift all times back by as much as the clock was."""
        self._next_slow_ms -= by_ms
        self._next_wide_ms -= by_ms
        self._not_before_ms -= by_ms
        if self._in_flight is not None:
            began_at_ms = self._in_flight.began_at_ms - by_ms
            self._in_flight = attrs.evolve(self._in_flight, began_at_ms=began_at_ms)

    def request(self) -> None:
        """Request a reading as soon as possible, because something may have been missed."""
        self._is_wanted = True

    def request_all(self) -> None:
        """Request a reading as soon as possible, and one of the settled windows soon after.

        A CONFIRMED trade may have FAILED while the user channel was down.
        """
        self._is_wanted = True
        self._next_wide_ms = 0

    def next_due_ms(self, now_ms: int) -> int:
        """Return when the next reading is due, if none is in flight."""
        asked = [
            action.ask_at_ms
            for order_id, action in self._pending
            if action.ask_at_ms is not None and self._is_open(order_id)
        ]
        wanted = [now_ms] if self._is_wanted else []
        return max(self._not_before_ms, min([*asked, *wanted, self._next_slow_ms]))

    def begin(self, market_ids: Iterable[str], tokens: Iterable[str], now_ms: int) -> Effects:
        """Begin a reading, if one is due and none is in flight.

        Args:
            market_ids: markets to read besides those of unfinished orders.
            tokens: tokens whose balances are read on the slow beat, with the cash.
            now_ms: venue time.
        """
        if self._in_flight is not None or now_ms < self.next_due_ms(now_ms):
            return []
        is_slow = self._is_wanted or now_ms >= self._next_slow_ms
        asked = [live for live in self._orders.working if self._must_show(live)]
        # A requested reading must neither wait for, nor fail with, a routine second look.
        is_wide = not self._is_wanted and now_ms >= self._next_wide_ms
        if is_wide:
            self._next_wide_ms = now_ms + WIDE_BEAT_MS
        markets = {
            live.intent.market.market_id
            for live in self._orders
            if is_wide or not (live.is_final and live.is_settled)
        }
        self._read_id += 1
        self._is_wanted = False
        if is_slow:
            self._next_slow_ms = now_ms + SLOW_BEAT_MS
        self._in_flight = Reading(
            read_id=self._read_id,
            began_at_ms=now_ms,
            asked=tuple(live.order_id for live in asked),
            market_ids=tuple(sorted({*markets, *market_ids})),
        )
        command = ReadAccount(
            read_id=self._read_id,
            venue_order_ids=tuple(live.venue_order_id for live in asked),
            market_ids=self._in_flight.market_ids,
            balances_of=tuple(tokens) if is_slow else (),
            with_cash=is_slow,
        )
        return [Command(command)]

    def failed(self, unread: AccountUnread, now_ms: int) -> Effects:
        """Schedule another reading; a failed one proves nothing."""
        if self._in_flight is None or unread.read_id != self._in_flight.read_id:
            return []
        self._in_flight = None
        self._is_wanted = True
        asked_ms = min(READ_HOLD_MAX_MS, unread.retry_after_ms or 0)
        retry_ms = min(READ_RETRY_MAX_MS, RECHECK_MS << min(self._failures_count, 8))
        self._failures_count += 1
        self._not_before_ms = now_ms + max(retry_ms, asked_ms)
        if unread.is_unauthorized:
            return []
        return self._problem.met(f"the account could not be read: {unread.reason}")

    def complete(self, read: AccountRead, now_ms: int) -> tuple[Reading | None, Effects]:
        """Return the reading of which this is the result (None if not in flight), and the effects.

        Markets that the venue did not show are left out: an absence proves nothing there.
        """
        reading = self._in_flight
        if reading is None or read.read_id != reading.read_id:
            return None, []
        self._in_flight = None
        self._failures_count = 0
        self._not_before_ms = now_ms + RECHECK_MS
        not_shown = {
            live.order_id
            for live in self._orders
            if live.intent.market.market_id in read.unread_markets
        }
        market_ids = tuple(each for each in reading.market_ids if each not in read.unread_markets)
        self.read_markets |= set(market_ids)
        asked = tuple(each for each in reading.asked if each not in not_shown)
        recovered = self._problem.over("the account can be read again")
        return attrs.evolve(reading, asked=asked, market_ids=market_ids), recovered

    def _must_show(self, live: LiveOrder) -> bool:
        return live.posted_at_ms > 0 and not self._pending.of(live.order_id).is_posting

    def _is_open(self, order_id: str) -> bool:
        live = self._orders.get(order_id)
        return live is not None and not live.is_final
