"""The results of a search: its trials, how much of the best is luck, and a folder for it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import attrs

from research.overfitting import (
    CONVINCING,
    deflated_sharpe,
    expected_best_sharpe,
    overfitting_probability,
)
from research.search.folds import Folds, scores_of, walk_forward
from research.search.study import Search, TrialRow, best_of
from research.statistics import sharpe
from understudy.reading.csv_rows import csv_text
from understudy.results.numbers import rounded
from understudy.results.store import RESULTS_FORMAT, BadResults, StoredRun


@attrs.frozen(kw_only=True)
class HeldOut:
    """The best trial's results in the part that no trial has seen."""

    trial: int
    looks: int
    """How often it has been looked at by now; each look makes it less unseen."""
    results: tuple[float, ...]
    """Dollars, one per window."""


def search_summary(search: Search, folds: Folds, held_out: HeldOut | None) -> dict[str, Any]:
    """All results of a search, in numbers."""
    rows = search.rows
    whole = [row for row in rows if not row.is_pruned]
    best = best_of(rows, folds)
    return {
        "format": RESULTS_FORMAT,
        "trials": len(rows),
        "pruned": len(rows) - len(whole),
        "windows_seen": folds.seen_count,
        "windows_held_out": folds.held_out_count,
        "folds": folds.count,
        "looks": search.looks,
        "best": None if best is None else trial_json(best, folds),
        "luck": None if best is None else luck_of(best, whole),
        "walk_forward": _forward([row for row in whole if row.has_traded], folds),
        "importance": _importance(search),
        "held_out": None
        if held_out is None
        else {
            "trial": held_out.trial,
            "look": held_out.looks,
            "windows": len(held_out.results),
            "pnl": round(sum(held_out.results), 5),
            "mean": rounded(fmean(held_out.results)) if held_out.results else None,
        },
    }


def trial_json(row: TrialRow, folds: Folds) -> dict[str, Any]:
    """A trial with its scores in and out of sample, dollars a window."""
    found: dict[str, Any] = {
        "trial": row.number,
        "is_pruned": row.is_pruned,
        "windows": len(row.results),
        "median_fold": None,
        "in_sample": None,
        "out_of_sample": None,
        "mean": rounded(fmean(row.results)) if row.results else None,
        "sharpe": rounded(sharpe(row.results)),
        "values": dict(row.values),
    }
    if not row.is_pruned:
        scores = scores_of(row.results, folds)
        found["median_fold"] = rounded(scores.middle)
        found["in_sample"] = rounded(scores.in_sample)
        found["out_of_sample"] = rounded(scores.out_of_sample)
    return found


def luck_of(best: TrialRow, whole: Sequence[TrialRow]) -> dict[str, Any]:
    """How much of the best trial may be luck, given the number of trials."""
    sharpes = [found for row in whole if (found := sharpe(row.results)) is not None]
    deflated = deflated_sharpe(best.results, sharpes)
    return {
        "sharpe": rounded(sharpe(best.results)),
        "expected_best_sharpe": rounded(expected_best_sharpe(sharpes)),
        "deflated_sharpe": rounded(deflated),
        "overfitting_probability": rounded(overfitting_probability([row.results for row in whole])),
        "is_convincing": deflated is not None and deflated >= CONVINCING,
    }


def write_search(
    folder: Path, facts: Mapping[str, Any], search: Search, folds: Folds, held_out: HeldOut | None
) -> StoredRun:
    """Write a search's results into its folder, beside its study.

    Raises:
        BadResults: it cannot be written.
    """
    summary = search_summary(search, folds, held_out)
    stored = StoredRun(folder=folder, run=dict(facts), summary=summary, timing={})
    trials = [trial_json(row, folds) for row in search.rows]
    # The plotting library is large, and only needed here.
    from understudy.results.search_page import search_page

    page = search_page(stored, search.rows, folds)
    table = csv_text([_flat(each) for each in trials])
    try:
        (folder / "trials.csv").write_text(table, encoding="utf-8")
        (folder / "report.html").write_text(page, encoding="utf-8")
        for name, value in (("summary.json", summary), ("run.json", facts)):
            (folder / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        raise BadResults(f"{folder} cannot be written: {problem.strerror}") from None
    return stored


def _flat(trial: Mapping[str, Any]) -> dict[str, Any]:
    values = trial["values"]
    return {**{key: value for key, value in trial.items() if key != "values"}, **values}


def _forward(whole: Sequence[TrialRow], folds: Folds) -> dict[str, Any] | None:
    if not whole or folds.count < 2:
        return None
    found = walk_forward([row.results for row in whole], folds)
    return {
        "trials": [whole[place].number for place in found.chosen],
        "in_sample": [rounded(each) for each in found.in_sample],
        "out_of_sample": [rounded(each) for each in found.out_of_sample],
        "mean_in_sample": rounded(fmean(found.in_sample)),
        "mean_out_of_sample": rounded(fmean(found.out_of_sample)),
    }


def _importance(search: Search) -> dict[str, float]:
    """How much each setting determines the score (PED-ANOVA, Watanabe et al. 2023)."""
    import optuna

    if len(search.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))) < 4:
        return {}
    with warnings.catch_warnings():
        # The only evaluator that needs no further library.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        try:
            found = optuna.importance.get_param_importances(search.study, evaluator=evaluator)
        except (RuntimeError, ValueError):
            return {}  # such as when all trials are equal
    return {name: float(f"{share:.6g}") for name, share in found.items()}
