"""A search on the terminal: its best trials in and out of sample, and how much is luck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from research.overfitting import CONVINCING
from understudy.display.screen import facts_table, listing
from understudy.results.store import StoredRun

_SCORES = ("median_fold", "in_sample", "out_of_sample")
_HEADINGS = ("trial", "median fold", "in sample", "out of sample", "Sharpe")
CAPTION = "dollars a window, after fees"


def search_view(run: StoredRun, *, rows: int | None) -> RenderableType:
    """Draw a search; its best trials, or all that were completed.

    Raises:
        BadResults: its table of trials cannot be read.
    """
    return Group(_trials_table(run, rows), Text(), facts_table(search_lines(run)))


def search_lines(run: StoredRun) -> Iterator[tuple[str, str]]:
    """The facts of a search: a name and a sentence each."""
    summary = run.summary
    words = f"{summary['trials']} trials, {summary['pruned']} of them pruned, on "
    yield "searched", f"{words}{summary['windows_seen']} windows in {summary['folds']} folds"
    best = summary["best"]
    if best is None:
        yield "best", "none: no completed trial has traded"
        return
    values = ", ".join(f"{name} = {value}" for name, value in best["values"].items())
    yield "best", f"trial {best['trial']}: {values}"
    if best["median_fold"] < 0:
        yield "caution", "even the best loses; not trading gives 0.00"
    forward = summary["walk_forward"]
    if forward is not None:
        yield "walk forward", _forward_text(forward)
    if summary["importance"]:
        shares = (f"{name} {share:.0%}" for name, share in summary["importance"].items())
        yield "importance", ", ".join(shares)
    luck = summary["luck"]
    yield "luck" if luck["is_convincing"] else "caution", luck_text(luck, summary["trials"])
    yield "held out", _held_out_text(summary)


def _forward_text(forward: dict[str, Any]) -> str:
    return (
        f"choosing the best before each fold: {forward['mean_in_sample']:+.4f} a window in sample, "
        f"{forward['mean_out_of_sample']:+.4f} out of sample"
    )


def _held_out_text(summary: dict[str, Any]) -> str:
    found = summary["held_out"]
    whole = f"the last {summary['windows_held_out']} windows, which no trial has seen"
    if found is None:
        return f"{whole}; looked at {summary['looks']} times so far (--look)"
    return (
        f"{whole}: trial {found['trial']} made {found['pnl']:+.2f}, {found['mean']:+.4f} a window; "
        f"this was look {found['look']}"
    )


def best_trials(run: StoredRun) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row of each completed trial, the best first.

    Raises:
        BadResults: its table of trials cannot be read.
    """
    trials = [row for row in run.rows("trials") if row["is_pruned"] == "false"]
    # no Sharpe ratio means nothing was traded, and 0.00 is no merit
    trials.sort(key=lambda row: (not row["sharpe"], -float(row["median_fold"]), int(row["trial"])))
    names = list(run.summary["best"]["values"]) if run.summary["best"] else []
    rows = [
        [
            row["trial"],
            *(_dollars(row[each]) for each in (*_SCORES, "sharpe")),
            *(_value(row[name]) for name in names),
        ]
        for row in trials
    ]
    return [*_HEADINGS, *(name.rpartition(".")[2] for name in names)], rows


def _trials_table(run: StoredRun, rows: int | None) -> Table:
    headings, trials = best_trials(run)
    table = listing(*headings, right=headings, fold=headings[len(_HEADINGS) :])
    shown = trials if rows is None else trials[:rows]
    for row in shown:
        table.add_row(*row)
    table.caption = CAPTION
    if len(shown) < len(trials):
        table.caption += f"; the best {len(shown)} of {len(trials):,}: --last 0 shows all"
    return table


def _dollars(text: str) -> str:
    return f"{float(text):+.4f}" if text else "-"


def _value(text: str) -> str:
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text


def luck_text(luck: Mapping[str, Any], trials: int) -> str:
    """Warn, with a number, when the best of so many trials is what chance alone would give."""
    deflated, probability = luck["deflated_sharpe"], luck["overfitting_probability"]
    if deflated is None:
        return "too few windows, or results without spread: nothing can be said of luck"
    words = f"the best of {trials} trials has a deflated Sharpe ratio of {deflated:.2f}"
    if not luck["is_convincing"]:
        words = (
            f"{words}, below {CONVINCING}: chance alone gives the best of so many a Sharpe ratio "
            f"of {luck['expected_best_sharpe']:+.2f}, and it has {luck['sharpe']:+.2f}"
        )
    if probability is not None:
        words += f"; probability of overfitting {probability:.0%}"
    return words
