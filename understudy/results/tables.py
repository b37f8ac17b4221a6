"""The tables of a run, one mapping per row: the same fields in CSV and in Parquet.

Every row belongs to one window; a run's table has its windows' rows in the order of opening.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from actors.model import Side
from actors.units import (
    TICKS_PER_DOLLAR,
    dollars_text,
    e18_text,
    price_text,
    size_text,
)
from research.backtest.outcome import WindowOutcome
from understudy.reading.moments import iso_text
from understudy.reading.orders import order_json, standing_fills
from understudy.reading.windows import ResultWindow, reason_kind

Row = Mapping[str, Any]

NUMBER_COLUMNS = frozenset(
    {
        *("pnl", "total", "fees", "fee", "payout", "cost", "strike", "close", "cash", "value"),
        *("equity", "limit", "size", "filled", "notional", "price", "yes", "no", "up"),
        *("model", "market", "left_s", "lag_ms"),
    }
)
"""Columns whose texts are decimal numbers; Parquet has them as floating point."""
COUNT_COLUMNS = frozenset(
    {
        *("orders", "fills", "signals", "stop_losses", "frames", "events", "books"),
        *("public_trades", "unreadable", "gaps", "priority"),
    }
)
FLAG_COLUMNS = frozenset({"post_only", "is_maker", "up_won"})
"""Boolean columns; every other column is text."""
TABLES = ("windows", "orders", "fills", "equity", "predictions")


def window_of(outcome: WindowOutcome) -> ResultWindow:
    """Convert a backtest's window."""
    return ResultWindow(
        market=outcome.market,
        is_settled=outcome.is_settled,
        winner=outcome.winner,
        pnl_nanos=outcome.pnl_nanos,
        fees_nanos=outcome.fees_nanos,
        strike_e18=outcome.strike_e18,
        close_e18=outcome.close_e18,
        fills_count=sum(len(standing_fills(order)) for order in outcome.orders),
        orders=outcome.orders,
    )


def table_rows(
    outcome: WindowOutcome, window: ResultWindow, before_nanos: int
) -> dict[str, list[Row]]:
    """A window's rows of each table.

    Args:
        outcome: the window.
        window: the same.
        before_nanos: the result of all earlier windows.
    """
    rows = (
        [_window_row(outcome, window, before_nanos)],
        list(_order_rows(window)),
        list(_fill_rows(window)),
        list(_equity_rows(outcome, before_nanos)),
        list(_prediction_rows(outcome)),
    )
    return dict(zip(TABLES, rows, strict=True))


def _window_row(outcome: WindowOutcome, window: ResultWindow, before_nanos: int) -> Row:
    return {
        "slug": outcome.slug,
        "opens": iso_text(outcome.market.opens_at_ms),
        "closes": iso_text(outcome.market.closes_at_ms),
        "winner": _winner_text(window),
        "strike": _e18(outcome.strike_e18),
        "close": _e18(outcome.close_e18),
        "evidence": outcome.evidence,
        "orders": len(outcome.orders),
        "fills": len(window.moves),
        "signals": outcome.signals_count,
        "stop_losses": outcome.stop_loss_count,
        "cost": dollars_text(outcome.cost_nanos),
        "payout": dollars_text(outcome.payout_nanos),
        "fees": dollars_text(outcome.fees_nanos),
        "pnl": dollars_text(outcome.pnl_nanos),
        "total": dollars_text(before_nanos + outcome.pnl_nanos),
        "frames": outcome.frames_count,
        "events": outcome.events_count,
        "books": outcome.books_count,
        "public_trades": outcome.trades_count,
        "unreadable": outcome.unreadable_count,
        "gaps": outcome.gaps_count,
        "lag_ms": None if outcome.lag_ms is None else f"{outcome.lag_ms:.1f}",
    }


def _order_rows(window: ResultWindow) -> Iterator[Row]:
    """A row per order, as in ``understudy orders --json``, and the kind of its reason."""
    for order in window.orders:
        told = order_json(order)
        del told["market"], told["is_open"]
        yield {**told, "reason_kind": reason_kind(order)}


def _fill_rows(window: ResultWindow) -> Iterator[Row]:
    """A row per fill, with its result at the window's end."""
    for move in window.moves:
        intent, fill = move.order.intent, move.fill
        yield {
            "at": iso_text(fill.timestamp_ms),
            "slug": window.slug,
            "order": intent.order_id,
            "trade": fill.trade_id,
            "action": intent.action.value,
            "side": intent.side.value,
            "size": size_text(fill.size_units),
            "price": price_text(fill.price_ticks),
            "fee": dollars_text(fill.fee_nanos),
            "is_maker": fill.is_maker,
            "pnl": dollars_text(move.pnl_nanos),
            "reason_kind": reason_kind(move.order),
        }


def _equity_rows(outcome: WindowOutcome, before_nanos: int) -> Iterator[Row]:
    """The account after each fill, valued at the mid price, and after the result."""
    for point in outcome.equity:
        cash_nanos = before_nanos + point.cash_nanos
        value_nanos = _value_nanos(point.yes_units, point.no_units, point.up_ticks)
        yield {
            "at": iso_text(point.at_ms),
            "slug": outcome.slug,
            "yes": size_text(point.yes_units),
            "no": size_text(point.no_units),
            "up": _ticks(point.up_ticks),
            "cash": dollars_text(cash_nanos),
            "value": None if value_nanos is None else dollars_text(value_nanos),
            "equity": None if value_nanos is None else dollars_text(cash_nanos + value_nanos),
        }
    if outcome.is_settled:
        after = dollars_text(before_nanos + outcome.pnl_nanos)
        yield {
            "at": iso_text(outcome.market.closes_at_ms),
            "slug": outcome.slug,
            "yes": "0",
            "no": "0",
            "up": None,
            "cash": after,
            "value": "0",
            "equity": after,
        }


def _prediction_rows(outcome: WindowOutcome) -> Iterator[Row]:
    """The values of Up by model and market, about once a second."""
    for each in outcome.predictions:
        yield {
            "slug": outcome.slug,
            "left_s": f"{each.left_ms / 1000:.3f}",
            "model": _ticks(each.model_ticks),
            "market": _ticks(each.market_ticks),
            "up_won": outcome.winner is Side.YES if outcome.is_settled else None,
        }


def _winner_text(window: ResultWindow) -> str | None:
    if not window.is_settled:
        return None
    return "void" if window.winner is None else window.winner.value


def _value_nanos(yes_units: int, no_units: int, up_ticks: float | None) -> int | None:
    if up_ticks is None:
        return None
    twice_ticks = int(2 * up_ticks)  # a mid price may lie between two ticks
    return (yes_units * twice_ticks + no_units * (2 * TICKS_PER_DOLLAR - twice_ticks)) // 2


def _ticks(ticks: float | None) -> str | None:
    return None if ticks is None else f"{ticks / TICKS_PER_DOLLAR:.5f}"


def _e18(price_e18: int | None) -> str | None:
    return None if price_e18 is None else e18_text(price_e18)
