"""Options that several commands share, so that they look and work alike."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from actors.series import series_named
from actors.supervision.layouts import ISOLATED, LAYOUTS
from understudy.control import ControlError, NotRunning, Reply, ask
from understudy.display.terminal import say
from understudy.processes.exit_codes import ExitCode
from understudy.settings.config import Config, ConfigError, load
from understudy.settings.options import DEFAULT_DATA_DIR

_Command = TypeVar("_Command", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file of settings. No other file is read.",
)

assignment_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, such as strategy.max_shares=50; overrides the file. May be repeated.",
)

use_option = click.option(
    "--use",
    metavar="STRATEGY",
    help="Which strategy: pair, maker, or FILE.py:Name; the same as --set strategy.use=…",
)

series_option = click.option(
    "--series",
    "series",
    metavar="NAMES",
    callback=lambda _context, _parameter, value: _names(value),
    help="Series to trade, such as btc-15m,eth-5m, instead of the file's.",
)

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=DEFAULT_DATA_DIR,
    show_default=True,
    help="Directory of the system's journal, log and control socket.",
)

results_dir_option = click.option(
    "--results",
    "results_dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=DEFAULT_DATA_DIR / "results",
    show_default=True,
    help="Directory where results are kept, a folder each.",
)


def whole_number_option(
    *names: str,
    least: int = 0,
    most: int | None = None,
    default: int | None = None,
    metavar: str = "N",
    help_text: str,
) -> Callable[[_Command], _Command]:
    """An option for an integer; its help names the default, if there is one."""
    return click.option(
        *names,
        type=click.IntRange(least, most),
        metavar=metavar,
        default=default,
        show_default=default is not None,
        help=help_text,
    )


def layout_option(help_text: str) -> Callable[[_Command], _Command]:
    """``--layout``: which actors share a process."""
    return click.option(
        "--layout",
        type=click.Choice(LAYOUTS),
        default=ISOLATED,
        show_default=True,
        help=help_text,
    )


def mode_option(help_text: str) -> Callable[[_Command], _Command]:
    """``--mode``: whether orders are simulated or signed."""
    return click.option(
        "--mode",
        type=click.Choice(["simulated", "live"]),
        default="simulated",
        show_default=True,
        help=help_text,
    )


def own_series_option(default: Sequence[str], help_text: str) -> Callable[[_Command], _Command]:
    """``--series`` of a command with its own exchange, which always trades some series."""
    return click.option(
        "--series",
        callback=_series_names,
        metavar="NAMES",
        default=",".join(default),
        show_default=True,
        help=help_text,
    )


def _series_names(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> tuple[str, ...]:
    names = _names(value)
    try:
        for name in names:
            series_named(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return tuple(dict.fromkeys(names))


json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON for programs.")


def fail(sentence: str, code: ExitCode = ExitCode.FAILED) -> NoReturn:
    """End the command with one sentence on stderr and an exit code."""
    say(sentence)
    raise click.exceptions.Exit(code)


@contextlib.contextmanager
def failing_on(*kinds: type[Exception], code: ExitCode = ExitCode.FAILED) -> Iterator[None]:
    """End the command with the sentence of an exception of these kinds."""
    try:
        yield
    except kinds as problem:
        fail(str(problem), code)


def print_json(value: object) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, indent=2))


def _names(value: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",")) if value else ()


def load_config(
    path: Path | None, assignments: tuple[str, ...] = (), series: tuple[str, ...] = ()
) -> Config:
    """Load a configuration, or end the command: bad input."""
    with failing_on(ConfigError, code=ExitCode.BAD_INPUT):
        return load(path, assignments, series)


def ask_system(data_dir: Path, command: str, **arguments: object) -> Reply:
    """Ask the system that runs on a data directory, or end the command: failed."""
    with failing_on(NotRunning, ControlError):
        return ask(data_dir.expanduser().absolute(), command, **arguments)


def existing_directory(data_dir: Path) -> Path:
    """Return a data directory's absolute path, or end the command if there is none: bad input."""
    directory = data_dir.expanduser().absolute()
    if not directory.is_dir():
        fail(f"there is no directory {directory}: nothing has run there yet", ExitCode.BAD_INPUT)
    return directory


@contextlib.contextmanager
def needs_extra(extra: str, *modules: str) -> Iterator[None]:
    """Let a block import what an extra provides, or end the command with the way to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in modules:
            raise
        fail(
            f"{error.name} is not installed: pip install 'understudy[{extra}]'", ExitCode.BAD_INPUT
        )
