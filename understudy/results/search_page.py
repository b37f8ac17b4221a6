"""A search as one page that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from research.search.folds import Folds, scores_of
from research.search.study import TrialRow
from understudy.display.html import Html, nothing, table
from understudy.reading.page_parts import figure, page_body, page_text, tile
from understudy.reading.plots import ACCENT, GAIN, MUTED, canvas, plot_style, svg_element
from understudy.results.search_view import search_lines
from understudy.results.store import StoredRun

_FOOTER = (
    "Dollars a window, after fees. In sample: the mean of all windows before a fold; out of "
    "sample: of the fold itself; medians over the folds. Trials were proposed by looking at all "
    "folds: only the held-out part is unseen. A backtest is a model: docs/backtesting.md."
)
_ROWS_MAX = 50


def search_page(run: StoredRun, rows: Sequence[TrialRow], folds: Folds) -> str:
    """Build the page."""
    whole = [row for row in rows if not row.is_pruned]
    trials = _trials(whole, folds)
    body = page_body(
        _tiles(run), _plots(run, whole, folds), search_lines(run), {"Best trials": trials}
    )
    return page_text(title=run.name, heading="Search", subtitle=run.name, body=body, footer=_FOOTER)


def _tiles(run: StoredRun) -> Iterable[Html]:
    summary = run.summary
    best, luck = summary["best"], summary["luck"]
    if best is None:
        return
    yield tile("best, in sample", _signed(best["in_sample"]), f"of {summary['trials']} trials")
    yield tile("best, out of sample", _signed(best["out_of_sample"]), "the same trial")
    deflated = luck["deflated_sharpe"]
    yield tile(
        "deflated Sharpe ratio",
        "-" if deflated is None else f"{deflated:.2f}",
        "above 0.95 it is unlikely to be luck",
    )
    yield tile("held out", str(summary["windows_held_out"]), f"{summary['looks']} looks")


def _plots(run: StoredRun, whole: Sequence[TrialRow], folds: Folds) -> Iterable[Html]:
    if not whole:
        return
    scores = [scores_of(row.results, folds) for row in whole]
    middles = [each.middle for each in scores]
    yield figure("History", _history(whole, middles), "Each trial's median fold; the best so far.")
    pairs = [
        (each.in_sample, each.out_of_sample)
        for each in scores
        if each.in_sample is not None and each.out_of_sample is not None
    ]
    if pairs:
        yield figure(
            "In sample against out of sample",
            _scatter(pairs),
            "If past results carry over, the dots rise from left to right.",
        )
    if run.summary["importance"]:
        yield figure(
            "Importance",
            _importance(run.summary["importance"]),
            "Share of each setting (PED-ANOVA).",
        )
    for name in whole[0].values:
        values = [row.values.get(name) for row in whole]
        yield figure(name, _slice(values, middles, name), "Each trial's median fold by its value.")


def _history(whole: Sequence[TrialRow], middles: Sequence[float]) -> str:
    with plot_style():
        drawing, axes = canvas()
        numbers = [row.number for row in whole]
        best = [max(middles[: place + 1]) for place in range(len(middles))]
        axes.scatter(numbers, middles, s=14, color=MUTED)
        axes.plot(numbers, best, color=ACCENT, linewidth=1.6)
        axes.set(xlabel="trial", ylabel="dollars a window")
        return svg_element(drawing, "history")


def _scatter(pairs: Sequence[tuple[float, float]]) -> str:
    with plot_style():
        drawing, axes = canvas()
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.scatter([one for one, _ in pairs], [other for _, other in pairs], s=14, color=ACCENT)
        axes.set(xlabel="in sample", ylabel="out of sample")
        return svg_element(drawing, "in-out")


def _importance(shares: dict[str, float]) -> str:
    with plot_style():
        drawing, axes = canvas()
        names = [name.rpartition(".")[2] for name in shares]
        bars = axes.barh(range(len(names)), list(shares.values()), height=0.6, color=GAIN)
        axes.set_yticks(range(len(names)), names)
        axes.bar_label(bars, [f"{share:.0%}" for share in shares.values()], padding=4)
        axes.margins(x=0.15)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        return svg_element(drawing, "importance")


def _slice(values: Sequence[object], middles: Sequence[float], name: str) -> str:
    with plot_style():
        drawing, axes = canvas()
        is_number = all(isinstance(each, int | float) for each in values)
        places: list[Any] = [each if is_number else str(each) for each in values]
        axes.scatter(places, middles, s=14, color=ACCENT)
        axes.set_ylabel("dollars a window")
        return svg_element(drawing, name.replace(".", "-").replace("_", "-"))


def _trials(whole: Sequence[TrialRow], folds: Folds) -> Html:
    if not whole:
        return nothing("No trial was completed.")
    ranked = sorted(whole, key=lambda row: (-scores_of(row.results, folds).middle, row.number))
    names = list(ranked[0].values)
    headings = ("trial", "median fold", "in sample", "out of sample", *names)
    rows = []
    for row in ranked[:_ROWS_MAX]:
        scores = scores_of(row.results, folds)
        numbers = (scores.middle, scores.in_sample, scores.out_of_sample)
        values = [str(row.values[name]) for name in names]
        rows.append([str(row.number), *map(_signed, numbers), *values])
    return table("best trials", headings, rows, numeric=headings)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"
