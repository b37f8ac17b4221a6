"""What the real executor records of an order, on its two axes.

*Execution* is its status; it changes by what the venue says, never by time, and as the one table of
an order's life has it (order_state.py). *Settlement* is each trade's: it counts when it is matched
and is taken back, exactly, when it fails on the chain.

An end is told in two steps. The venue says that an order is gone (``VenueEnd``); but its last
trades may still be under way. Only when they are here is the order's status final, so whoever asks
before is told that it lives, and nobody can believe in fewer fills than there are.
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
"""The venue rounds by up to a hundredth of a share between what it says of orders and of trades."""


@attrs.frozen(kw_only=True)
class LiveTrade:
    """One execution of the order, and how far it has settled."""

    fill: FillDetail
    settlement: Settlement
    is_late: bool = False
    """It was heard of after the order's end: position was told, and no Order."""


@attrs.frozen(kw_only=True)
class VenueEnd:
    """The venue's word that what was left is gone."""

    reason: str
    final_units: int | None
    """What it traded in all; None if the venue did not say."""
    told_at_ms: int


@attrs.frozen(kw_only=True)
class LiveOrder:
    """All that the real executor knows of an order; saved at each change."""

    intent: OrderIntent
    status: OrderStatus = OrderStatus.PENDING
    reason: str = ""
    """Of its end; or of the doubt, while it is unknown."""
    venue_order_id: str = ""
    """Empty until it is signed, which happens once."""
    payload: str = attrs.field(default="", repr=False)
    """The signed bytes; no others are ever posted."""
    offered_units: int = 0
    posted_at_ms: int = 0
    """When it was last posted; 0 while none of it can be at the venue."""
    is_doubtful: bool = False
    """Some posting of it had no clear answer: what a later one is answered proves nothing of it."""
    may_repost: bool = True
    """The venue has not refused, or known, a second copy."""
    trades: tuple[LiveTrade, ...] = ()
    end: VenueEnd | None = None
    cancel_reason: str = ""
    owed_fills: frozenset[str] = frozenset()
    """Trade ids that became known after the end: position must hear of them from the executor, and
    has not answered."""
    owed_reversals: frozenset[str] = frozenset()

    @property
    def order_id(self) -> str:
        """The order's id."""
        return self.intent.order_id

    @property
    def is_final(self) -> bool:
        """Whether its status can change no more."""
        return self.status in TERMINAL_STATUSES

    @property
    def is_signed(self) -> bool:
        """Whether there are bytes to post."""
        return bool(self.payload)

    @property
    def traded_units(self) -> int:
        """Size traded; trades that failed too, for the venue does not offer them again."""
        return sum(trade.fill.size_units for trade in self.trades)

    @property
    def moved_nanos(self) -> int:
        """What its trades that stand brought, less what they cost, with the fees."""
        sign = -1 if self.intent.action is Action.BUY else 1
        fills = (trade.fill for trade in self.trades if trade.settlement is not Settlement.FAILED)
        return sum(sign * each.price_ticks * each.size_units - each.fee_nanos for each in fills)

    @property
    def is_settled(self) -> bool:
        """Whether no trade has to be waited for, and position knows all of them."""
        is_told = not self.owed_fills and not self.owed_reversals
        return is_told and all(trade.settlement.is_settled for trade in self.trades)

    def trade(self, trade_id: str) -> LiveTrade | None:
        """One of its trades; None if it is not known."""
        return next((each for each in self.trades if each.fill.trade_id == trade_id), None)

    def report(self) -> OrderReport:
        """All there is to tell of it; not what a refused order has traded all the same.

        Of that position is told: an Order that believed both would believe neither.
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
        """The same, its moments so much earlier; what was never posted stays so."""
        end = self.end
        if end is not None:
            end = attrs.evolve(end, told_at_ms=end.told_at_ms - by_ms)
        posted_at_ms = max(1, self.posted_at_ms - by_ms) if self.posted_at_ms else 0
        return attrs.evolve(self, posted_at_ms=posted_at_ms, end=end)

    # What changes it; each returns the order after, or itself if nothing is new

    def held(self) -> LiveOrder:
        """The venue holds it."""
        return self._after(OrderAccepted)

    def doubted(self, reason: str) -> LiveOrder:
        """It left, and nothing says what became of it; unless the venue has said so already."""
        after = self._after(OutcomeUnknown, reason)
        return self if after is self else attrs.evolve(after, is_doubtful=True)

    def refused(self, reason: str) -> LiveOrder:
        """The venue, or a rule in its stead, does not want it."""
        return self._after(OrderRejected, reason)

    def withdrawn(self, reason: str) -> LiveOrder:
        """It ends without ever having been at the venue."""
        return self._after(OrderCancelled, reason)

    def ended(self, reason: str, final_units: int | None, now_ms: int) -> LiveOrder:
        """What was left of it is gone; final as soon as all of its trades are here."""
        if self.is_final:
            return self
        known = self.end
        if known is not None:
            # What it traded only grows; a smaller number is an older one that came late.
            is_older = known.final_units is not None and (final_units or 0) <= known.final_units
            if final_units is None or is_older:
                return self
            end = attrs.evolve(known, final_units=final_units)
        else:
            end = VenueEnd(reason=reason, final_units=final_units, told_at_ms=now_ms)
        return attrs.evolve(self.held(), end=end)._concluded()

    def concluded_as_read(self) -> LiveOrder:
        """The venue, asked for long enough, knows of no more trades of an order that is gone."""
        if self.is_final or self.end is None:
            return self
        end = attrs.evolve(self.end, final_units=self.traded_units)
        return attrs.evolve(self, end=end)._concluded()

    def with_part(self, part: TradeAllocation, now_ms: int) -> LiveOrder:
        """It traded, or one of its trades came further, or failed.

        A trade counts once, at the size first told, also beyond the order's size: the shares are
        in the account, whatever was ordered (F40).
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
        """The same, as if position had heard of no trade."""
        trade_ids = frozenset(trade.fill.trade_id for trade in self.trades)
        failed_ids = frozenset(_failed(self.trades))
        return attrs.evolve(self, owed_fills=trade_ids, owed_reversals=failed_ids)

    def _owing(self, trade: LiveTrade, *, is_new: bool) -> LiveOrder:
        """Note what position must hear from the executor: an Order hears nothing after its end."""
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
        """Position has answered what the executor told it itself."""
        if is_reversal:
            return attrs.evolve(self, owed_reversals=self.owed_reversals - {trade_id})
        return attrs.evolve(self, owed_fills=self.owed_fills - {trade_id})

    def _concluded(self) -> LiveOrder:
        """The same as its trades and its end make it.

        An order that has traded its size is over. One that is sized in money is not: it gets more
        where that is cheaper, and is over when the venue says so and all that it says was traded
        is here.
        """
        if self.is_final:
            return self
        traded_units, end = self.traded_units, self.end
        is_over = False
        if end is not None and end.final_units is not None:
            missing_units = end.final_units - traded_units
            is_over = missing_units <= (TOLERATED_UNITS if traded_units else 0)
        if is_over or not self.intent.is_sized_in_money:
            if traded_units >= self.intent.size_units:
                return self._after(OrderCompleted)
            if self.is_signed and traded_units >= self.offered_units:
                reason = "traded whole, but for what is finer than the venue trades"
                return self._after(OrderCancelled, reason)
        if is_over and end is not None:
            return self._after(OrderCancelled, end.reason)
        return self._after(Fill) if traded_units else self

    def _after(self, event_type: type, reason: str = "") -> LiveOrder:
        """The same after such an event of its life; itself if its status stays."""
        status = TRANSITIONS[self.status, event_type]
        return self if status is self.status else attrs.evolve(self, status=status, reason=reason)


def _failed(trades: Iterable[LiveTrade]) -> tuple[str, ...]:
    return tuple(t.fill.trade_id for t in trades if t.settlement is Settlement.FAILED)
