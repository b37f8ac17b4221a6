"""Applies what the venue reports, pushed or polled, to the orders.

The parts of the venue lag behind each other, even within one reading (account_readings.py). So the
absence of an order proves something only when it has lasted:

* for an order that the venue has acknowledged, ``LAG_MS``;
* for an order whose posting had no clear answer, ``UNKNOWN_WINDOW_MS``: it may wait in the venue's
  delay, or still be on its way. Only after that may the same bytes be posted once more.
"""

from __future__ import annotations

from actors.core import Effects, Log
from actors.execution.real.account_readings import AccountReadings, Reading
from actors.execution.real.account_warnings import AccountWarnings
from actors.execution.real.live_order import TOLERATED_UNITS, LiveOrder, VenueEnd
from actors.execution.real.messages import AccountRead
from actors.execution.real.orders import AbsenceTold, LiveOrders, TradeSeen, VenueSaid
from actors.execution.real.outbox import PendingActions
from actors.execution.real.user_channel import TradeAllocation, UserOrder, UserTrade, parts_of
from actors.messages.execution import OrderStatus
from actors.units import size_text

LAG_MS = 5_000
UNKNOWN_WINDOW_MS = 15_000
ABSENT_MS_PER_READING = 1_500
"""An absence needs one reading for each such period, because the clock may jump when the venue's
time is measured again."""
MISSING_TRADES_MS = 60_000
"""How long to wait for the trades of an order that do not add up to the venue's total."""
TRADES_SOON_MS = 500
"""Time within which an order's trades follow the report that it traded."""


class Reconciler:
    """Applies trades and order reports, and judges absences in readings."""

    def __init__(
        self, orders: LiveOrders, pending: PendingActions, readings: AccountReadings
    ) -> None:
        self._orders = orders
        self._pending = pending
        self._readings = readings
        self._warnings = AccountWarnings(orders)

    def apply(self, read: AccountRead, reading: Reading, now_ms: int) -> Effects:
        """Apply a complete reading."""
        effects: Effects = []
        for trade in read.trades:
            effects += self.take_trade(trade, now_ms)
        for order in (*read.orders, *read.open_orders):
            effects += self.take_order(order, now_ms)
        effects += self._warnings.of_rows(read)
        effects += self._take_open(read, reading, now_ms)
        effects += self._take_absences(read, reading, now_ms)
        return effects

    # The venue's reports

    def take_trade(self, trade: UserTrade, now_ms: int) -> Effects:
        """Count a trade for each of this system's orders that takes part in it."""
        effects = self._warnings.of_trade(trade)
        if self._warnings.is_unknown_failure(trade):
            effects += self._orders.take_late_failure(trade)
        for part in parts_of(trade):
            live = self._orders.at_venue(part.venue_order_id)
            if live is not None:
                effects += self._take_part(live, part, now_ms)
        return effects

    def _take_part(self, live: LiveOrder, part: TradeAllocation, now_ms: int) -> Effects:
        is_new = live.trade(part.trade_id) is None
        after = live.with_part(part, now_ms)
        effects = self._warnings.of_part(live, after, part)
        effects += self._orders.commit(after, TradeSeen(live.order_id, part))
        if is_new:
            action = self._pending.of(live.order_id)
            action.absent_since_ms = None
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
            if is_behind:
                self._readings.request()  # one of its trades was never reported
            return []
        action = self._pending.of(live.order_id)
        if order.is_cancellation:
            reason = live.cancel_reason or f"the venue says {order.status or 'cancelled'}"
            after = live.ended(reason, order.matched_units, now_ms)
            action.cancel_at_ms = None
            action.ask(now_ms)
        elif order.is_matched:
            # A match of size zero is not a final size.
            after = live.ended(_matched_sentence(order), order.matched_units or None, now_ms)
            action.cancel_at_ms = None
            action.ask(now_ms + TRADES_SOON_MS)
        else:
            after = live.held()
            if not action.is_told_gone:
                action.absent_since_ms = None
            is_behind = (order.matched_units or 0) > live.traded_units
            may_rest = live.intent.time_in_force.may_rest and order.status == "LIVE"
            if may_rest and not is_behind and after.end is None and not after.cancel_reason:
                action.resolve()
            else:
                action.ask(now_ms + TRADES_SOON_MS)
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
            action = self._pending.of(live.order_id)
            told_at_ms = live.end.told_at_ms if live.end is not None else None
            if live.is_final:
                told_at_ms = action.ended_at_ms
            if told_at_ms is None or reading.began_at_ms < told_at_ms + LAG_MS:
                continue
            if action.cancel_at_ms is None and not action.is_cancelling:
                self._pending.reactivate(live.order_id)
                action.cancel_at_ms = now_ms
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
        action, lasted_ms = self._pending.of(live.order_id), reading.began_at_ms - end.told_at_ms
        action.missing_count += 1
        must_wait = is_hidden or end.final_units is not None
        limit_ms = MISSING_TRADES_MS if must_wait else LAG_MS
        is_sure = not must_wait or action.missing_count * ABSENT_MS_PER_READING >= limit_ms
        if lasted_ms < limit_ms or not is_sure:
            action.ask(now_ms)
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
        action = self._pending.of(live.order_id)
        if action.absent_since_ms is None:
            action.absent_since_ms, action.absent_count = reading.began_at_ms, 0
        action.absent_count += 1
        is_unknown = live.status is OrderStatus.UNKNOWN
        window_ms = UNKNOWN_WINDOW_MS if is_unknown else LAG_MS
        if is_hidden:
            window_ms = MISSING_TRADES_MS
        is_long = reading.began_at_ms - action.absent_since_ms >= window_ms
        if not is_long or action.absent_count * ABSENT_MS_PER_READING < window_ms:
            action.ask(now_ms)
            return []
        if is_unknown and not is_hidden and _is_still_wanted(live, now_ms):
            action.resolve()
            action.post_at_ms = now_ms
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
