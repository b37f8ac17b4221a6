"""The report as one self-contained page: no script, font or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.series import series_of
from understudy.display.html import Html, nothing, table
from understudy.display.wording import cents_text, size_label, span_label
from understudy.reading.leg_risk import PairRisk
from understudy.reading.moments import day_label, exact_label, minute_label, moment_label
from understudy.reading.page_parts import (
    coloured_money,
    figure,
    page_body,
    page_text,
    tile,
    windows_table,
)
from understudy.reading.performance import Performance
from understudy.reading.plots import (
    fees_plot,
    fill_ratio_plot,
    pnl_plot,
    price_plot,
    status_plot,
)
from understudy.reading.report_view import fact_rows, limits_label, percent_label

_FOOTER = (
    "Times are venue time, UTC. Prices are dollars a share. P&L is what a window paid out and "
    "sales brought, less cost and fees. Money at risk is the cost of shares that only one leg had "
    "filled and that nothing covered, at its highest."
)


def report_page(performance: Performance) -> str:
    """Build the page."""
    windows = windows_table(
        performance.windows, "filled", lambda window: percent_label(window.fill_ratio.ratio)
    )
    body = page_body(
        _tiles(performance),
        _plots(performance),
        fact_rows(performance),
        {
            "Leg risk of arbitrage pairs": _pairs_table(performance.leg_risk.one_legged),
            "Windows": windows,
        },
    )
    return page_text(
        title="report",
        heading="Understudy",
        subtitle=_subtitle(performance),
        body=body,
        footer=_FOOTER,
    )


def _subtitle(performance: Performance) -> str:
    if not performance.as_of_ms:
        return "The journal is empty."
    at_ms = performance.as_of_ms
    as_of = f"The journal as of {day_label(at_ms)} {exact_label(at_ms)[:-4]} UTC"
    if not performance.windows:
        return f"{as_of}; no window has settled yet."
    first = performance.windows[0]
    series = {series_of(window.slug) for window in performance.windows}
    since = minute_label(first.opens_at_ms)
    return f"{as_of}; {', '.join(sorted(series))}, windows since {since}."


def _tiles(performance: Performance) -> Iterable[Html]:
    risk = performance.leg_risk
    traded = len(performance.traded_windows)
    total = performance.fill_ratio
    yield tile("P&L", coloured_money(performance.pnl_nanos), f"{traded} windows traded")
    yield tile(
        "fees",
        coloured_money(-performance.fees_nanos),
        f"{performance.taker_fills_count} taker fills",
    )
    yield tile(
        "fill ratio",
        percent_label(total.ratio),
        f"{total.touched_count} of {total.orders_count} orders traded",
    )
    yield tile(
        "most at risk on one leg",
        f"${cents_text(risk.worst_nanos)}",
        f"{len(risk.one_legged)} of {len(risk.pairs)} pairs one-legged",
    )


def _plots(performance: Performance) -> Iterable[Html]:
    """Draw the plots that have data."""
    windows, orders = performance.windows, performance.orders
    if windows:
        yield figure(
            "P&L by window",
            pnl_plot(windows),
            "Bars: one window each. Line: running total.",
            pnl_plot(windows, is_tall=True),
        )
        yield figure("Fees by window", fees_plot(windows), "Only takers pay.")
    if orders:
        yield figure(
            "Fill ratio by priority",
            fill_ratio_plot(performance.fill_ratio_by_priority),
            "Shares traded of those ordered, in orders that have ended.",
        )
        yield figure("Orders by status", status_plot(performance.orders_by_status), "All orders.")
    if performance.filled_units:
        yield figure(
            "Price against limit",
            price_plot(orders),
            "On the line: traded at the limit. Below it a buy was cheaper, above it a sale dearer.",
        )


def _pairs_table(pairs: Sequence[PairRisk]) -> Html:
    if not pairs:
        return nothing("No pair was ever one-legged.")
    rows = (
        [
            moment_label(pair.created_at_ms),
            f"${cents_text(pair.worst_nanos)}",
            pair.end.value,
            span_label(pair.one_legged_ms),
            size_label(pair.worst_units),
            limits_label(pair),
            size_label(pair.yes.filled_units),
            size_label(pair.no.filled_units),
            pair.yes.intent.order_id,
            pair.market.slug,
        ]
        for pair in pairs
    )
    return table("one-legged pairs", _PAIR_HEADINGS, rows, numeric=_PAIR_NUMBERS)


_PAIR_HEADINGS = (
    *("ordered", "at risk", "end", "for", "shares", "limits"),
    *("YES", "NO", "YES order", "window"),
)
_PAIR_NUMBERS = ("YES", "NO", "at risk", "shares", "for")
