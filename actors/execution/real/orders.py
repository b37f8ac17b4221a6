"""All orders that the real executor knows, and the only code that changes them.

Each change is recorded together with the event that caused it, and then reported: to the order's
Order actor, which asks until it knows the end, and after that to position, until position confirms.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from actors.core import Effects, Recall, Record, Save, Send
from actors.execution.order_state import tell_order, tell_trades
from actors.execution.real.live_order import LiveOrder
from actors.execution.real.user_channel import TradeAllocation, UserOrder, UserTrade
from actors.messages.execution import (
    CLOCK_STEP_MAX_MS,
    FillReversed,
    OrderFilled,
    OrderReport,
    OrderState,
    OrderStatus,
)
from actors.messages.lifecycle import Recalled
from actors.messages.position import FillBooked, LateFailure
from actors.roles import EXECUTOR, POSITION

KEPT_AFTER_CLOSE_MS = 1_800_000
"""How long after its window's end an ended order is kept. No order trades more than two minutes
after it, but a CONFIRMED trade may still be reported as FAILED (F41)."""


@attrs.frozen(kw_only=True)
class TakenBack:
    """An order that must not be traded: cancelled before it arrived, or quarantined."""

    report: OrderReport
    keep_until_ms: int
    is_set_aside: bool = False
    """Its record was damaged: it may rest at the venue, and is cancelled when it is found there."""
    venue_order_id: str = ""
    """The id of a quarantined order, if an event still has it."""


@attrs.frozen
class OrderPosted:
    """Recorded: from now on the order may be at the venue."""

    order_id: str


@attrs.frozen
class OrderWithdrawn:
    """Recorded: the order ended without having been at the venue."""

    order_id: str
    reason: str


@attrs.frozen
class VenueSaid:
    """Recorded: the venue's report on an order that changed its state."""

    order_id: str
    order: UserOrder


@attrs.frozen
class TradeSeen:
    """Recorded: an order traded, or the settlement of one of its trades changed."""

    order_id: str
    part: TradeAllocation


@attrs.frozen
class CancelTold:
    """Recorded: the venue has cancelled an order."""

    order_id: str


@attrs.frozen
class AbsenceTold:
    """Recorded: after repeated readings the venue still shows no trace of an order."""

    order_id: str
    reason: str


@attrs.frozen
class LiveClosed:
    """Recorded: an order can no longer change."""

    order_id: str


class LiveOrders:
    """All known orders, by order id and by venue order id."""

    def __init__(self, time_to_live_ms: int) -> None:
        self._time_to_live_ms = time_to_live_ms
        self._by_id: dict[str, LiveOrder] = {}
        self._working: dict[str, None] = {}
        """Ids of unfinished orders: few, while thousands may be kept."""
        self._ids: dict[str, str] = {}
        self._taken_back: dict[str, TakenBack] = {}
        self._late_failures: dict[str, LateFailure] = {}
        """Failed trades of forgotten orders, by trade id, until position confirms."""
        self._told_failures: set[str] = set()
        self.over_moved_nanos = 0
        """What the trades of all kept ended orders brought, less what they cost."""

    def __iter__(self) -> Iterator[LiveOrder]:
        return iter(list(self._by_id.values()))

    def load(self, value: object) -> None:
        """Restore a recorded row."""
        if isinstance(value, LiveOrder):
            self._keep(value)
        elif isinstance(value, TakenBack):
            self._taken_back[value.report.order_id] = value
        elif isinstance(value, LateFailure):
            self._late_failures[value.trade_id] = value
            self._told_failures.add(value.trade_id)

    def clock_set_back(self, by_ms: int) -> None:
        """Shift the times of postings and ends back by as much as the clock was.

        Only in memory: the recorded rows keep the times at which they were written.
        """
        for order_id, live in self._by_id.items():
            self._by_id[order_id] = live.earlier(by_ms)

    def clamp_times_to(self, now_ms: int) -> None:
        """Move times in the future to now: they were recorded before the clock was set back."""
        for order_id, live in self._by_id.items():
            ahead_ms = max(live.posted_at_ms, live.end.told_at_ms if live.end else 0) - now_ms
            self._by_id[order_id] = live.earlier(max(0, ahead_ms))

    def get(self, order_id: str) -> LiveOrder | None:
        """Return an order by its order id."""
        return self._by_id.get(order_id)

    def at_venue(self, venue_order_id: str) -> LiveOrder | None:
        """Return an order by its venue order id."""
        return self._by_id.get(self._ids.get(venue_order_id, ""))

    @property
    def working(self) -> list[LiveOrder]:
        """Unfinished orders, oldest first."""
        return [self._by_id[order_id] for order_id in self._working]

    @property
    def venue_ids(self) -> set[str]:
        """Venue order ids of all known orders."""
        return set(self._ids)

    @property
    def possibly_resting_ids(self) -> set[str]:
        """Venue order ids of the orders that may rest at the venue."""
        out = {live.venue_order_id for live in self.working if live.posted_at_ms}
        return out | {each.venue_order_id for each in self.quarantined if each.venue_order_id}

    @property
    def quarantined(self) -> tuple[TakenBack, ...]:
        """Quarantined orders, whose record was damaged."""
        return tuple(each for each in self._taken_back.values() if each.is_set_aside)

    def answer(self, order_id: str) -> Effects:
        """Report to an Order everything that is known of it."""
        live, taken_back = self._by_id.get(order_id), self._taken_back.get(order_id)
        if live is not None:
            return tell_order(live.report())
        report = taken_back.report if taken_back else OrderReport(order_id=order_id, status=None)
        return tell_order(report)

    def is_known(self, order_id: str) -> bool:
        """Return whether a submission of it would be a repetition or too late."""
        return order_id in self._by_id or order_id in self._taken_back

    def commit(self, after: LiveOrder, event: object) -> Effects:
        """Record an order's next state, and report what is new in it."""
        before = self._by_id.get(after.order_id)
        if after == before:
            return []
        self._keep(after)
        before = before or LiveOrder(intent=after.intent)
        return [_record(after, event), *_tell(before, after)]

    def record_cancelled(self, order_id: str, reason: str, now_ms: int) -> Effects:
        """Record an order that was cancelled before it arrived, so that no copy of it is traded."""
        keep_until_ms = now_ms + self._time_to_live_ms + CLOCK_STEP_MAX_MS
        report = OrderReport(order_id=order_id, status=OrderStatus.CANCELLED, reason=reason)
        taken_back = TakenBack(report=report, keep_until_ms=keep_until_ms)
        self._taken_back[order_id] = taken_back
        saves = (Save("live", order_id, taken_back),)
        return [Record(report, saves), *tell_order(report)]

    def take_booking(self, message: FillBooked) -> Effects:
        """Note that position has booked what the executor reported in place of an Order."""
        effects: Effects = []
        late = self._late_failures.get(message.trade_id)
        if message.is_reversal and late is not None:
            del self._late_failures[message.trade_id]
            effects.append(_record_late(late, message, is_open=False))
        live = self._by_id.get(message.order_id)
        if live is None:
            return effects
        after = live.booked(message.trade_id, is_reversal=message.is_reversal)
        return [*effects, *self.commit(after, message)]

    def take_late_failure(self, trade: UserTrade) -> Effects:
        """Ask position to reverse a failed trade none of whose orders is known any more."""
        if not trade.market_id or trade.trade_id in self._told_failures:
            return []
        self._told_failures.add(trade.trade_id)
        late = LateFailure(market_id=trade.market_id, trade_id=trade.trade_id)
        self._late_failures[trade.trade_id] = late
        return [_record_late(late, late), Send(POSITION, late)]

    def recall_closable(self, now_ms: int) -> Effects:
        """Recall the rows of orders that can no longer change, to close those recorded as ended."""
        effects: Effects = [
            Recall("order", live.order_id, about=live) for live in self if _is_over(live, now_ms)
        ]
        for order_id, taken_back in list(self._taken_back.items()):
            if now_ms >= taken_back.keep_until_ms and taken_back.is_set_aside:
                effects += self._forget(
                    taken_back
                )  # a quarantined order has no Order row to recall
            elif now_ms >= taken_back.keep_until_ms:
                effects.append(Recall("order", order_id, about=taken_back))
        return effects

    def forget_taken_back(self, recalled: Recalled) -> Effects:
        """Forget an order cancelled before it arrived, unless its Order may submit it again.

        How long an order may live, and so be submitted, is in its intent, which never arrived.
        """
        order, taken_back = recalled.value, self._taken_back.get(recalled.key)
        if taken_back is None or (isinstance(order, OrderState) and not order.is_terminal):
            return []
        return self._forget(taken_back)

    def _forget(self, taken_back: TakenBack) -> Effects:
        order_id = taken_back.report.order_id
        del self._taken_back[order_id]
        save = Save("live", order_id, taken_back, is_open=False)
        return [Record(LiveClosed(order_id), (save,))]

    def forget(self, recalled: Recalled) -> LiveOrder | None:
        """Forget an ended order, given its Order's row; None if the row shows no end yet."""
        order, live = recalled.value, self._by_id.get(recalled.key)
        if live is None or (isinstance(order, OrderState) and not order.is_terminal):
            return None
        del self._by_id[live.order_id]
        self._working.pop(live.order_id, None)
        self._ids.pop(live.venue_order_id, None)
        self.over_moved_nanos -= live.moved_nanos if live.is_final else 0
        return live

    def owed(self) -> Effects:
        """Report again to position everything that it has not confirmed."""
        late = [Send(POSITION, each) for each in self._late_failures.values()]
        return [*late, *(effect for live in self for effect in owed(live))]

    def trades_in(self, market_id: str) -> Effects:
        """Report all of a window's trades to position, which books each trade only once."""
        ours = (live for live in self if live.intent.market.market_id == market_id)
        return [effect for live in ours for effect in owed(live.owing_all())]

    def _keep(self, live: LiveOrder) -> None:
        before = self._by_id.get(live.order_id)
        if before is not None and before.is_final:
            self.over_moved_nanos -= before.moved_nanos
        self._by_id[live.order_id] = live
        if live.is_final:
            self._working.pop(live.order_id, None)
            self.over_moved_nanos += live.moved_nanos
        else:
            self._working[live.order_id] = None
        if live.venue_order_id:
            self._ids[live.venue_order_id] = live.order_id


def owed(live: LiveOrder) -> Effects:
    """Report to position everything that the executor owes it about an order."""
    return _tell_position(live, live.owed_fills, live.owed_reversals)


def _tell(before: LiveOrder, after: LiveOrder) -> Effects:
    if not before.is_final:
        return tell_order(after.report(), before.report())
    fills = after.owed_fills - before.owed_fills
    return _tell_position(after, fills, after.owed_reversals - before.owed_reversals)


def _tell_position(live: LiveOrder, fills: frozenset[str], reversals: frozenset[str]) -> Effects:
    traded = [trade.fill for trade in live.trades]
    return [
        *tell_trades(OrderFilled, live.intent, traded, fills, EXECUTOR),
        *tell_trades(FillReversed, live.intent, traded, reversals, EXECUTOR),
    ]


def _is_over(live: LiveOrder, now_ms: int) -> bool:
    is_past = now_ms >= live.intent.market.closes_at_ms + KEPT_AFTER_CLOSE_MS
    return is_past and live.is_final and live.is_settled


def closed(live: LiveOrder) -> Record:
    """Return the last record of an order."""
    return _record(live, LiveClosed(live.order_id), is_open=False)


def _record(live: LiveOrder, event: object, *, is_open: bool = True) -> Record:
    return Record(event, (Save("live", live.order_id, live, is_open),))


def _record_late(late: LateFailure, event: object, *, is_open: bool = True) -> Record:
    return Record(event, (Save("late_failure", late.trade_id, late, is_open),))
