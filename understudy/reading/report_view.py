"""A report on the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.units import TICKS_PER_DOLLAR, dollars_text, e18_text, size_text
from understudy.display.screen import facts_table, listing
from understudy.display.wording import (
    cents_text,
    count_label,
    exact_money,
    move_label,
    price_label,
    size_label,
    span_label,
    split_label,
    statuses_label,
    strikes_label,
    winner_label,
)
from understudy.reading.leg_risk import PairRisk
from understudy.reading.moments import iso_text, moment_label
from understudy.reading.orders import FillRatio
from understudy.reading.performance import Performance
from understudy.reading.positions import window_labels
from understudy.reading.windows import WindowFigures, running_totals

PAIRS_SHOWN = 10
"""One-legged pairs in the terminal's table, the worst ones."""


def percent_label(ratio: Fraction | None) -> str:
    """Write a ratio in whole percent; a dash if there is none."""
    return "-" if ratio is None else f"{float(ratio):.0%}"


def report_view(performance: Performance, *, wide: bool, rows: int | None) -> RenderableType:
    """Draw the report, with the newest ``rows`` windows, or all of them."""
    if not performance.windows and not performance.orders:
        return Text("nothing was traded yet", "dim italic")
    parts: list[RenderableType] = [
        _windows_table(performance, wide=wide, rows=rows),
        Text(),
        facts_table(fact_rows(performance)),
    ]
    if performance.leg_risk.one_legged:
        parts += [Text(), _pairs_table(performance.leg_risk.one_legged, wide=wide)]
    return Group(*parts)


def _windows_table(performance: Performance, *, wide: bool, rows: int | None) -> RenderableType:
    windows = performance.windows
    if not windows:
        return Text("no window has settled yet", "dim italic")
    fees_nanos = sum(window.fees_nanos for window in windows)
    footers: dict[str, str | Text] = {
        "window": f"all {len(windows)}",
        "orders": str(sum(window.orders_count for window in windows)),
        "fees": exact_money(-fees_nanos),
        "P&L": exact_money(performance.pnl_nanos),
    }
    headings = ("window", "moved", "won", "orders", "filled", "fees", "P&L", "in all")
    right = ("moved", *headings[3:])
    table = listing(*headings, right=right, footers=footers)
    shown = windows if rows is None else windows[-rows:]
    labels = window_labels((window.slug for window in shown), wide=wide)
    totals = running_totals(windows)[-len(shown) :]
    for window, total_nanos in zip(shown, totals, strict=True):
        table.add_row(labels[window.slug], *_window_cells(window, total_nanos))
    if len(shown) < len(windows):
        table.caption = f"the newest {len(shown)} of {len(windows):,}: --last 0 shows all"
    return table


def _window_cells(window: WindowFigures, total_nanos: int) -> list[str | Text]:
    return [
        move_label(window.strike_e18, window.close_e18),
        winner_label(window.winner),
        str(window.orders_count),
        percent_label(window.fill_ratio.ratio),
        exact_money(-window.fees_nanos),
        exact_money(window.pnl_nanos),
        exact_money(total_nanos),
    ]


def fact_rows(performance: Performance) -> list[tuple[str, Text]]:
    """The facts of the report: a name and a sentence each."""
    traded = performance.traded_windows
    gained = sum(window.pnl_nanos > 0 for window in traded)
    pnl = exact_money(performance.pnl_nanos).append(
        f" over {count_label(len(performance.windows), 'settled window')}; "
        f"{len(traded)} traded, {gained} with a gain",
        "default",
    )
    if performance.open_windows:
        pnl.append(f"; {len(performance.open_windows)} more without a result yet: ", "yellow")
        pnl.append(exact_money(performance.open_realized_nanos)).append(
            " realized there so far", "yellow"
        )
    by_series = performance.pnl_by_series
    return [
        ("P&L", pnl),
        *([("by series", split_label(by_series))] if len(by_series) > 1 else []),
        ("fees", exact_money(-performance.fees_nanos).append(_fee_text(performance), "default")),
        ("orders", Text(statuses_label(performance.orders_by_status))),
        ("fill ratio", Text(_fill_text(performance))),
        ("price", Text(_price_text(performance))),
        ("leg risk", Text(_leg_text(performance))),
        (
            "strikes",
            Text(strikes_label(each.strike_source for each in performance.windows) or "none"),
        ),
    ]


def _fee_text(performance: Performance) -> str:
    taker_count, maker_count = performance.taker_fills_count, performance.maker_fills_count
    return f" on {count_label(taker_count, 'fill')} as taker; {maker_count} as maker"


def _fill_text(performance: Performance) -> str:
    total = performance.fill_ratio
    if total.ratio is None:
        return "no order has ended yet"
    parts = [
        f"priority {priority} {percent_label(each.ratio)} of {each.orders_count}"
        for priority, each in performance.fill_ratio_by_priority.items()
    ]
    return (
        f"{percent_label(total.ratio)} of the shares ordered; "
        f"{total.touched_count} of {count_label(total.orders_count, 'order')} traded "
        f"({', '.join(parts)})"
    )


def _price_text(performance: Performance) -> str:
    if not performance.filled_units:
        return "nothing was filled"
    nanos = performance.improvement_nanos
    a_share = abs(nanos) / performance.filled_units / TICKS_PER_DOLLAR
    verdict = "better" if nanos >= 0 else "worse"
    return (
        f"{a_share:.4f} a share {verdict} than the limit, {exact_money(nanos).plain} on "
        f"{size_label(performance.filled_units)} shares"
    )


def _leg_text(performance: Performance) -> str:
    risk = performance.leg_risk
    if not risk.pairs:
        return "no arbitrage pair was ordered"
    ends = ", ".join(f"{count} {end.value}" for end, count in risk.ends.items())
    words = f"{count_label(len(risk.pairs), 'pair')}: {ends}"
    if not risk.one_legged:
        return f"{words}; none was ever one-legged"
    return (
        f"{words}; one-legged for a while: {len(risk.one_legged)}, at worst for "
        f"{span_label(risk.longest_ms)} and with ${cents_text(risk.worst_nanos)} at risk"
    )


def _pairs_table(pairs: Sequence[PairRisk], *, wide: bool) -> Table:
    headings = ("YES order", "YES", "NO", "at risk", "shares", "for", "end")
    more = ("ordered", "window", "limits") if wide else ()
    table = listing(*headings, *more, right=headings[1:6])
    table.title = "one-legged pairs, the most at risk first"
    for pair in pairs[:PAIRS_SHOWN]:
        cells = [
            pair.yes.intent.order_id,
            size_label(pair.yes.filled_units),
            size_label(pair.no.filled_units),
            cents_text(pair.worst_nanos),
            size_label(pair.worst_units),
            span_label(pair.one_legged_ms),
            pair.end.value,
        ]
        if wide:
            cells += [moment_label(pair.created_at_ms), pair.market.slug, limits_label(pair)]
        table.add_row(*cells)
    left_out = len(pairs) - PAIRS_SHOWN
    if left_out > 0:
        table.caption = f"{left_out} more; all are in --json and --html"
    return table


def limits_label(pair: PairRisk) -> str:
    """Write a pair's two limit prices."""
    yes_ticks, no_ticks = pair.yes.intent.price_ticks, pair.no.intent.price_ticks
    return f"{price_label(yes_ticks)} + {price_label(no_ticks)}"


def report_json(performance: Performance) -> dict[str, Any]:
    """Describe the report in exact texts: money in dollars, sizes in shares."""
    risk, windows = performance.leg_risk, performance.windows
    return {
        "as_of": iso_text(performance.as_of_ms) if performance.as_of_ms else None,
        "pnl": dollars_text(performance.pnl_nanos),
        "pnl_by_series": {
            series: dollars_text(nanos) for series, nanos in performance.pnl_by_series.items()
        },
        "open_realized_pnl": dollars_text(performance.open_realized_nanos),
        "fees": dollars_text(performance.fees_nanos),
        "windows": list(map(_window_json, windows, running_totals(windows))),
        "open_windows": [window.slug for window in performance.open_windows],
        "orders": performance.orders_by_status,
        "fill_ratio": _ratio_json(performance.fill_ratio),
        "fill_ratio_by_priority": {
            str(priority): _ratio_json(each)
            for priority, each in performance.fill_ratio_by_priority.items()
        },
        "price_improvement": dollars_text(performance.improvement_nanos),
        "leg_risk": {
            "pairs": len(risk.pairs),
            "ends": {end.value: count for end, count in risk.ends.items()},
            "one_legged": [_pair_json(pair) for pair in risk.one_legged],
            "longest_ms": risk.longest_ms,
            "worst": dollars_text(risk.worst_nanos),
        },
    }


def _window_json(window: WindowFigures, total_nanos: int) -> dict[str, Any]:
    return {
        "market": window.market_id,
        "slug": window.slug,
        "winner": None if window.winner is None else window.winner.value,
        "strike": None if window.strike_e18 is None else e18_text(window.strike_e18),
        "strike_source": window.strike_source or None,
        "close": None if window.close_e18 is None else e18_text(window.close_e18),
        "orders": window.orders_count,
        "fills": window.fills_count,
        "fill_ratio": _ratio_json(window.fill_ratio),
        "fees": dollars_text(window.fees_nanos),
        "pnl": dollars_text(window.pnl_nanos),
        "total_pnl": dollars_text(total_nanos),
    }


def _ratio_json(ratio: FillRatio) -> dict[str, Any]:
    """Describe a ratio by its two parts: few ratios are exact decimals."""
    return {
        "orders": ratio.orders_count,
        "orders_with_fills": ratio.touched_count,
        "ordered": size_text(ratio.ordered_units),
        "filled": size_text(ratio.filled_units),
    }


def _pair_json(pair: PairRisk) -> dict[str, Any]:
    return {
        "yes_order": pair.yes.intent.order_id,
        "no_order": pair.no.intent.order_id,
        "slug": pair.market.slug,
        "created": iso_text(pair.created_at_ms),
        "yes_filled": size_text(pair.yes.filled_units),
        "no_filled": size_text(pair.no.filled_units),
        "one_legged_ms": pair.one_legged_ms,
        "worst_size": size_text(pair.worst_units),
        "worst": dollars_text(pair.worst_nanos),
        "end": pair.end.value,
    }
