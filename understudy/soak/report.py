"""The report of a soak: for people, for programs, and as a picture."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from understudy.display.screen import listing
from understudy.drill.report import verdict_json, verdict_lines
from understudy.reading.plots import plot_style
from understudy.soak.conduct import SoakResult
from understudy.soak.curves import Curve, curves_of

_LABELLED_MOST = 6


def soak_json(result: SoakResult) -> dict[str, Any]:
    """Build the JSON object that ``soak --json`` prints; times are real seconds."""
    return {
        "seed": result.seed,
        "hours": result.lasted_s / 3600,
        "interrupted_by": result.interrupted_by,
        "watchers": list(result.watchers),
        "kills": len(result.recoveries),
        "troubles": dict(Counter(name for _, name in result.troubles)),
        **verdict_json(result.verdict, result.traded),
        "recovery_ms_max": max((each.recovered_ms for each in result.recoveries), default=0),
        "curves": {
            each.name: {
                "unit": each.unit,
                "first": each.first,
                "last": each.last,
                "is_flat": each.is_flat,
                "points": [[round(at_s, 1), round(value, 3)] for at_s, value in curve.points],
            }
            for each, curve in zip(result.judgements, curves_of(result.samples), strict=True)
        },
    }


def soak_view(result: SoakResult) -> RenderableType:
    """Draw the result for people."""
    hours = f"{result.lasted_s / 3600:.2f} h"
    ended = f", ended early by {result.interrupted_by}" if result.interrupted_by else ""
    counted = Counter(name for _, name in result.troubles)
    troubles = [f"{count} times {name}" for name, count in counted.items()]
    befell = ", ".join([f"{len(result.recoveries)} kills", *troubles])
    lines = [
        Text(f"{hours}{ended}; beside it: {', '.join(result.watchers)}"),
        Text(befell),
        *verdict_lines(result.verdict, result.traded),
    ]
    return Group(*lines, Text(), _table(result))


def _table(result: SoakResult) -> Table:
    table = listing("curve", "early", "late", "", right=("early", "late"))
    for each in result.judgements:
        word, style = {
            True: ("flat", "green"),
            False: ("✗ it grows", "bold red"),
            None: ("too short to judge", "dim"),
        }[each.is_flat]
        early, late = (f"{value:.4g} {each.unit}".rstrip() for value in (each.first, each.last))
        table.add_row(each.name, early, late, Text(word, style))
    return table


def soak_plot(result: SoakResult) -> str:
    """Draw the curves as one SVG, kills and troubles as marks below them."""
    curves = {curve.name: curve for curve in curves_of(result.samples)}
    memory = [curve for name, curve in curves.items() if name.startswith("memory of ")]
    memory.sort(key=lambda curve: -max((value for _, value in curve.points), default=0.0))
    latency = [curve for name, curve in curves.items() if name.endswith(" p50")]
    journal = [(each.at_s, each.journal_bytes / 2**20) for each in result.samples]
    size = Curve(name="journal", unit="MiB", points=tuple(journal), share=0, slack=0)
    with plot_style():
        figure = Figure(figsize=(9.6, 7.2), layout="constrained")
        panels = figure.subplots(2, 2)
        _lines(panels[0][0], "Memory of each process, MiB", memory)
        _lines(panels[0][1], "Descriptors, threads", [curves["descriptors"], curves["threads"]])
        _lines(panels[1][0], "Journal and its log, MiB", [size, curves["journal's log"]])
        _lines(panels[1][1], "Latency, median, ms", latency)
        for axes in panels.flat:
            for at_s, name in result.troubles:
                if name == "the disk fills":
                    axes.axvline(at_s / 60, linewidth=0.8, linestyle=":", color="#888888")
            axes.set_xlabel("minutes")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _coloured(text.getvalue())


def _lines(axes: Any, title: str, curves: Sequence[Curve]) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    for number, curve in enumerate(curves):
        label = curve.name.removeprefix("memory of ") if number < _LABELLED_MOST else None
        minutes = [at_s / 60 for at_s, _ in curve.points]
        values = [value for _, value in curve.points]
        axes.plot(minutes, values, linewidth=1.1, label=label, color=f"C{number % 10}")
    axes.set_ylim(bottom=0)
    if curves:
        axes.legend(fontsize=7, ncols=2)


def _coloured(svg: str) -> str:
    """Replace the plots' placeholder colours by real ones: this picture is not inside a page."""
    for stand_in, colour in {"#010101": "#222", "#020202": "#666", "#030303": "#ccc"}.items():
        svg = svg.replace(stand_in, colour)
    return svg
