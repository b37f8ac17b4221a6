"""Windows in time order: folds that a search sees, and a held-out part that it does not."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

import attrs


@attrs.frozen(kw_only=True)
class Folds:
    """The division of the windows into folds, in time order."""

    bounds: tuple[int, ...]
    """Fold k is the windows from ``bounds[k]`` up to ``bounds[k + 1]``; the last bound is the end
    of what a search sees."""
    windows_count: int
    """Including the held-out part, which no trial sees."""

    @property
    def count(self) -> int:
        """Number of folds."""
        return len(self.bounds) - 1

    @property
    def seen_count(self) -> int:
        """Number of windows that trials see."""
        return self.bounds[-1]

    @property
    def held_out_count(self) -> int:
        """Number of windows held out."""
        return self.windows_count - self.seen_count


def folds_of(windows_count: int, count: int, held_out_percent: int) -> Folds:
    """Divide windows into folds of about the same size.

    Raises:
        ValueError: there are too few of them.
    """
    held_out = -(-windows_count * held_out_percent // 100)
    seen = windows_count - held_out
    if seen < count:
        raise ValueError(
            f"{windows_count} windows are too few for {count} folds and a held-out part of "
            f"{held_out}"
        )
    bounds = tuple(seen * place // count for place in range(count + 1))
    return Folds(bounds=bounds, windows_count=windows_count)


@attrs.frozen(kw_only=True)
class FoldScores:
    """One trial's mean result per window, in dollars, by fold."""

    each: tuple[float, ...]
    in_sample: float | None
    """Median over the steps of a walk forward of the mean of all windows before the fold."""
    out_of_sample: float | None
    """Median over the same steps of the mean of the fold itself. None with one fold."""

    @property
    def middle(self) -> float:
        """The median fold's mean, by which trials are ranked."""
        return median(self.each)


def scores_of(results: Sequence[float], folds: Folds) -> FoldScores:
    """Score a trial by its results, one for each window it has seen."""
    parts = [results[start:end] for start, end in zip(folds.bounds, folds.bounds[1:], strict=False)]
    steps = range(1, folds.count)
    before = [fmean(results[: folds.bounds[step]]) for step in steps]
    ahead = [fmean(parts[step]) for step in steps]
    return FoldScores(
        each=tuple(fmean(part) for part in parts),
        in_sample=median(before) if before else None,
        out_of_sample=median(ahead) if ahead else None,
    )


@attrs.frozen(kw_only=True)
class WalkForward:
    """The result of choosing the best trial again before each fold."""

    chosen: tuple[int, ...]
    """By step, the index of the trial that was best before it."""
    in_sample: tuple[float, ...]
    """By step, the chosen trial's mean until then."""
    out_of_sample: tuple[float, ...]
    """By step, its mean in the fold that follows."""


def walk_forward(results: Sequence[Sequence[float]], folds: Folds) -> WalkForward:
    """Choose, before each fold, the best trial until then, and take its result in the fold.

    Args:
        results: of each trial, one for each window it has seen.
        folds: of these windows.
    """
    chosen, before, ahead = [], [], []
    for step in range(1, folds.count):
        start, end = folds.bounds[step], folds.bounds[step + 1]
        means = [fmean(each[:start]) for each in results]
        best = max(range(len(means)), key=lambda place: (means[place], -place))
        chosen.append(best)
        before.append(means[best])
        ahead.append(fmean(results[best][start:end]))
    return WalkForward(chosen=tuple(chosen), in_sample=tuple(before), out_of_sample=tuple(ahead))
