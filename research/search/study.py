"""A search: trials are proposed in rounds, played window by window, and reported in order.

Everything follows from the seed and the trials before a round, and a round has the same size
wherever it is played. So a search that is interrupted and resumed, or runs on other machines, gives
the same trials. The study is an Optuna file, to which each event is appended.
"""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import attrs
import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from actors.settings import Settings
from research.backtest.runner import BacktestPlan
from research.search.folds import Folds, scores_of
from research.search.space import Dimension, Value
from research.search.workers import WindowTask, Workers

ROUND = 4
"""Trials proposed at a time. Another number gives other trials."""
STARTUP_TRIALS = 8
"""Number of trials drawn at random before the sampler learns from them; these are not pruned."""
_NAME = "search"
_RESULTS, _LOOKS, _MADE_OF = "results", "looks", "made of"


class OtherStudy(Exception):
    """A study file belongs to another search; one sentence says so."""


@attrs.frozen(kw_only=True)
class SearchPlan:
    """All inputs of a search except the recordings' contents."""

    space: tuple[Dimension, ...]
    folds: Folds
    places: tuple[str, ...]
    """Places of the recordings, in the order of their windows; the last of them are held out."""
    seed: int
    settings_of: Callable[[Mapping[str, Value]], Settings]
    """Makes a trial's settings from its values; raises ValueError for values that are not
    allowed."""
    made_of: Mapping[str, Any]
    """What distinguishes this search from others, as JSON: kept in the study."""


@attrs.frozen(kw_only=True)
class TrialRow:
    """One finished trial."""

    number: int
    values: Mapping[str, Value]
    results: tuple[float, ...]
    """Dollars per window, as far as it was played."""
    is_pruned: bool

    @property
    def has_traded(self) -> bool:
        """Whether any window gained or lost anything."""
        return any(self.results)


class Search:
    """A study, and how to continue it."""

    def __init__(self, path: Path, plan: SearchPlan) -> None:
        """Open a study, or begin it.

        Raises:
            OtherStudy: the file belongs to another search.
            OSError: the file cannot be used.
        """
        self._plan = plan
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage = JournalStorage(JournalFileBackend(str(path)))
        self._study = optuna.create_study(
            storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
        )
        made_of = json.loads(json.dumps(plan.made_of))
        known = self._study.user_attrs.get(_MADE_OF)
        if known is None:
            self._study.set_user_attr(_MADE_OF, made_of)
        elif known != made_of:
            raise OtherStudy(f"{path} is the study of another search: name another file")
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)  # it was interrupted

    @property
    def rows(self) -> tuple[TrialRow, ...]:
        """The finished trials, in order."""
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        return tuple(_row(each) for each in self._study.get_trials(deepcopy=False, states=states))

    @property
    def looks(self) -> int:
        """How often the held-out part was evaluated."""
        return int(self._study.user_attrs.get(_LOOKS, 0))

    def count_look(self) -> int:
        """Count one more evaluation of the held-out part; return the total."""
        looks = self.looks + 1
        self._study.set_user_attr(_LOOKS, looks)
        return looks

    @property
    def study(self) -> optuna.Study:
        """Optuna's own study."""
        return self._study

    def run(self, trials: int, workers: Workers) -> Iterator[TrialRow]:
        """Continue, in whole rounds, until this many trials are finished; yields the new ones.

        Raises:
            CoreFailed: a core has raised, such as your own strategy.
            BadRecording: a recording cannot be read.
        """
        ended = len(self.rows)
        while ended < trials:
            self._study.sampler = self._sampler(ended)
            self._study.pruner = MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=0)
            count = min(ROUND - ended % ROUND, trials - ended)
            for row in self._round(count, workers):
                ended += 1
                yield row

    def _sampler(self, ended: int) -> TPESampler:
        with warnings.catch_warnings():
            # Keeps the trials of one round apart; experimental in Optuna for years, and stable.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(
                n_startup_trials=STARTUP_TRIALS,
                constant_liar=True,
                seed=self._plan.seed * 1_000_003 + ended,
            )

    def _round(self, count: int, workers: Workers) -> list[TrialRow]:
        """Propose trials, play them fold by fold, and report their results."""
        asked = [self._study.ask() for _ in range(count)]
        settings = [self._plan.settings_of(self._values(trial)) for trial in asked]
        results: list[list[float]] = [[] for _ in asked]
        pruned: set[int] = set()
        folds = self._plan.folds
        for step in range(folds.count):
            places = self._plan.places[folds.bounds[step] : folds.bounds[step + 1]]
            playing = [each for each in range(count) if each not in pruned]
            tasks = [
                WindowTask(BacktestPlan(settings=settings[each], seed=self._plan.seed), place)
                # the trials of a window follow each other, so that its tape is cached
                for place in places
                for each in playing
            ]
            played = iter(workers.play(tasks))
            for _, each in itertools.product(places, playing):
                results[each].append(next(played).dollars)
            for each in playing:
                asked[each].report(fmean(results[each]), step)
            pruned |= {each for each in playing if self._is_hopeless(asked[each], step)}
        return [
            self._tell(trial, found, is_pruned=each in pruned)
            for each, (trial, found) in enumerate(zip(asked, results, strict=True))
        ]

    def _is_hopeless(self, trial: Trial, step: int) -> bool:
        """Whether it is so far worse than half of those before; not after the last fold."""
        return step + 1 < self._plan.folds.count and trial.should_prune()

    def _tell(self, trial: Trial, results: Sequence[float], *, is_pruned: bool) -> TrialRow:
        trial.set_user_attr(_RESULTS, list(results))
        if is_pruned:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, scores_of(results, self._plan.folds).middle)
        return TrialRow(
            number=trial.number,
            values=dict(trial.params),
            results=tuple(results),
            is_pruned=is_pruned,
        )

    def _values(self, trial: Trial) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for each in self._plan.space:
            if each.choices:
                chosen: Any = trial.suggest_categorical(each.name, each.choices)
                values[each.name] = chosen
            elif each.is_whole:
                step = int(each.step or 1)
                low, high = int(each.low), int(each.high)
                values[each.name] = trial.suggest_int(
                    each.name, low, high, step=step, log=each.is_log
                )
            else:
                values[each.name] = trial.suggest_float(
                    each.name, each.low, each.high, step=each.step, log=each.is_log
                )
        return values


def best_of(rows: Sequence[TrialRow], folds: Folds) -> TrialRow | None:
    """The trial with the highest median fold, the earlier of two equal ones; None if there is none.

    A trial that was pruned, or never traded, does not count.
    """
    whole = [row for row in rows if not row.is_pruned and row.has_traded]
    if not whole:
        return None
    return max(whole, key=lambda row: (scores_of(row.results, folds).middle, -row.number))


def _row(trial: FrozenTrial) -> TrialRow:
    return TrialRow(
        number=trial.number,
        values=dict(trial.params),
        results=tuple(trial.user_attrs.get(_RESULTS, ())),
        is_pruned=trial.state is TrialState.PRUNED,
    )
