"""The plots of a run, each an SVG text in the colours of the surrounding page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.units import NANOS_PER_DOLLAR
from understudy.reading.plots import (
    ACCENT,
    GAIN,
    LOSS,
    MUTED,
    canvas,
    label_opening_times,
    plot_style,
    svg_element,
)
from understudy.reading.windows import WindowFigures, drawdowns


def drawdown_plot(windows: Sequence[WindowFigures]) -> str:
    """How far the running total was below its earlier maximum."""
    with plot_style():
        figure, axes = canvas()
        depths = [drop_nanos / NANOS_PER_DOLLAR for drop_nanos in drawdowns(windows)]
        axes.fill_between(range(len(depths)), depths, color=LOSS, alpha=0.5, linewidth=0)
        label_opening_times(axes, [each.opens_at_ms for each in windows], labels_max=4)
        axes.set_ylabel("dollars")
        axes.grid(visible=False, axis="x")
        return svg_element(figure, "drawdown")


def distribution_plot(windows: Sequence[WindowFigures]) -> str:
    """How often a traded window had each result."""
    with plot_style():
        figure, axes = canvas()
        results = [each.pnl_nanos / NANOS_PER_DOLLAR for each in windows if each.fills_count]
        axes.hist(results, bins=min(30, max(5, len(results) // 2)), color=ACCENT)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_xlabel("dollars a window")
        axes.set_ylabel("windows")
        axes.grid(visible=False, axis="x")
        return svg_element(figure, "distribution")


def groups_plot(groups: Sequence[dict[str, Any]], key: str, name: str) -> str:
    """P&L of each group as a bar, first one on top."""
    with plot_style():
        figure, axes = canvas()
        names = [str(group[key]) for group in groups]
        amounts = [float(group["pnl"]) for group in groups]
        colours = [GAIN if amount > 0 else LOSS for amount in amounts]
        bars = axes.barh(range(len(names)), amounts, height=0.6, color=colours)
        axes.set_yticks(range(len(names)), names)
        axes.bar_label(bars, [f"{amount:+,.2f}" for amount in amounts], padding=4)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.margins(x=0.2)
        axes.invert_yaxis()
        axes.set_xlabel("dollars")
        axes.grid(visible=False, axis="y")
        return svg_element(figure, name)


def calibration_plot(model: dict[str, Any]) -> str:
    """How often Up won, against the probability given by model and market."""
    with plot_style():
        figure, axes = canvas()
        axes.axline((0, 0), slope=1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for key, colour, label in (
            ("market_calibration", MUTED, "market"),
            ("calibration", ACCENT, "model"),
        ):
            bins = model[key]
            axes.plot(
                [each["mean_chance"] for each in bins],
                [each["share_happened"] for each in bins],
                color=colour,
                marker="o",
                markersize=4,
                linewidth=1.2,
                label=label,
            )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="chance of Up", ylabel="share of Up")
        axes.legend(loc="upper left")
        return svg_element(figure, "calibration")
