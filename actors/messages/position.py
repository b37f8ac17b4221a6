"""What the ledger says: positions, bookings and settlements."""

from __future__ import annotations

import attrs

from actors.model import Side
from actors.roles import EXECUTOR


@attrs.frozen(kw_only=True)
class Holding:
    """One outcome's shares and what they cost."""

    quantity_units: int = 0
    cost_nanos: int = 0
    """Without fees; a sale takes its share of the cost with it."""

    def average_ticks(self) -> float | None:
        """Average cost in ticks, for people to read; compare with ``is_dearer`` instead."""
        return self.cost_nanos / self.quantity_units if self.quantity_units else None


MS_PER_DAY = 86_400_000
_DAYS_TO_MONDAY = 3
"""1970 began on a Thursday."""


def week_of(day: int) -> int:
    """The week of a day, both counted since 1970; weeks begin on Monday, UTC."""
    return (day + _DAYS_TO_MONDAY) // 7


@attrs.frozen(kw_only=True)
class TrackRecord:
    """How trading has gone, in one series or over all of them.

    What is earned is certain: results of settled windows, and of open ones what sales realized,
    minus fees. Highest values are those since this record began.
    """

    earned_nanos: int = 0
    highest_nanos: int = 0
    day: int = 0
    """UTC day of the last change, in days since 1970."""
    day_highest_nanos: int = 0
    """Highest ``earned_nanos`` of that day, its beginning included."""
    week_highest_nanos: int = 0
    """The same of its week."""
    losses_in_row: int = 0
    """Settled windows that lost money since the last one that gained some."""
    lost_at_ms: int = 0
    """End of the newest window that lost."""

    def earning(self, nanos: int, now_ms: int) -> TrackRecord:
        """The same after so much more was earned, or lost; a clock may go back, no day does."""
        day = max(self.day, now_ms // MS_PER_DAY)
        earned = self.earned_nanos + nanos
        day_begins = self.earned_nanos if day > self.day else self.day_highest_nanos
        is_new_week = week_of(day) > week_of(self.day)
        week_begins = self.earned_nanos if is_new_week else self.week_highest_nanos
        return attrs.evolve(
            self,
            earned_nanos=earned,
            highest_nanos=max(self.highest_nanos, earned),
            day=day,
            day_highest_nanos=max(day_begins, earned),
            week_highest_nanos=max(week_begins, earned),
        )

    def settling(self, pnl_nanos: int, closes_at_ms: int) -> TrackRecord:
        """The same after a window was settled for the first time; one of no result counts not."""
        if pnl_nanos > 0:
            return attrs.evolve(self, losses_in_row=0)
        if pnl_nanos == 0:
            return self
        lost_at_ms = max(self.lost_at_ms, closes_at_ms)
        return attrs.evolve(self, losses_in_row=self.losses_in_row + 1, lost_at_ms=lost_at_ms)

    def day_drawdown_nanos(self, now_ms: int) -> int:
        """How far the result is below its highest of this UTC day."""
        is_today = self.day >= now_ms // MS_PER_DAY
        return self.day_highest_nanos - self.earned_nanos if is_today else 0

    def week_drawdown_nanos(self, now_ms: int) -> int:
        """How far the result is below its highest of this week."""
        is_this_week = week_of(self.day) >= week_of(now_ms // MS_PER_DAY)
        return self.week_highest_nanos - self.earned_nanos if is_this_week else 0

    @property
    def drawdown_nanos(self) -> int:
        """How far the result is below its highest."""
        return self.highest_nanos - self.earned_nanos


ACCOUNT_RECORD = ""
"""The key of the record over all series."""


@attrs.frozen(kw_only=True)
class PositionSnapshot:
    """One window's position, at one version of the ledger."""

    market_id: str
    version: int
    """Grows by one an opening, booking, reversal or settlement, over all windows and restarts."""
    yes: Holding
    no: Holding
    fees_nanos: int
    realized_nanos: int
    """Proceeds of sales minus the cost of what was sold."""
    ledger_version: int = 0
    """The whole ledger's, when this was said: the day's result is as of it."""
    day: int = 0
    """UTC day of the ledger's last change, in days since 1970."""
    day_pnl_nanos: int = 0
    """What that day has brought over all windows: results of settled ones, and of open ones what
    sales realized, minus fees."""

    records: dict[str, TrackRecord] = attrs.field(factory=dict)
    """How trading has gone: by a series' name, and under ACCOUNT_RECORD over all."""

    def holding(self, side: Side) -> Holding:
        """The holding of an outcome."""
        return self.yes if side is Side.YES else self.no


@attrs.frozen
class PositionWanted:
    """To position: say this window's position again.

    The real executor holds it against the venue's; the desk has missed a newer one.
    """

    market_id: str
    answer_to: str = EXECUTOR


@attrs.frozen(kw_only=True)
class FillBooked:
    """Position to Order: this fill, or its reversal, is in the ledger."""

    order_id: str
    trade_id: str
    is_reversal: bool
    version: int


@attrs.frozen
class LateFailure:
    """Real executor to position: a trade failed whose orders it knows no more (F41).

    Answered by ``FillBooked`` for each fill of that trade, or for no order if there is none.
    """

    market_id: str
    trade_id: str

    def answer(self, version: int) -> FillBooked:
        """Make the answer of a ledger that holds nothing of the trade."""
        return FillBooked(order_id="", trade_id=self.trade_id, is_reversal=True, version=version)


@attrs.frozen(kw_only=True)
class WindowSettled:
    """A window's result; to the directory (which stops asking) and observers."""

    market_id: str
    slug: str
    winner: Side | None
    strike_e18: int | None
    close_e18: int | None
    position: PositionSnapshot
    payout_nanos: int
    pnl_nanos: int
    """payout + realized - cost - fees."""
    total_pnl_nanos: int
    """Over all settled windows."""
    strike_source: str = ""
    """Where the strike was read; empty without one."""
    revision: int = 0
    """Of the result that it was settled by: how often the venue had contradicted itself."""
