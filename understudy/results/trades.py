"""What is compared and counted, wherever it comes from: windows and orders of one account."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from actors.messages.execution import OrderState
from actors.model import Action, FillDetail, Market, Side
from actors.position.ledger import WindowLedger
from actors.units import PAYOUT_TICKS
from research.backtest.outcome import WindowOutcome
from understudy.reading.archive import Archive
from understudy.reading.orders import standing_fills

_REASON_LENGTH = 40


@attrs.frozen(kw_only=True)
class ResultWindow:
    """One window and what came of it."""

    market: Market
    is_settled: bool
    winner: Side | None
    """None: void, or not settled."""
    pnl_nanos: int
    """After fees; 0 while it is not settled."""
    fees_nanos: int
    strike_e18: int | None
    close_e18: int | None
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
        """Add it up."""
        moves, market = self.moves, self.market
        cash_nanos = lowest_nanos = 0
        for move in moves:
            cash_nanos += move.cash_nanos
            lowest_nanos = min(lowest_nanos, cash_nanos)
        first_ms = moves[0].fill.timestamp_ms if moves else market.closes_at_ms
        return WindowFigures(
            slug=self.slug,
            opens_at_ms=market.opens_at_ms,
            closes_at_ms=market.closes_at_ms,
            is_settled=self.is_settled,
            winner=self.winner,
            pnl_nanos=self.pnl_nanos,
            fees_nanos=self.fees_nanos,
            strike_e18=self.strike_e18,
            close_e18=self.close_e18,
            orders_count=len(self.orders),
            fills_count=len(moves),
            most_paid_nanos=-lowest_nanos,
            held_ms=max(0, market.closes_at_ms - first_ms),
        )


@attrs.frozen(kw_only=True)
class WindowFigures:
    """One window in numbers, without its orders."""

    slug: str
    opens_at_ms: int
    closes_at_ms: int
    is_settled: bool
    winner: Side | None
    """None: void, or not settled."""
    pnl_nanos: int
    """After fees; 0 while it is not settled."""
    fees_nanos: int
    strike_e18: int | None
    close_e18: int | None
    orders_count: int
    fills_count: int
    """Those that stand."""
    most_paid_nanos: int
    """Most money that was paid out at once, less what sales had brought by then."""
    held_ms: int
    """From the first fill to the window's end."""


@attrs.frozen
class Move:
    """A fill, with its order and how its window ended."""

    order: OrderState
    fill: FillDetail
    winner: Side | None
    is_settled: bool

    @property
    def cash_nanos(self) -> int:
        """Received less paid, fee included."""
        sign = 1 if self.order.intent.action is Action.SELL else -1
        return sign * self.fill.price_ticks * self.fill.size_units - self.fill.fee_nanos

    @property
    def pnl_nanos(self) -> int:
        """What this fill has brought by the window's end; the fills of a window add up to its."""
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
    """What a reason begins with, before its numbers: ``arbitrage``, ``hedging``."""
    return order.intent.reason.partition(":")[0].strip()[:_REASON_LENGTH] or "none"


def window_of(outcome: WindowOutcome) -> ResultWindow:
    """Take a window from a backtest."""
    return ResultWindow(
        market=outcome.market,
        is_settled=outcome.is_settled,
        winner=outcome.winner,
        pnl_nanos=outcome.pnl_nanos,
        fees_nanos=outcome.fees_nanos,
        strike_e18=outcome.strike_e18,
        close_e18=outcome.close_e18,
        orders=outcome.orders,
    )


def windows_in(archive: Archive) -> tuple[ResultWindow, ...]:
    """Take the windows of a data directory, oldest first.

    Raises:
        JournalError: a row cannot be decoded.
    """
    orders = sorted(archive.orders(), key=lambda order: order.intent.created_at_ms)
    ledgers = sorted(archive.windows(), key=lambda each: each.market.opens_at_ms)
    return tuple(_from_ledger(ledger, orders) for ledger in ledgers)


def _from_ledger(ledger: WindowLedger, orders: Iterable[OrderState]) -> ResultWindow:
    result, market = ledger.result, ledger.market
    return ResultWindow(
        market=market,
        is_settled=result is not None,
        winner=None if result is None else result.winner,
        pnl_nanos=ledger.pnl_nanos() if result is not None else 0,
        fees_nanos=ledger.totals().fees_nanos,
        strike_e18=None if result is None else result.strike_e18,
        close_e18=None if result is None else result.close_e18,
        orders=tuple(each for each in orders if each.intent.market.market_id == market.market_id),
    )
