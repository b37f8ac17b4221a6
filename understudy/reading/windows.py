"""Windows and orders of one account, in the form that reports and comparisons use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate

import attrs

from actors.messages.execution import OrderState
from actors.model import Action, FillDetail, Market, Side
from actors.position.ledger import WindowLedger
from actors.units import PAYOUT_TICKS
from understudy.reading.archive import Archive
from understudy.reading.orders import FillRatio, standing_fills

_REASON_LENGTH = 40


@attrs.frozen(kw_only=True)
class ResultWindow:
    """One window and its result."""

    market: Market
    is_settled: bool
    winner: Side | None
    """None: void, or not settled."""
    pnl_nanos: int
    """After fees; 0 while it is not settled."""
    open_nanos: int = 0
    """While it is not settled: its sales' gains minus all fees."""
    fees_nanos: int
    strike_e18: int | None
    strike_source: str = ""
    close_e18: int | None
    fills_count: int
    """Number of fills that stand."""
    orders: tuple[OrderState, ...]

    @property
    def slug(self) -> str:
        """The window's name."""
        return self.market.slug

    @property
    def moves(self) -> tuple[Move, ...]:
        """Fills that stand, oldest first."""
        moves = (
            Move(order, fill, self.winner if self.is_settled else None, self.is_settled)
            for order in self.orders
            for fill in standing_fills(order)
        )
        return tuple(sorted(moves, key=lambda move: move.fill.timestamp_ms))

    def figures(self) -> WindowFigures:
        """Compute the window's figures."""
        moves, market = self.moves, self.market
        cash_nanos = lowest_nanos = 0
        for move in moves:
            cash_nanos += move.cash_nanos
            lowest_nanos = min(lowest_nanos, cash_nanos)
        first_ms = moves[0].fill.timestamp_ms if moves else market.closes_at_ms
        return WindowFigures(
            market_id=market.market_id,
            slug=self.slug,
            opens_at_ms=market.opens_at_ms,
            closes_at_ms=market.closes_at_ms,
            is_settled=self.is_settled,
            winner=self.winner,
            pnl_nanos=self.pnl_nanos,
            open_nanos=self.open_nanos,
            fees_nanos=self.fees_nanos,
            strike_e18=self.strike_e18,
            strike_source=self.strike_source,
            close_e18=self.close_e18,
            orders_count=len(self.orders),
            fills_count=self.fills_count,
            fill_ratio=FillRatio.of(self.orders),
            most_paid_nanos=-lowest_nanos,
            held_ms=max(0, market.closes_at_ms - first_ms),
        )


@attrs.frozen(kw_only=True)
class WindowFigures:
    """One window in numbers, without its orders."""

    market_id: str
    slug: str
    opens_at_ms: int
    closes_at_ms: int
    is_settled: bool
    winner: Side | None
    """None: void, or not settled."""
    pnl_nanos: int
    """After fees; 0 while it is not settled."""
    open_nanos: int
    """While it is not settled: its sales' gains minus all fees."""
    fees_nanos: int
    strike_e18: int | None
    strike_source: str
    close_e18: int | None
    orders_count: int
    fills_count: int
    """Number of fills that stand."""
    fill_ratio: FillRatio
    most_paid_nanos: int
    """Most money paid out at any time, net of earlier sales."""
    held_ms: int
    """From the first fill to the window's end."""


@attrs.frozen
class Move:
    """A fill, with its order and its window's winner."""

    order: OrderState
    fill: FillDetail
    winner: Side | None
    is_settled: bool

    @property
    def cash_nanos(self) -> int:
        """Received minus paid, fee included."""
        sign = 1 if self.order.intent.action is Action.SELL else -1
        return sign * self.fill.price_ticks * self.fill.size_units - self.fill.fee_nanos

    @property
    def pnl_nanos(self) -> int:
        """Result of this fill at the window's end; a window's fills add up to its P&L."""
        if not self.is_settled:
            return 0
        sign = 1 if self.order.intent.action is Action.BUY else -1
        return self.cash_nanos + sign * self._payout_ticks * self.fill.size_units

    @property
    def _payout_ticks(self) -> int:
        if self.winner is None:
            return PAYOUT_TICKS // 2
        return PAYOUT_TICKS if self.winner is self.order.intent.side else 0


def reason_kind(order: OrderState) -> str:
    """The words of a reason before its numbers: ``arbitrage``, ``hedging``."""
    return order.intent.reason.partition(":")[0].strip()[:_REASON_LENGTH] or "none"


def windows_in(archive: Archive) -> tuple[ResultWindow, ...]:
    """Read the windows of a data directory, oldest first."""
    orders = sorted(archive.orders(), key=lambda order: order.intent.created_at_ms)
    return windows_of(archive.windows(), orders)


def windows_of(
    ledgers: Iterable[WindowLedger], orders: Iterable[OrderState]
) -> tuple[ResultWindow, ...]:
    """Combine the ledger's windows, oldest first, with their orders."""
    by_market: defaultdict[str, list[OrderState]] = defaultdict(list)
    for order in orders:
        by_market[order.intent.market.market_id].append(order)
    in_order = sorted(ledgers, key=lambda each: each.market.opens_at_ms)
    return tuple(_from_ledger(each, by_market[each.market.market_id]) for each in in_order)


def _from_ledger(ledger: WindowLedger, orders: Iterable[OrderState]) -> ResultWindow:
    result = ledger.result
    return ResultWindow(
        market=ledger.market,
        is_settled=result is not None,
        winner=None if result is None else result.winner,
        pnl_nanos=ledger.pnl_nanos(),
        open_nanos=0 if result is not None else ledger.earned_nanos(),
        fees_nanos=ledger.totals().fees_nanos,
        strike_e18=None if result is None else result.strike_e18,
        strike_source="" if result is None else result.strike_source,
        close_e18=None if result is None else result.close_e18,
        fills_count=sum(each.reversed_version is None for each in ledger.entries),
        orders=tuple(orders),
    )


def running_totals(windows: Iterable[WindowFigures]) -> list[int]:
    """Total of each window and all before it."""
    return list(accumulate(window.pnl_nanos for window in windows))


def drawdowns(windows: Iterable[WindowFigures]) -> list[int]:
    """How far below the earlier maximum the total is after each window; zero or negative."""
    totals = running_totals(windows)
    return [
        total - max(0, high) for total, high in zip(totals, accumulate(totals, max), strict=True)
    ]
