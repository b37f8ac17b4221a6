"""``understudy search``: parameters of a strategy searched over recorded windows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from actors.settings import Settings
from research.backtest.runner import BacktestPlan, recordings_at
from research.backtest.stage import CoreFailed
from research.recordings import BadRecording
from research.recordings.places import read_all
from research.recordings.reader import Recording
from research.search.folds import Folds, folds_of
from research.search.space import BadSpace, Dimension, Value, read_space
from understudy.commands import shared
from understudy.commands.backtest import jobs_option, show_result, windows_bar
from understudy.commands.reading import last_option
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.results.store import BadResults, StoredRun, made_of, run_name
from understudy.settings.config import ConfigError, load
from understudy.settings.keys import toml_text
from understudy.teaching import command

_STUDY = "study.log"


@command(
    examples={
        "understudy search rec --space space.toml --trials 50": "the default strategy's settings",
        "understudy search rec --use my.py:Mine --space s.toml --trials 200 --jobs 2": "another's",
        "understudy search rec --space space.toml --trials 400": "go on, up to 400 in all",
        "understudy search rec --space space.toml --trials 400 --look": "the unseen part, counted",
        "understudy search rec --space s.toml --trials 200 --scheduler tcp://h:8786": "Dask",
    },
)
@click.argument("places", metavar="RECORDING…", nargs=-1, required=True)
@shared.use_option
@click.option(
    "--space",
    "space_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="A TOML file with the settings to search; docs/search.md.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="Total number of trials, including those of earlier calls.",
)
@shared.whole_number_option(
    "--folds",
    "folds_count",
    least=1,
    default=4,
    metavar="K",
    help_text="Folds, in time order; trials are ranked by the median fold.",
)
@shared.whole_number_option(
    "--held-out",
    "held_out_percent",
    most=90,
    default=20,
    metavar="PERCENT",
    help_text="Percentage of the windows, the last ones, that no trial sees.",
)
@click.option(
    "--look",
    is_flag=True,
    help="Finally play the held-out part with the best trial; every look is counted.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="S")
@jobs_option
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Play on the workers of this Dask scheduler, such as tcp://host:8786.",
)
@shared.config_option
@shared.assignment_option
@shared.results_dir_option
@last_option
@shared.json_option
def search(**options: Any) -> None:
    """Search a strategy's settings on recorded windows, with safeguards against overfitting.

    Trials are proposed by Optuna (TPE) and ranked by their median fold. Every table shows in-sample
    beside out-of-sample results; the last part of the windows is held out from all trials; and a
    warning says how likely the best of so many trials is only luck. Ctrl-C loses the round in
    progress; the same command continues.
    """
    with shared.needs_extra("research", "optuna", "distributed"):
        _search(**options)


def _search(
    *,
    places: tuple[str, ...],
    space_path: Path,
    folds_count: int,
    held_out_percent: int,
    seed: int,
    use: str | None,
    config_path: Path | None,
    assignments: tuple[str, ...],
    results_dir: Path,
    last: int | None,
    is_json: bool,
    **playing: Any,
) -> None:
    from research.search.study import OtherStudy, SearchPlan
    from understudy.results.search_view import search_view

    chosen = assignments if use is None else (f"strategy.use={use}", *assignments)
    settings = shared.load_config(config_path, chosen).settings
    with shared.failing_on(
        BadRecording, BadSpace, ConfigError, ValueError, code=ExitCode.BAD_INPUT
    ):
        recordings = recordings_at(places)
        space = read_space(space_path)
        folds = folds_of(len(recordings), folds_count, held_out_percent)
        _check_space(space, config_path, chosen)
    facts = _facts(settings, recordings, space, folds, seed)
    folder = results_dir.expanduser() / f"search-{run_name(facts)}"

    def settings_of(values: Mapping[str, Value]) -> Settings:
        return load(config_path, (*chosen, *_assignments(values))).settings

    plan = SearchPlan(
        space=space,
        folds=folds,
        places=tuple(str(recording.place) for recording in recordings),
        seed=seed,
        settings_of=settings_of,
        made_of=facts,
    )
    with shared.failing_on(BadRecording, CoreFailed, BadResults, OtherStudy, OSError):
        stored = _run(plan, folder, is_shown=not is_json, **playing)
        show_result(stored, last, view=search_view, is_json=is_json)
    if not is_json:
        echo_shown(f"\nkept in {stored.folder}", err=True)


def _run(
    plan: Any,
    folder: Path,
    *,
    trials: int,
    jobs: int,
    scheduler: str | None,
    look: bool,
    is_shown: bool,
) -> StoredRun:
    from research.search.study import Search, best_of
    from research.search.workers import WindowTask, workers
    from understudy.results.searches import HeldOut, write_search

    folder.mkdir(parents=True, exist_ok=True)
    search = Search(folder / _STUDY, plan)
    held_out = None
    with workers(jobs, scheduler) as players, windows_bar(is_shown=is_shown) as progress:
        task = progress.add_task("trials", total=trials, completed=len(search.rows), speed="")
        try:
            for _ in search.run(trials, players):
                progress.update(task, advance=1)
        except KeyboardInterrupt:
            click.echo("stopped: the same command continues", err=True)
        best = best_of(search.rows, plan.folds)
        if look and best is not None:
            one = BacktestPlan(settings=plan.settings_of(best.values), seed=plan.seed)
            unseen = plan.places[plan.folds.seen_count :]
            looks = search.count_look()
            played = players.play([WindowTask(one, place) for place in unseen])
            results = tuple(each.dollars for each in played)
            held_out = HeldOut(trial=best.number, looks=looks, results=results)
    return write_search(folder, plan.made_of, search, plan.folds, held_out)


def _assignments(values: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(f"{name}={toml_text(value)}" for name, value in values.items())


def _check_space(
    space: Sequence[Dimension], config_path: Path | None, chosen: Sequence[str]
) -> None:
    """Try both ends, or every choice, of each dimension.

    Raises:
        ConfigError: one is not allowed.
    """
    for each in space:
        for value in each.choices or (each.low, each.high):
            load(config_path, (*chosen, *_assignments({each.name: value})))


def _facts(
    settings: Settings,
    recordings: Sequence[Recording],
    space: Sequence[Dimension],
    folds: Folds,
    seed: int,
) -> dict[str, Any]:
    """All inputs of a search."""
    return {
        **made_of("search", settings, seed),
        "space": {
            each.name: list(each.choices)
            if each.choices
            else {"low": each.low, "high": each.high, "step": each.step, "log": each.is_log}
            for each in space
        },
        "folds": folds.count,
        "held_out": folds.held_out_count,
        "recordings": [
            {
                "slug": recording.head.market.slug,
                "sha256": hashlib.sha256(read_all(recording.place)).hexdigest(),
                "derived": recording.head.derived,
            }
            for recording in recordings
        ],
    }
