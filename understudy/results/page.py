"""A run as one page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.units import NANOS_PER_DOLLAR
from understudy.display.wording import move_label
from understudy.reading.moments import minute_label
from understudy.reading.page_parts import coloured_money, escaped, figure, page_text, table, tile
from understudy.reading.report_view import winner_label
from understudy.results.plots import (
    calibration_plot,
    distribution_plot,
    drawdown_plot,
    groups_plot,
    results_plot,
)
from understudy.results.stored import StoredRun
from understudy.results.trades import WindowFigures
from understudy.results.view import fact_lines

_FOOTER = (
    "Times are venue time, UTC. P&L is after fees. A backtest is a model: docs/backtesting.md says "
    "what it assumes, and which way each assumption errs."
)
_HEADINGS = ("opened", "P&L", "in all", "won", "moved", "orders", "fills", "fees", "window")
_NUMBERS = ("P&L", "in all", "moved", "orders", "fills", "fees")


def run_page(run: StoredRun, windows: Sequence[WindowFigures]) -> str:
    """Build the page."""
    facts = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(words)}</dd>" for name, words in fact_lines(run)
    )
    body = (
        f'<div class="tiles">{"".join(_tiles(run))}</div>'
        f'<div class="plots">{"".join(_plots(run, windows))}</div>'
        f'<section class="card"><h2>In words</h2><dl>{facts}</dl></section>'
        f'<section class="card"><h2>Windows</h2>{_windows_table(windows)}</section>'
    )
    return page_text(
        title=run.name,
        heading="Backtest",
        subtitle=run.name,
        body=body,
        footer=_FOOTER,
    )


def _tiles(run: StoredRun) -> Iterable[str]:
    summary = run.summary
    yield tile("P&L", _coloured(summary["pnl"]), f"{summary['traded']} windows traded")
    interval = summary["mean_window_interval"]
    spread = "" if interval is None else f"95 %: {interval['low']:+.2f} to {interval['high']:+.2f}"
    yield tile("a window", _coloured(summary["mean_window"]), spread)
    yield tile("fees", _coloured(f"-{summary['fees']}"), f"{summary['taker_fills']} taker fills")
    yield tile(
        "greatest drawdown",
        _coloured(f"-{summary['drawdown']['amount']}"),
        f"over {summary['drawdown']['windows']} windows",
    )


def _plots(run: StoredRun, windows: Sequence[WindowFigures]) -> Iterable[str]:
    settled = [window for window in windows if window.is_settled]
    summary = run.summary
    if settled:
        yield figure(
            "P&L by window",
            results_plot(settled),
            "Bars: one window each. Line: all of them up to there.",
            results_plot(settled, is_tall=True),
        )
        yield figure("Drawdown", drawdown_plot(settled), "Below the highest total before.")
        yield figure("Results of windows", distribution_plot(settled), "Of those traded.")
        yield figure(
            "P&L by hour", groups_plot(summary["by_hour"], "hour", "hours"), "Of the day, UTC."
        )
    if summary["by_reason"]:
        yield figure(
            "P&L by reason",
            groups_plot(summary["by_reason"], "reason", "reasons"),
            "Each fill's share of its window's result, by what its order's reason begins with.",
        )
    if summary["model"]["predictions"]:
        yield figure(
            "Calibration",
            calibration_plot(summary["model"]),
            "On the line: what was given a chance of 30 % happened in 30 % of cases. "
            "Predictions of one window depend on each other.",
        )


def _windows_table(windows: Sequence[WindowFigures]) -> str:
    rows = []
    total_nanos = 0
    for window in windows:
        total_nanos += window.pnl_nanos
        rows.append(
            [
                minute_label(window.opens_at_ms),
                coloured_money(window.pnl_nanos) if window.is_settled else "-",
                coloured_money(total_nanos),
                winner_label(window.winner) if window.is_settled else "-",
                move_label(window.strike_e18, window.close_e18),
                str(window.orders_count),
                str(window.fills_count),
                coloured_money(-window.fees_nanos),
                escaped(window.slug),
            ]
        )
    return table(_HEADINGS, reversed(rows), numeric=_NUMBERS)


def _coloured(dollars: str | None) -> str:
    return "-" if dollars is None else coloured_money(round(float(dollars) * NANOS_PER_DOLLAR))
