"""``understudy strategy``: create, check and list strategies."""

from __future__ import annotations

import re
from pathlib import Path

import click
from rich.text import Text

from actors.settings import Settings, StrategySettings
from actors.strategy.choice import BUILT_IN, PAIR, strategy_class
from actors.strategy.contract import Strategy
from actors.strategy.loading import StrategyUnavailable, names_of_packages
from understudy.commands import shared
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.settings.keys import ConfigError, Key, toml_text
from understudy.settings.strategy_keys import keys_of
from understudy.strategy.check import CheckReport
from understudy.strategy.check import check as run_check
from understudy.strategy.template import strategy_text, test_text
from understudy.teaching import group

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@group(
    examples={
        "understudy strategy new my_idea": "a working file, and a test beside it",
        "understudy strategy check my_idea.py": "before it trades, on paper or for real",
        "understudy run --demo --set strategy.use=my_idea.py": "and let it trade in the demo",
    },
)
def strategy() -> None:
    """Write, check and list strategies.

    A strategy is a class in a file of your own, or a built-in one; strategy.use selects it.
    docs/tutorial.md is a complete tour, docs/strategy.md the contract.
    """


@strategy.command(
    examples={
        "understudy strategy new my_idea": "writes my_idea.py and test_my_idea.py here",
        "understudy strategy new my_idea --dir ~/strategies": "or elsewhere",
    },
)
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Where to write them; created if it does not exist.",
)
def new(name: str, folder: Path) -> None:
    """Write NAME.py with a small working strategy, and test_NAME.py beside it.

    Existing files are not overwritten.
    """
    if not _NAME.fullmatch(name):
        shared.fail(
            f"{name}: must be lower-case letters, digits and _, such as my_idea", _BAD_INPUT
        )
    texts = {f"{name}.py": strategy_text(name), f"test_{name}.py": test_text(name)}
    folder = folder.expanduser()
    for file_name in texts:
        if (folder / file_name).exists():
            shared.fail(f"{folder / file_name} exists already, and is not overwritten", _BAD_INPUT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file_name, text in texts.items():
            (folder / file_name).write_text(text, encoding="utf-8")
            echo_shown(f"written: {folder / file_name}")
    except OSError as error:
        shared.fail(f"{error.filename} cannot be written: {error.strerror}")
    echo_shown(f"next: understudy strategy check {folder / name}.py")


_BAD_INPUT = ExitCode.BAD_INPUT


@strategy.command(
    examples={
        "understudy strategy check my_idea.py": "the only strategy of a file",
        "understudy strategy check my_idea.py:Fast": "one of several",
        "understudy strategy check maker --set strategy.parameters.quiet_s=30": "with parameters",
    },
)
@click.argument("use", metavar="FILE")
@shared.assignment_option
def check(use: str, assignments: tuple[str, ...]) -> None:
    """Check that FILE, or a strategy given by name, keeps the contract.

    The strategy is asked for a decision at each step of a seeded walk through three windows, in
    which books are empty, crossed or stale, prices missing, shares held and orders working. The
    check finds exceptions, decisions that differ the second time, values that cannot be pickled,
    slowness, and orders that the desk or the venue would refuse. Use of files, clocks or networks
    is reported, not forbidden. Exit code 1 if anything is wrong.
    """
    loaded = shared.load_config(None, (*assignments, f"strategy.use={toml_text(use)}"))
    with shared.failing_on(StrategyUnavailable, code=_BAD_INPUT):
        report = run_check(loaded.settings)
    _show(report, loaded.settings)
    if report.problems:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _show(report: CheckReport, settings: Settings) -> None:
    for problem in report.problems:
        echo_shown(f"problem: {problem}")
    for note in report.notes:
        echo_shown(f"note: {note}")
    echo_shown(
        f"{settings.strategy.use}: {report.evaluated_count} evaluations, "
        f"{report.ordered_count} orders, {report.median_ms:.3f} ms each, "
        f"{report.slowest_ms:.1f} ms at most"
    )
    if not report.problems:
        echo_shown("ok")


@strategy.command(
    "list",
    examples={
        "understudy strategy list": "what strategy.use may name, with all parameters",
        "understudy strategy list my_idea.py": "the parameters of a file's strategy",
    },
)
@click.argument("use", metavar="[FILE]", default="")
def list_strategies(use: str) -> None:
    """List the built-in strategies and those of installed packages, with parameters.

    With FILE only that one. Parameters are keys of [strategy.parameters].
    """
    names = [use] if use else [*BUILT_IN, *names_of_packages()]
    console = Screen()
    for name in names:
        settings = shared.load_config(None, (f"strategy.use={toml_text(name)}",)).settings.strategy
        with shared.failing_on(ConfigError, StrategyUnavailable, code=_BAD_INPUT):
            keys = keys_of(settings).parameters.values()
            found = strategy_class(settings)
        title = Text(_title(settings, found), "bold")
        summary = (found.__doc__ or "").strip().partition("\n")[0]
        console.print(title.append(f"  {summary}", "not bold dim"), soft_wrap=True)
        for key in keys:
            console.print(_row(key), highlight=False, soft_wrap=True)
        console.print()


def _title(settings: StrategySettings, found: type[Strategy]) -> str:
    default = " (the default)" if settings.use == PAIR else ""
    return f"{settings.use}{default}" if settings.file is None else found.__name__


def _row(key: Key) -> Text:
    row = Text(f"  {key.name} = {toml_text(key.default)}")
    return row.append(f"  {key.meaning} ({key.rule.allowed})", "dim")
