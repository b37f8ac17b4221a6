"""Messages of the ledger: positions, bookings and settlements."""

from __future__ import annotations

import attrs

from actors.model import Side
from actors.roles import EXECUTOR


@attrs.frozen(kw_only=True)
class Holding:
    """The shares held of one outcome, and their cost."""

    quantity_units: int = 0
    cost_nanos: int = 0
    """Without fees; a sale removes its share of the cost."""

    def average_ticks(self) -> float | None:
        """Average cost in ticks, for people to read; use ``is_dearer`` for comparisons."""
        return self.cost_nanos / self.quantity_units if self.quantity_units else None


MS_PER_DAY = 86_400_000
_DAYS_TO_MONDAY = 3
"""1970 began on a Thursday."""


def week_of(day: int) -> int:
    """The week of a day, both counted since 1970; weeks begin on Monday, UTC."""
    return (day + _DAYS_TO_MONDAY) // 7


@attrs.frozen(kw_only=True)
class TrackRecord:
    """Recent results, of one series or of all together.

    Results are certain ones: of settled windows, and what sales in open ones realized, minus fees.
    The highest values are those since this record began.
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
    """Number of settled windows that lost money since the last one that gained."""
    lost_at_ms: int = 0
    """End of the newest window that lost."""

    def earning(self, nanos: int, now_ms: int) -> TrackRecord:
        """The record after a further gain or loss; a clock may go back, but the day does not."""
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
        """The record after a window's first settlement; a result of zero does not count."""
        if pnl_nanos > 0:
            return attrs.evolve(self, losses_in_row=0)
        if pnl_nanos == 0:
            return self
        lost_at_ms = max(self.lost_at_ms, closes_at_ms)
        return attrs.evolve(self, losses_in_row=self.losses_in_row + 1, lost_at_ms=lost_at_ms)

    def day_drawdown_nanos(self, now_ms: int) -> int:
        """How far the result is below the highest one of this UTC day."""
        is_today = self.day >= now_ms // MS_PER_DAY
        return self.day_highest_nanos - self.earned_nanos if is_today else 0

    def week_drawdown_nanos(self, now_ms: int) -> int:
        """How far the result is below the highest one of this week."""
        is_this_week = week_of(self.day) >= week_of(now_ms // MS_PER_DAY)
        return self.week_highest_nanos - self.earned_nanos if is_this_week else 0

    @property
    def drawdown_nanos(self) -> int:
        """How far the result is below the highest one ever."""
        return self.highest_nanos - self.earned_nanos


ACCOUNT_RECORD = ""
"""The key of the record over all series."""


@attrs.frozen(kw_only=True)
class PositionSnapshot:
    """The position in one window, at one version of the ledger."""

    market_id: str
    version: int
    """Grows by one per opening, booking, reversal or settlement, over all windows and restarts."""
    yes: Holding
    no: Holding
    fees_nanos: int
    realized_nanos: int
    """Proceeds of sales minus the cost of what was sold."""
    ledger_version: int = 0
    """The version of the whole ledger, and so of the day's result."""
    day: int = 0
    """UTC day of the ledger's last change, in days since 1970."""
    day_pnl_nanos: int = 0
    """That day's result over all windows: results of settled ones, and what sales in open ones
    realized, minus fees."""

    records: dict[str, TrackRecord] = attrs.field(factory=dict)
    """Recent results, by series name, and for all together under ACCOUNT_RECORD."""

    def holding(self, side: Side) -> Holding:
        """The holding of an outcome."""
        return self.yes if side is Side.YES else self.no


@attrs.frozen
class PositionWanted:
    """To position: send this window's position again.

    The real executor compares it with the venue's; the desk has missed a newer version.
    """

    market_id: str
    answer_to: str = EXECUTOR


@attrs.frozen(kw_only=True)
class FillBooked:
    """Position to order: this fill, or its reversal, is in the ledger."""

    order_id: str
    trade_id: str
    is_reversal: bool
    version: int


@attrs.frozen
class LateFailure:
    """Real executor to position: a trade failed whose orders it no longer knows (F41).

    Answered by ``FillBooked`` for each fill of that trade; if there is none, for no order.
    """

    market_id: str
    trade_id: str

    def answer(self, version: int) -> FillBooked:
        """Make the answer of a ledger that does not have the trade."""
        return FillBooked(order_id="", trade_id=self.trade_id, is_reversal=True, version=version)


@attrs.frozen(kw_only=True)
class WindowSettled:
    """A window's result; to the directory (which then stops repeating it) and observers."""

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
    """Source of the strike; empty without one."""
    revision: int = 0
    """Revision of the result behind it: how often the venue had contradicted itself."""
