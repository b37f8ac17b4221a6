"""Applies what the venue reports, pushed or polled, to the orders.

The parts of the venue lag behind each other, even within one reading (account_readings.py). So the
absence of an order proves something only when it has lasted:

* for an order that the venue has acknowledged, ``LAG_MS``;
* for an order whose posting had no clear answer, ``UNKNOWN_WINDOW_MS``: it may wait in the venue's
  delay, or still be on its way. Only after that may the same bytes be posted once more.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.core import Command, Effects, Log
from actors.execution.order_state import is_excess
from actors.execution.real.live_order import TOLERATED_UNITS, LiveOrder, VenueEnd
from actors.execution.real.messages import AccountRead, AccountUnread, ReadAccount
from actors.execution.real.orders import AbsenceTold, LiveOrders, TradeSeen, VenueSaid
from actors.execution.real.outbox import RECHECK_MS, PendingActions
from actors.execution.real.user_channel import (
    Settlement,
    TradeAllocation,
    UserOrder,
    UserTrade,
    order_ids_of,
    parts_of,
)
from actors.messages.execution import OrderStatus
from actors.units import size_text

LAG_MS = 5_000
UNKNOWN_WINDOW_MS = 15_000
ABSENT_MS_PER_READING = 1_500
"""An absence needs one reading for each such period, because the clock may jump when the venue's
time is measured again."""
SLOW_BEAT_MS = 30_000
READ_HOLD_MAX_MS = 30_000
"""Longest wait before a reading is retried, however long the venue asks to wait. Without readings
no order with an unknown outcome ever ends, and its side can neither be bought nor sold."""
MISSING_TRADES_MS = 60_000
"""How long to wait for the trades of an order that do not add up to the venue's total."""
WIDE_BEAT_MS = 300_000
"""How often the trades of fully settled windows are read."""
TRADES_SOON_MS = 500
"""Time within which an order's trades follow the report that it traded."""


@attrs.frozen(kw_only=True)
class Reading:
    """A reading of the account that is in flight or complete."""

    read_id: int
    began_at_ms: int
    """Venue time; what the venue shows is at least as new."""
    asked: tuple[str, ...]
    """Ids of the orders that were requested, so that their absence counts."""
    market_ids: tuple[str, ...]


class Reconciler:
    """Reads the account when needed, and applies what the venue reports."""

    def __init__(self, orders: LiveOrders, pending: PendingActions) -> None:
        self._orders = orders
        self._pending = pending
        self._reading: Reading | None = None
        self._read_id = 0
        self._is_wanted = True
        self._next_slow_ms = 0
        self._not_before_ms = 0
        self._next_wide_ms = 0
        self._notices = _Notices(orders)
        self.read_markets: frozenset[str] = frozenset()
        """Markets whose orders and trades were read since the start."""

    def clock_set_back(self, by_ms: int) -> None:
        """Shift all times back by as much as the clock was."""
        self._next_slow_ms -= by_ms
        self._next_wide_ms -= by_ms
        self._not_before_ms -= by_ms
        if self._reading is not None:
            began_at_ms = self._reading.began_at_ms - by_ms
            self._reading = attrs.evolve(self._reading, began_at_ms=began_at_ms)

    # Reading

    def want(self) -> None:
        """Request a reading as soon as possible, because something may have been missed."""
        self._is_wanted = True

    def listen_anew(self) -> None:
        """Request a reading as soon as possible, and one of the settled windows soon after.

        A CONFIRMED trade may have FAILED while the user channel was down.
        """
        self._is_wanted = True
        self._next_wide_ms = 0

    def next_due_ms(self, now_ms: int) -> int:
        """Return when the next reading is due, if none is in flight."""
        asked = [
            work.ask_at_ms
            for order_id, work in self._pending
            if work.ask_at_ms is not None and self._is_open(order_id)
        ]
        wanted = [now_ms] if self._is_wanted else []
        return max(self._not_before_ms, min([*asked, *wanted, self._next_slow_ms]))

    def read(self, market_ids: Iterable[str], tokens: Iterable[str], now_ms: int) -> Effects:
        """Begin a reading, if one is due and none is in flight.

        Args:
            market_ids: markets to read besides those of unfinished orders.
            tokens: tokens whose balances are read on the slow beat, with the cash.
            now_ms: venue time.
        """
        if self._reading is not None or now_ms < self.next_due_ms(now_ms):
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
        self._reading = Reading(
            read_id=self._read_id,
            began_at_ms=now_ms,
            asked=tuple(live.order_id for live in asked),
            market_ids=tuple(sorted({*markets, *market_ids})),
        )
        command = ReadAccount(
            read_id=self._read_id,
            venue_order_ids=tuple(live.venue_order_id for live in asked),
            market_ids=self._reading.market_ids,
            balances_of=tuple(tokens) if is_slow else (),
            with_cash=is_slow,
        )
        return [Command(command)]

    def failed(self, unread: AccountUnread, now_ms: int) -> Effects:
        """Schedule another reading; a failed one proves nothing."""
        if self._reading is None or unread.read_id != self._reading.read_id:
            return []
        self._reading = None
        self._is_wanted = True
        wait_ms = min(READ_HOLD_MAX_MS, unread.retry_after_ms or 0)
        self._not_before_ms = now_ms + max(RECHECK_MS, wait_ms)
        if unread.is_unauthorized:
            return []
        return [Log("warning", f"the account could not be read: {unread.reason}")]

    def take(self, read: AccountRead, now_ms: int) -> tuple[Reading | None, Effects]:
        """Apply a reading.

        Returns:
            What was read (None if it is not the one in flight), and the effects.
        """
        reading = self._reading
        if reading is None or read.read_id != reading.read_id:
            return None, []
        self._reading = None
        reading = self._without(read.unread_markets, reading)
        self._not_before_ms = now_ms + RECHECK_MS
        effects: Effects = []
        for trade in read.trades:
            effects += self.take_trade(trade, now_ms)
        for order in (*read.orders, *read.open_orders):
            effects += self.take_order(order, now_ms)
        effects += self._notices.of_rows(read)
        effects += self._take_open(read, reading, now_ms)
        effects += self._take_absences(read, reading, now_ms)
        self.read_markets |= set(reading.market_ids)
        return reading, effects

    def _without(self, market_ids: tuple[str, ...], reading: Reading) -> Reading:
        """Return the reading without markets that were not shown: absence proves nothing there."""
        left_out = {
            live.order_id for live in self._orders if live.intent.market.market_id in market_ids
        }
        return attrs.evolve(
            reading,
            asked=tuple(each for each in reading.asked if each not in left_out),
            market_ids=tuple(each for each in reading.market_ids if each not in market_ids),
        )

    # The venue's reports

    def take_trade(self, trade: UserTrade, now_ms: int) -> Effects:
        """Count a trade for each of this system's orders that takes part in it."""
        effects = self._notices.of_trade(trade)
        if self._notices.is_unknown_failure(trade):
            effects += self._orders.take_late_failure(trade)
        for part in parts_of(trade):
            live = self._orders.at_venue(part.venue_order_id)
            if live is not None:
                effects += self._take_part(live, part, now_ms)
        return effects

    def _take_part(self, live: LiveOrder, part: TradeAllocation, now_ms: int) -> Effects:
        is_new = live.trade(part.trade_id) is None
        after = live.with_part(part, now_ms)
        effects = self._notices.of_part(live, after, part)
        effects += self._orders.commit(after, TradeSeen(live.order_id, part))
        if is_new:
            work = self._pending.of(live.order_id)
            work.absent_since_ms = None
            self._note_end(after, now_ms)
        return effects

    def take_order(self, order: UserOrder, now_ms: int) -> Effects:
        """Apply the venue's report on an order; a known end stays (F11).

        MATCHED is an end too: what a fill-and-kill order could not trade is gone, and an order for
        100 shares may be matched at 99.997714 (F29).
        """
        live = self._orders.at_venue(order.order_id)
        if live is None:
            return []
        is_behind = (order.matched_units or 0) > live.traded_units + TOLERATED_UNITS
        if live.is_final:
            self._is_wanted = self._is_wanted or is_behind  # one of its trades was never reported
            return []
        work = self._pending.of(live.order_id)
        if order.is_cancellation:
            reason = live.cancel_reason or f"the venue says {order.status or 'cancelled'}"
            after = live.ended(reason, order.matched_units, now_ms)
            work.cancel_at_ms = None
            work.ask(now_ms)
        elif order.is_matched:
            # A match of size zero is not a final size.
            after = live.ended(_matched_sentence(order), order.matched_units or None, now_ms)
            work.cancel_at_ms = None
            work.ask(now_ms + TRADES_SOON_MS)
        else:
            after = live.held()
            if not work.is_told_gone:
                work.absent_since_ms = None
            is_behind = (order.matched_units or 0) > live.traded_units
            may_rest = live.intent.time_in_force.may_rest and order.status == "LIVE"
            if may_rest and not is_behind and after.end is None and not after.cancel_reason:
                work.is_clear()
            else:
                work.ask(now_ms + TRADES_SOON_MS)
        effects = self._orders.commit(after, VenueSaid(live.order_id, order))
        self._note_end(after, now_ms)
        return effects

    # What else a reading shows

    def _take_open(self, read: AccountRead, reading: Reading, now_ms: int) -> Effects:
        """Cancel orders that rest although their end was reported or concluded."""
        effects: Effects = []
        for order in read.open_orders:
            live = self._orders.at_venue(order.order_id)
            if live is None:
                continue
            work = self._pending.of(live.order_id)
            told_at_ms = live.end.told_at_ms if live.end is not None else None
            if live.is_final:
                told_at_ms = work.ended_at_ms
            if told_at_ms is None or reading.began_at_ms < told_at_ms + LAG_MS:
                continue
            if work.cancel_at_ms is None and not work.is_cancelling:
                self._pending.take_up(live.order_id)
                work.cancel_at_ms = now_ms
                text = f"{live.order_id} had ended and still rests at the venue: it is cancelled"
                effects.append(Log("warning", text))
        return effects

    def _take_absences(self, read: AccountRead, reading: Reading, now_ms: int) -> Effects:
        rows = {order.order_id: order for order in read.orders}
        open_ids = {order.order_id for order in read.open_orders}
        effects: Effects = []
        for order_id in reading.asked:
            live = self._orders.get(order_id)
            if live is None or live.is_final:
                continue
            row = rows.get(live.venue_order_id)
            is_gone = row is None or self._pending.of(order_id).is_told_gone
            is_hidden = read.may_hide(live.venue_order_id, live.intent.market.market_id)
            if live.end is not None:
                effects += self._conclude_end(live, live.end, reading, now_ms, is_hidden=is_hidden)
            elif live.venue_order_id in open_ids or not is_gone:
                continue
            elif reading.began_at_ms >= live.posted_at_ms > 0:
                matched_units = row.matched_units if row is not None else None
                effects += self._take_absence(
                    live, matched_units, reading, now_ms, is_hidden=is_hidden
                )
        return effects

    def _conclude_end(
        self, live: LiveOrder, end: VenueEnd, reading: Reading, now_ms: int, *, is_hidden: bool
    ) -> Effects:
        """End a gone order once its trades are here, or once no more are to be expected."""
        work, lasted_ms = self._pending.of(live.order_id), reading.began_at_ms - end.told_at_ms
        work.missing_count += 1
        must_wait = is_hidden or end.final_units is not None
        limit_ms = MISSING_TRADES_MS if must_wait else LAG_MS
        is_sure = not must_wait or work.missing_count * ABSENT_MS_PER_READING >= limit_ms
        if lasted_ms < limit_ms or not is_sure:
            work.ask(now_ms)
            return []
        told = [Log("error", _missing_sentence(live, end.final_units))] if must_wait else []
        return [*told, *self._finish(live.concluded_as_read(), end.reason, now_ms)]

    def _take_absence(
        self,
        live: LiveOrder,
        matched_units: int | None,
        reading: Reading,
        now_ms: int,
        *,
        is_hidden: bool,
    ) -> Effects:
        work = self._pending.of(live.order_id)
        if work.absent_since_ms is None:
            work.absent_since_ms, work.absent_count = reading.began_at_ms, 0
        work.absent_count += 1
        is_unknown = live.status is OrderStatus.UNKNOWN
        window_ms = UNKNOWN_WINDOW_MS if is_unknown else LAG_MS
        if is_hidden:
            window_ms = MISSING_TRADES_MS
        is_long = reading.began_at_ms - work.absent_since_ms >= window_ms
        if not is_long or work.absent_count * ABSENT_MS_PER_READING < window_ms:
            work.ask(now_ms)
            return []
        if is_unknown and not is_hidden and _is_still_wanted(live, now_ms):
            work.is_clear()
            work.post_at_ms = now_ms
            return [Log("info", f"{live.order_id} never arrived: the same bytes are posted again")]
        reason = live.cancel_reason or (
            "the venue has no trace of it" if is_unknown else "the venue no longer holds it"
        )
        final_units = max(live.traded_units, matched_units or 0)
        return self._finish(live.ended(reason, final_units, now_ms), reason, now_ms)

    def _finish(self, after: LiveOrder, reason: str, now_ms: int) -> Effects:
        effects = self._orders.commit(after, AbsenceTold(after.order_id, reason))
        self._note_end(after, now_ms)
        return effects

    def _note_end(self, live: LiveOrder, now_ms: int) -> None:
        if live.is_final and self._pending.of(live.order_id).ended_at_ms is None:
            self._pending.end(live.order_id, now_ms)

    def _must_show(self, live: LiveOrder) -> bool:
        return live.posted_at_ms > 0 and not self._pending.of(live.order_id).is_posting

    def _is_open(self, order_id: str) -> bool:
        live = self._orders.get(order_id)
        return live is not None and not live.is_final


def _is_still_wanted(live: LiveOrder, now_ms: int) -> bool:
    is_in_time = now_ms < live.intent.expires_at_ms
    return is_in_time and live.may_repost and not live.cancel_reason and not live.trades


def _matched_sentence(order: UserOrder) -> str:
    matched, original = order.matched_units, order.original_units
    if not matched or original is None or matched >= original:
        return "the venue has matched it"
    return f"the venue matched {size_text(matched)} of {size_text(original)} and ended it"


def _missing_sentence(live: LiveOrder, final_units: int | None) -> str:
    told = "an unknown size" if final_units is None else size_text(final_units)
    return (
        f"the venue says that {live.order_id} traded {told}, but shows readable trades of only "
        f"{size_text(live.traded_units)}: it ends with these; later trades are still counted"
    )


_TOLD_MAX = 10_000


class _Notices:
    """Warnings about the venue's account, each logged once.

    Unreadable parts and rows are counted, and do not affect their neighbours. A trade that failed
    late, or exceeded its order's size, is booked as the venue reports it; the warning here makes it
    visible.
    """

    def __init__(self, orders: LiveOrders) -> None:
        self._orders = orders
        self._told: set[object] = set()
        self._unread_count = 0

    def of_trade(self, trade: UserTrade) -> Effects:
        """Warn of unreadable parts, and of the failure of a trade that is not known here."""
        effects: Effects = []
        for part in trade.unread:
            live = self._orders.at_venue(part.order_id)
            whose = "somebody else's" if live is None else live.order_id
            text = f"a part of trade {trade.trade_id} cannot be read ({whose}): {part.reason}"
            level = "warning" if live is None else "error"
            effects += self._unread((trade.trade_id, part), level, text)
        if self.is_unknown_failure(trade):
            text = (
                f"trade {trade.trade_id} failed, and none of its orders is known here any more: "
                "if the ledger has the trade, it is reversed"
            )
            effects += self._once(("failed", trade.trade_id), "warning", text)
        return effects

    def is_unknown_failure(self, trade: UserTrade) -> bool:
        """Return whether a trade failed none of whose orders is known here (any more)."""
        if trade.settlement is not Settlement.FAILED:
            return False
        return all(self._orders.at_venue(each) is None for each in order_ids_of(trade))

    def of_rows(self, read: AccountRead) -> Effects:
        """Warn of rows of a reading that could not be read."""
        effects: Effects = []
        for row in read.unread:
            where = f"order {row.venue_order_id}" if row.venue_order_id else row.market_id
            text = f"a row of the account cannot be read ({where}): {row.reason}"
            effects += self._unread(row, "warning", text)
        return effects

    def of_part(self, before: LiveOrder, after: LiveOrder, part: TradeAllocation) -> Effects:
        """Warn of a late failure, or of a trade beyond its order's size."""
        known, trade_id = before.trade(part.trade_id), part.trade_id
        if known is None:
            if not is_excess(after.intent, (trade.fill for trade in after.trades)):
                return []
            return self._once(("excess", trade_id), "error", _excess_sentence(after))
        if known.settlement is Settlement.CONFIRMED and after is not before:
            return self._once(("late", trade_id), "error", _failed_late_sentence(before, part))
        return []

    def _unread(self, what: object, level: str, text: str) -> Effects:
        is_new = what not in self._told
        self._unread_count += is_new
        return self._once(what, level, f"{text}; {self._unread_count} of this kind so far")

    def _once(self, what: object, level: str, text: str) -> Effects:
        if what in self._told:
            return []
        if len(self._told) >= _TOLD_MAX:
            self._told.clear()
        self._told.add(what)
        return [Log(level, text)]


def _failed_late_sentence(live: LiveOrder, part: TradeAllocation) -> str:
    return (
        f"trade {part.trade_id} of {live.order_id} was CONFIRMED, and the venue now says that it "
        f"FAILED: {size_text(part.size_units)} shares and their money are reversed"
    )


def _excess_sentence(after: LiveOrder) -> str:
    return (
        f"{after.order_id} of {size_text(after.intent.size_units)} shares has traded "
        f"{size_text(after.traded_units)} at the venue: all of it is booked; check the account"
    )
