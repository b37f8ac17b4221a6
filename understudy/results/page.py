"""A run as one page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.units import NANOS_PER_DOLLAR
from understudy.display.html import Content, Html
from understudy.reading.page_parts import (
    coloured_money,
    figure,
    page_body,
    page_text,
    tile,
    windows_table,
)
from understudy.reading.plots import pnl_plot
from understudy.reading.windows import WindowFigures
from understudy.results.plots import (
    calibration_plot,
    distribution_plot,
    drawdown_plot,
    groups_plot,
)
from understudy.results.store import StoredRun
from understudy.results.view import fact_lines

_FOOTER = (
    "Times are venue time, UTC. P&L is after fees. A backtest is a model: docs/backtesting.md says "
    "what it assumes, and which way each assumption errs."
)


def run_page(run: StoredRun, windows: Sequence[WindowFigures]) -> str:
    """Build the page."""
    table = windows_table(windows, "fills", lambda window: str(window.fills_count))
    body = page_body(_tiles(run), _plots(run, windows), fact_lines(run), {"Windows": table})
    return page_text(
        title=run.name,
        heading="Backtest",
        subtitle=run.name,
        body=body,
        footer=_FOOTER,
    )


def _tiles(run: StoredRun) -> Iterable[Html]:
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


def _plots(run: StoredRun, windows: Sequence[WindowFigures]) -> Iterable[Html]:
    settled = [window for window in windows if window.is_settled]
    summary = run.summary
    if settled:
        yield figure(
            "P&L by window",
            pnl_plot(settled),
            "Bars: one window each. Line: running total.",
            pnl_plot(settled, is_tall=True),
        )
        yield figure("Drawdown", drawdown_plot(settled), "Distance below the earlier maximum.")
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
            "On the line: events predicted with 30 % happened in 30 % of cases. "
            "Predictions of one window depend on each other.",
        )


def _coloured(dollars: str | None) -> Content:
    return "-" if dollars is None else coloured_money(round(float(dollars) * NANOS_PER_DOLLAR))
