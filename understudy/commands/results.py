"""``understudy results``: the stored results of backtests."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import RenderableType
from rich.table import Table

from understudy.commands import shared
from understudy.commands.backtest import run_json, show_result
from understudy.commands.reading import last_option, row_limit
from understudy.display.screen import Screen, listing
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.results.compare import compare as compare_runs
from understudy.results.compare import read_compared
from understudy.results.compare_view import comparison_json, comparison_view
from understudy.results.store import BadResults, StoredRun, list_runs, read_run
from understudy.results.view import run_view
from understudy.teaching import group


@group(
    invoke_without_command=True,
    examples={
        "understudy results": "every stored run, the newest first",
        "understudy results show": "the newest again",
        "understudy results show pair-btc": "one of them, by the beginning of its name",
    },
)
@shared.results_dir_option
@shared.json_option
@click.pass_context
def results(context: click.Context, results_dir: Path, is_json: bool) -> None:
    """List the stored backtests; show one, compare two."""
    context.obj = results_dir.expanduser()
    if context.invoked_subcommand is not None:
        return
    found = _runs(context.obj)
    if is_json:
        shared.print_json([run_json(run) for run in found])
    elif found:
        Screen().print(_table(found))
    else:
        echo_shown(f"no backtest is kept in {context.obj}")


@results.command(
    examples={
        "understudy results show": "the newest run",
        "understudy results show pair-btc --last 0": "another one, with all its windows",
        "understudy results show --json | jq .summary.sharpe_window": "for a script",
    },
)
@click.argument("name", default="")
@last_option
@shared.json_option
@click.pass_obj
def show(results_dir: Path, name: str, last: int | None, is_json: bool) -> None:
    """Show a run: the newest, or the one with this name, prefix of a name, or folder."""
    run = find_run(results_dir, name)
    with shared.failing_on(BadResults):
        show_result(run, last, view=_view, is_json=is_json)
    if not is_json:
        echo_shown(f"\n{run.folder / 'report.html'}", err=True)


@results.command(
    examples={
        "understudy results compare pair-btc maker-btc": "two backtests, side by side",
        "understudy results compare pair-btc ~/.understudy": "a backtest and a real run",
    },
)
@click.argument("first")
@click.argument("second")
@last_option
@shared.json_option
@click.pass_obj
def compare(results_dir: Path, first: str, second: str, last: int | None, is_json: bool) -> None:
    """Compare two runs: backtests, or data directories of a system.

    Numbers are shown side by side. Orders are paired in the windows that both have: the same
    action, outcome, limit and size within 250 ms. Each order without a partner is shown with a
    reason.
    """
    with shared.failing_on(BadResults, code=ExitCode.BAD_INPUT):
        runs = [read_compared(_folder(results_dir, each)) for each in (first, second)]
    found = compare_runs(*runs)
    if is_json:
        shared.print_json(comparison_json(found))
    else:
        rows = row_limit(last, is_for_programs=False)
        Screen().print(comparison_view(found, rows=rows))


def _folder(results_dir: Path, name: str) -> Path:
    """A data directory or a result's folder by its path, or a result by its name."""
    path = Path(name).expanduser()
    return path if path.is_dir() else find_run(results_dir, name).folder


def _view(run: StoredRun, *, rows: int | None) -> RenderableType:
    if run.run["kind"] == "search":
        with shared.needs_extra("research", "optuna"):
            from understudy.results.search_view import search_view

            return search_view(run, rows=rows)
    return run_view(run, rows=rows)


def find_run(results_dir: Path, name: str) -> StoredRun:
    """Find a run by its folder or the beginning of its name, or end the command: bad input."""
    if name and (Path(name) / "run.json").is_file():
        with shared.failing_on(BadResults, code=ExitCode.BAD_INPUT):
            return read_run(Path(name))
    found = [run for run in _runs(results_dir) if run.name.startswith(name)]
    if not found:
        what = f"no backtest whose name begins with {name!r}" if name else "no backtest"
        shared.fail(f"there is {what} in {results_dir}", ExitCode.BAD_INPUT)
    return found[0]


def _runs(results_dir: Path) -> list[StoredRun]:
    if not results_dir.is_dir():
        return []
    with shared.failing_on(BadResults):
        listed = list(list_runs(results_dir))
    for each in listed:
        if isinstance(each, BadResults):
            echo_shown(f"understudy: {each}", err=True)
    return [each for each in listed if isinstance(each, StoredRun)]


def _table(runs: list[StoredRun]) -> Table:
    numeric = ("windows", "P&L", "a window", "Sharpe", "drawdown")
    table = listing("ran", "run", *numeric, right=numeric, fold=("run",))
    for run in runs:
        table.add_row(*(_search_cells(run) if run.run["kind"] == "search" else _cells(run)))
    return table


def _search_cells(run: StoredRun) -> tuple[str, ...]:
    score = (run.summary["best"] or {}).get("out_of_sample")
    shown_score = "-" if score is None else f"{score:+,.4f}"
    return "", run.name, str(run.summary["windows_seen"]), "", shown_score


def _cells(run: StoredRun) -> tuple[str, ...]:
    summary = run.summary
    mean, sharpe = summary["mean_window"], summary["sharpe_window"]
    return (
        str(run.timing.get("began", ""))[:16].replace("T", " "),
        run.name,
        str(summary["settled"]),
        f"{float(summary['pnl']):+,.2f}",
        "-" if mean is None else f"{float(mean):+,.4f}",
        "-" if sharpe is None else f"{sharpe:+.3f}",
        f"{float(summary['drawdown']['amount']):,.2f}",
    )
