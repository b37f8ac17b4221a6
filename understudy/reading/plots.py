"""The report's plots, each an SVG text that takes its colours from the surrounding page."""

from __future__ import annotations

import contextlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from actors.messages.execution import OrderState, OrderStatus
from actors.model import Action
from actors.units import NANOS_PER_DOLLAR, TICKS_PER_DOLLAR, UNITS_PER_SHARE
from understudy.reading.moments import minute_label
from understudy.reading.orders import FillRatio
from understudy.reading.windows import WindowFigures, running_totals

INK, MUTED, GRID = "#010101", "#020202", "#030303"
GAIN, LOSS, ACCENT = "#040404", "#050505", "#060606"
_CSS_NAMES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    GAIN: "gain",
    LOSS: "loss",
    ACCENT: "accent",
}
"""Placeholder colours, replaced by the page's CSS variables: the page may be light or dark."""

PRIORITY_NAMES = {0: "arbitrage", 2: "inventory", 3: "safety"}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "understudy",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


@contextlib.contextmanager
def plot_style() -> Iterator[None]:
    """Use our style only: Matplotlib reads a style file in the working directory."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_BARS_MAX = 120
"""More windows than this are drawn as a line only."""
_LABELS_MAX = 8
_BAR_HEIGHT = 0.46
_ROWS_MIN = 3
_BIGGEST_DOT = 160
_SMALLEST_DOT = 14
_STATUS_COLOURS = {
    OrderStatus.FILLED.value: GAIN,
    OrderStatus.CANCELLED.value: MUTED,
    OrderStatus.REJECTED.value: LOSS,
}


def pnl_plot(windows: Sequence[WindowFigures], *, is_tall: bool = False) -> str:
    """Draw each settled window's result as a bar, and their running total as a line.

    Args:
        windows: in the order in which they settled.
        is_tall: draw it for a phone held upright.
    """
    with plot_style():
        figure, axes = canvas(4.2, 4.4) if is_tall else canvas(width=9.6, height=3.1)
        results = [_dollars(window.pnl_nanos) for window in windows]
        totals = [_dollars(total_nanos) for total_nanos in running_totals(windows)]
        has_bars = len(results) <= _BARS_MAX
        if has_bars:
            colours = [GAIN if result > 0 else LOSS for result in results]
            axes.bar(range(len(results)), results, width=0.66, color=colours)
        marker = "o" if has_bars else None
        axes.plot(totals, color=ACCENT, linewidth=1.8, marker=marker, markersize=3.2)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.annotate(
            f"{totals[-1]:+,.2f}",
            (len(totals) - 1, totals[-1]),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=ACCENT,
            weight="bold",
        )
        axes.set_xlim(-0.7, len(results) - 0.3 + 0.06 * len(results))
        opened = [window.opens_at_ms for window in windows]
        label_opening_times(axes, opened, _LABELS_MAX // 2 if is_tall else _LABELS_MAX)
        axes.set_ylabel("dollars")
        axes.grid(visible=False, axis="x")
        return svg_element(figure, "pnl-tall" if is_tall else "pnl")


def fees_plot(windows: Sequence[WindowFigures]) -> str:
    """Draw the fees paid in each settled window."""
    with plot_style():
        figure, axes = canvas()
        fees = [_dollars(window.fees_nanos) for window in windows]
        axes.bar(range(len(fees)), fees, width=0.66, color=ACCENT)
        axes.set_xlim(-0.7, len(fees) - 0.3)
        axes.set_ylim(0, max(*fees, 0.01) * 1.1)
        label_opening_times(axes, [window.opens_at_ms for window in windows])
        axes.set_ylabel("dollars")
        axes.grid(visible=False, axis="x")
        return svg_element(figure, "fees")


def fill_ratio_plot(ratios: Mapping[int, FillRatio]) -> str:
    """Draw the filled part of the ordered size, by priority, on a track that shows all of it."""
    with plot_style():
        figure, axes = canvas()
        names = [_ratio_name(priority, ratio) for priority, ratio in ratios.items()]
        values = [100 * float(each.ratio or 0) for each in ratios.values()]
        axes.barh(names, [100] * len(names), height=_BAR_HEIGHT, color=GRID, alpha=0.6)
        bars = axes.barh(names, values, height=_BAR_HEIGHT, color=ACCENT)
        axes.bar_label(bars, [f"{value:.0f}%" for value in values], padding=5, color=INK)
        axes.set_xlim(0, 112)
        _list_downwards(axes, len(names))
        return svg_element(figure, "fill-ratio")


def _ratio_name(priority: int, ratio: FillRatio) -> str:
    name = PRIORITY_NAMES.get(priority, "").strip()
    filled, ordered = ratio.filled_units / UNITS_PER_SHARE, ratio.ordered_units / UNITS_PER_SHARE
    return f"{priority} {name}\n{filled:,.0f} of {ordered:,.0f} shares"


def status_plot(orders_by_status: Mapping[str, int]) -> str:
    """Draw the number of orders by status."""
    with plot_style():
        figure, axes = canvas()
        names = [status.lower().replace("_", " ") for status in orders_by_status]
        counts = list(orders_by_status.values())
        colours = [_STATUS_COLOURS.get(status, ACCENT) for status in orders_by_status]
        bars = axes.barh(names, counts, height=_BAR_HEIGHT, color=colours)
        axes.bar_label(bars, [f"{count:,}" for count in counts], padding=5, color=INK)
        axes.set_xlim(0, max(counts) * 1.12)
        _list_downwards(axes, len(names))
        return svg_element(figure, "status")


def _list_downwards(axes: Axes, rows: int) -> None:
    """Turn horizontal bars into a list: first one on top, the same thickness for any number."""
    axes.set_xticks([])
    axes.set_ylim(max(rows, _ROWS_MIN) - 0.4, -0.6)
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)


def price_plot(orders: Sequence[OrderState]) -> str:
    """Draw average fill price against limit; orders with the same two prices share a larger dot."""
    with plot_style():
        figure, axes = canvas()
        for action, marker, colour in ((Action.BUY, "o", ACCENT), (Action.SELL, "v", LOSS)):
            dots = _price_dots(orders, action)
            biggest = max(dots.values(), default=1)
            axes.scatter(
                [limit / TICKS_PER_DOLLAR for limit, _ in dots],
                [price / TICKS_PER_DOLLAR for _, price in dots],
                [max(_SMALLEST_DOT, _BIGGEST_DOT * n / biggest) for n in dots.values()],
                color=colour,
                marker=marker,
                alpha=0.6,
                linewidths=0,
                label=f"{action.value.lower()}s" if dots else None,
            )
        low, high = _price_range(axes)
        axes.axline((0, 0), slope=1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set(xlim=(low, high), ylim=(low, high), xlabel="limit", ylabel="traded at")
        axes.legend(loc="upper left")
        return svg_element(figure, "price")


def _price_dots(orders: Sequence[OrderState], action: Action) -> Counter[tuple[int, int]]:
    """Shares by limit and average price, both in ticks."""
    dots: Counter[tuple[int, int]] = Counter()
    for order in orders:
        average = order.average_price_ticks
        if average is not None and order.intent.action is action:
            dots[order.intent.price_ticks, round(average)] += order.filled_units
    return dots


def _price_range(axes: Axes) -> tuple[float, float]:
    """Use the same range on both axes, so that the diagonal means equal prices."""
    bounds = axes.dataLim
    low, high = min(bounds.x0, bounds.y0), max(bounds.x1, bounds.y1)
    margin = max(0.03, 0.08 * (high - low))
    return max(0.0, low - margin), min(1.0, high + margin)


def canvas(width: float = 4.7, height: float = 2.9) -> tuple[Figure, Axes]:
    """Start a figure with one plot, with a transparent background."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def label_opening_times(
    axes: Axes, opens_at_ms: Sequence[int], labels_max: int = _LABELS_MAX
) -> None:
    """Label some of the windows with their opening times, and with the day where it changes."""
    step = -(-len(opens_at_ms) // labels_max)
    labels = []
    known_day = ""
    for at_ms in opens_at_ms[::step]:
        day, _, minute = minute_label(at_ms).partition(" ")
        labels.append(minute if day == known_day else f"{minute}\n{day}")
        known_day = day
    axes.set_xticks(range(0, len(opens_at_ms), step), labels)


def _dollars(amount_nanos: int) -> float:
    return float(Fraction(amount_nanos, NANOS_PER_DOLLAR))


def svg_element(figure: Figure, name: str) -> str:
    """Render a figure as an element; several can be in one page."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=_NO_METADATA)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, css_name in _CSS_NAMES.items():
        svg = svg.replace(colour, f"var(--{css_name})")
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
