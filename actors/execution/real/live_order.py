"""The recorded state of one real order, on two axes.

*Execution* is the order's status. It changes only by what the venue reports, never by time, and
follows the transition table of every order (order_state.py). *Settlement* belongs to each trade: a
trade counts when it is matched, and is reversed exactly when it fails on the chain.

An order ends in two steps. First the venue reports that the order is gone (``VenueEnd``), but its
last trades may still be on their way. The status becomes final only when they have arrived. Until
then the order is reported as open, so nobody can count fewer fills than there are.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.execution.order_state import TRANSITIONS
from actors.execution.real.user_channel import Settlement, TradeAllocation
from actors.messages.execution import (
    TERMINAL_STATUSES,
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderIntent,
    OrderRejected,
    OrderReport,
    OrderStatus,
    OutcomeUnknown,
)
from actors.model import Action, FillDetail
from actors.units import UNITS_PER_SHARE, taker_fee_nanos

TOLERATED_UNITS = UNITS_PER_SHARE // 100
"""The venue rounds by up to a hundredth of a share between its reports of orders and of trades."""


@attrs.frozen(kw_only=True)
class LiveTrade:
    """One execution of the order, and its settlement."""

    fill: FillDetail
    settlement: Settlement
    is_late: bool = False
    """It arrived after the order's end, so it was reported to position and not to an Order."""


@attrs.frozen(kw_only=True)
class VenueEnd:
    """The venue's report that the rest of an order is gone."""

    reason: str
    final_units: int | None
    """Total traded size; None if the venue did not report it."""
    told_at_ms: int


@attrs.frozen(kw_only=True)
class LiveOrder:
    """Everything the real executor knows of an order; saved at each change."""

    intent: OrderIntent
    status: OrderStatus = OrderStatus.PENDING
    reason: str = ""
    """Why it ended, or why its outcome is unknown."""
    venue_order_id: str = ""
    """Empty until it is signed, which happens once."""
    payload: str = attrs.field(default="", repr=False)
    """The signed bytes, the only ones that are ever posted."""
    offered_units: int = 0
    posted_at_ms: int = 0
    """When it was last posted; 0 if it cannot be at the venue."""
    is_doubtful: bool = False
    """Some posting had no clear answer, so the answer to a later one proves nothing about it."""
    may_repost: bool = True
    """False once the venue has refused a second copy or reported it as a duplicate."""
    trades: tuple[LiveTrade, ...] = ()
    end: VenueEnd | None = None
    cancel_reason: str = ""
    owed_fills: frozenset[str] = frozenset()
    """Ids of trades that arrived after the end: the executor reports them to position itself, until
    position confirms."""
    owed_reversals: frozenset[str] = frozenset()

    @property
    def order_id(self) -> str:
        """The order's id."""
        return self.intent.order_id

    @property
    def is_final(self) -> bool:
        """Whether its status can no longer change."""
        return self.status in TERMINAL_STATUSES

    @property
    def is_signed(self) -> bool:
        """Whether there are bytes to post."""
        return bool(self.payload)

    @property
    def traded_units(self) -> int:
        """Size traded, with failed trades, because the venue does not offer that size again."""
        return sum(trade.fill.size_units for trade in self.trades)

    @property
    def moved_nanos(self) -> int:
        """What its trades brought less what they cost, with fees and without failed trades."""
        sign = -1 if self.intent.action is Action.BUY else 1
        fills = (trade.fill for trade in self.trades if trade.settlement is not Settlement.FAILED)
        return sum(sign * each.price_ticks * each.size_units - each.fee_nanos for each in fills)

    @property
    def is_settled(self) -> bool:
        """Whether all trades are settled and position knows all of them."""
        is_told = not self.owed_fills and not self.owed_reversals
        return is_told and all(trade.settlement.is_settled for trade in self.trades)

    def trade(self, trade_id: str) -> LiveTrade | None:
        """Return one of its trades; None if it is unknown."""
        return next((each for each in self.trades if each.fill.trade_id == trade_id), None)

    def report(self) -> OrderReport:
        """Return the report for its Order, without the trades of a rejected order.

        Those are reported to position instead: a rejection with trades would be inconsistent to an
        Order.
        """
        trades = () if self.status is OrderStatus.REJECTED else self.trades
        return OrderReport(
            order_id=self.order_id,
            status=self.status,
            fills=tuple(trade.fill for trade in trades),
            failed_trade_ids=_failed(trades),
            venue_order_id=self.venue_order_id or None,
            reason=self.reason,
        )

    def earlier(self, by_ms: int) -> LiveOrder:
        """Return a copy with its times shifted back; an order that was never posted stays so."""
        end = self.end
        if end is not None:
            end = attrs.evolve(end, told_at_ms=end.told_at_ms - by_ms)
        posted_at_ms = max(1, self.posted_at_ms - by_ms) if self.posted_at_ms else 0
        return attrs.evolve(self, posted_at_ms=posted_at_ms, end=end)

    # Changes; each returns the changed order, or the same object if nothing is new

    def held(self) -> LiveOrder:
        """Return the order as held by the venue."""
        return self._after(OrderAccepted)

    def doubted(self, reason: str) -> LiveOrder:
        """Return the order as sent with an unknown outcome, unless the venue has reported one."""
        after = self._after(OutcomeUnknown, reason)
        return self if after is self else attrs.evolve(after, is_doubtful=True)

    def refused(self, reason: str) -> LiveOrder:
        """Return the order as refused by the venue, or by a rule checked before posting."""
        return self._after(OrderRejected, reason)

    def withdrawn(self, reason: str) -> LiveOrder:
        """Return the order as ended without ever having been at the venue."""
        return self._after(OrderCancelled, reason)

    def ended(self, reason: str, final_units: int | None, now_ms: int) -> LiveOrder:
        """Return the order with its end noted; final as soon as all of its trades have arrived."""
        if self.is_final:
            return self
        known = self.end
        if known is not None:
            # The traded size only grows, so a smaller number comes from an older report.
            is_older = known.final_units is not None and (final_units or 0) <= known.final_units
            if final_units is None or is_older:
                return self
            end = attrs.evolve(known, final_units=final_units)
        else:
            end = VenueEnd(reason=reason, final_units=final_units, told_at_ms=now_ms)
        return attrs.evolve(self.held(), end=end)._concluded()

    def concluded_as_read(self) -> LiveOrder:
        """Return the order as final with the trades known now, since no more are expected."""
        if self.is_final or self.end is None:
            return self
        end = attrs.evolve(self.end, final_units=self.traded_units)
        return attrs.evolve(self, end=end)._concluded()

    def with_part(self, part: TradeAllocation, now_ms: int) -> LiveOrder:
        """Return the order with a new trade, or with a known trade's new settlement.

        A trade counts once, at the size first reported, even beyond the order's size: the shares
        are in the account whatever was ordered (F40).
        """
        known = self.trade(part.trade_id)
        if known is not None:
            return self._promoted(known, part.settlement)
        market = self.intent.market
        fee_rate_bps = 0 if part.is_maker else market.fee_rate_bps
        fill = FillDetail(
            trade_id=part.trade_id,
            price_ticks=part.price_ticks,
            size_units=part.size_units,
            fee_nanos=taker_fee_nanos(part.price_ticks, part.size_units, fee_rate_bps),
            is_maker=part.is_maker,
            timestamp_ms=part.matched_at_ms or now_ms,
        )
        trade = LiveTrade(fill=fill, settlement=part.settlement, is_late=self.is_final)
        after = attrs.evolve(self, trades=(*self.trades, trade))
        return after._owing(trade, is_new=True)._concluded()

    def _promoted(self, known: LiveTrade, settlement: Settlement) -> LiveOrder:
        if known.settlement is settlement or known.settlement is Settlement.FAILED:
            return self
        is_step_back = known.settlement is Settlement.CONFIRMED or settlement is Settlement.MATCHED
        if is_step_back and settlement is not Settlement.FAILED:
            return self
        after = attrs.evolve(known, settlement=settlement)
        trades = tuple(after if trade is known else trade for trade in self.trades)
        return attrs.evolve(self, trades=trades)._owing(after, is_new=False)

    def owing_all(self) -> LiveOrder:
        """Return a copy that owes position all of its trades."""
        trade_ids = frozenset(trade.fill.trade_id for trade in self.trades)
        failed_ids = frozenset(_failed(self.trades))
        return attrs.evolve(self, owed_fills=trade_ids, owed_reversals=failed_ids)

    def _owing(self, trade: LiveTrade, *, is_new: bool) -> LiveOrder:
        """Note what position must hear from the executor, since an ended Order hears no more."""
        if not self.is_final:
            return self
        trade_ids = {trade.fill.trade_id}
        has_failed = trade.settlement is Settlement.FAILED
        return attrs.evolve(
            self,
            owed_fills=self.owed_fills | (trade_ids if is_new else set()),
            owed_reversals=self.owed_reversals | (trade_ids if has_failed else set()),
        )

    def booked(self, trade_id: str, *, is_reversal: bool) -> LiveOrder:
        """Return the order after position has confirmed a trade that the executor reported."""
        if is_reversal:
            return attrs.evolve(self, owed_reversals=self.owed_reversals - {trade_id})
        return attrs.evolve(self, owed_fills=self.owed_fills - {trade_id})

    def _concluded(self) -> LiveOrder:
        """Return the order with the status that follows from its trades and its end.

        An order that has traded its size has ended, unless the venue says that it traded more: the
        rest is on its way (F40). One sized in money has not, because it gets more shares at a lower
        price: it ends when the venue says so and all reported trades have arrived.
        """
        if self.is_final:
            return self
        traded_units, end = self.traded_units, self.end
        is_over = is_behind = False
        if end is not None and end.final_units is not None:
            missing_units = end.final_units - traded_units
            is_over = missing_units <= (TOLERATED_UNITS if traded_units else 0)
            is_behind = not is_over
        if is_over or not (is_behind or self.intent.is_sized_in_money):
            if traded_units >= self.intent.size_units:
                return self._after(OrderCompleted)
            if self.is_signed and traded_units >= self.offered_units:
                reason = "fully traded, except for a remainder below the venue's size step"
                return self._after(OrderCancelled, reason)
        if is_over and end is not None:
            return self._after(OrderCancelled, end.reason)
        return self._after(Fill) if traded_units else self

    def _after(self, event_type: type, reason: str = "") -> LiveOrder:
        """Return the order after such an event; the same object if its status does not change."""
        status = TRANSITIONS[self.status, event_type]
        return self if status is self.status else attrs.evolve(self, status=status, reason=reason)


def _failed(trades: Iterable[LiveTrade]) -> tuple[str, ...]:
    return tuple(t.fill.trade_id for t in trades if t.settlement is Settlement.FAILED)
