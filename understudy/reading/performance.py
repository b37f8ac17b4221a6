"""Results of trading: P&L, fees, fill ratios, prices against limits, leg risk."""

from __future__ import annotations

from collections import Counter

import attrs

from actors.messages.execution import OrderState
from actors.model import Action
from understudy.display.wording import sums_by_series
from understudy.reading.archive import Archive
from understudy.reading.leg_risk import LegEnd, PairRisk, leg_risks
from understudy.reading.orders import FillRatio, by_status, standing_fills
from understudy.reading.windows import WindowFigures, windows_of


@attrs.frozen(kw_only=True)
class LegRisk:
    """Totals over the arbitrage pairs."""

    pairs: tuple[PairRisk, ...]
    """Oldest first."""

    @property
    def one_legged(self) -> tuple[PairRisk, ...]:
        """The pairs that were ever one-legged, the most money at risk first."""
        found = [pair for pair in self.pairs if pair.worst_units]
        return tuple(sorted(found, key=lambda pair: (-pair.worst_nanos, pair.created_at_ms)))

    @property
    def longest_ms(self) -> int:
        """Longest time that one of them was one-legged."""
        return max((pair.one_legged_ms for pair in self.pairs), default=0)

    @property
    def worst_nanos(self) -> int:
        """Most money at risk in one of them."""
        return max((pair.worst_nanos for pair in self.pairs), default=0)

    @property
    def ends(self) -> dict[LegEnd, int]:
        """Number of pairs by how they ended."""
        counts = Counter(pair.end for pair in self.pairs)
        return {end: counts[end] for end in LegEnd if counts[end]}


@attrs.frozen(kw_only=True)
class Performance:
    """The contents of a report."""

    as_of_ms: int
    """Venue time of the newest event in the journal; 0 if there is none."""
    windows: tuple[WindowFigures, ...]
    """Settled windows, by opening time."""
    open_windows: tuple[WindowFigures, ...]
    orders: tuple[OrderState, ...]
    """In the order of creation."""
    leg_risk: LegRisk

    @property
    def pnl_nanos(self) -> int:
        """Total over the settled windows."""
        return sum(window.pnl_nanos for window in self.windows)

    @property
    def pnl_by_series(self) -> dict[str, int]:
        """The same by series, in the order of their first settled windows."""
        return sums_by_series((window.slug, window.pnl_nanos) for window in self.windows)

    @property
    def open_realized_nanos(self) -> int:
        """Result so far of windows not settled yet: their sales' gains minus all fees."""
        return sum(window.open_nanos for window in self.open_windows)

    @property
    def fees_nanos(self) -> int:
        """Fees of all windows, including those still open."""
        return sum(window.fees_nanos for window in (*self.windows, *self.open_windows))

    @property
    def traded_windows(self) -> tuple[WindowFigures, ...]:
        """The settled windows with at least one fill."""
        return tuple(window for window in self.windows if window.fills_count)

    @property
    def fill_ratio(self) -> FillRatio:
        """Over all orders that have ended."""
        return FillRatio.of(self.orders)

    @property
    def fill_ratio_by_priority(self) -> dict[int, FillRatio]:
        """The same by the priority of the signal."""
        priorities = sorted({order.intent.priority for order in self.orders})
        return {
            priority: FillRatio.of(
                order for order in self.orders if order.intent.priority == priority
            )
            for priority in priorities
        }

    @property
    def orders_by_status(self) -> dict[str, int]:
        """Number of orders by status."""
        return by_status(self.orders)

    @property
    def filled_units(self) -> int:
        """Total shares traded."""
        return sum(order.filled_units for order in self.orders)

    @property
    def maker_fills_count(self) -> int:
        """Fills that paid no fee, because the order rested."""
        return sum(fill.is_maker for order in self.orders for fill in standing_fills(order))

    @property
    def taker_fills_count(self) -> int:
        """Fills that paid a fee."""
        return sum(not fill.is_maker for order in self.orders for fill in standing_fills(order))

    @property
    def improvement_nanos(self) -> int:
        """How much better than their limits the orders traded, in nanodollars; negative: worse."""
        return sum(map(improvement_nanos, self.orders))


def improvement_nanos(order: OrderState) -> int:
    """How much better than its limit an order traded, in nanodollars; negative: worse."""
    sign = 1 if order.intent.action is Action.BUY else -1
    return sum(
        sign * (order.intent.price_ticks - fill.price_ticks) * fill.size_units
        for fill in standing_fills(order)
    )


def read_performance(archive: Archive) -> Performance:
    """Read the whole journal once, and compute the report.

    Raises:
        JournalError: a row cannot be decoded.
    """
    as_of_ms = archive.last_event()[1]
    orders = sorted(archive.orders(), key=lambda order: order.intent.created_at_ms)
    every = [window.figures() for window in windows_of(archive.windows(), orders)]
    return Performance(
        as_of_ms=as_of_ms,
        windows=tuple(window for window in every if window.is_settled),
        open_windows=tuple(window for window in every if not window.is_settled),
        orders=tuple(orders),
        leg_risk=LegRisk(pairs=leg_risks(orders, as_of_ms)),
    )
