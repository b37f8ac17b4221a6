"""``understudy config``: check a file before it is used, show what is in force."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from understudy.commands import shared
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.settings.config import Config, Effective, Source, config_of
from understudy.settings.contradictions import contradictions
from understudy.settings.keys import toml_text
from understudy.teaching import group
from understudy.watching.observation import Unanswered, ask_status


@group(
    examples={
        "understudy config check my.toml": "before a file is used",
        "understudy config show --config my.toml": "every setting, and where its value comes from",
    },
)
def config() -> None:
    """Check or show a configuration.

    A configuration is one TOML file; every key has a default, so it names only what differs.
    All keys: docs/configuration.md.
    """


@config.command(
    examples={
        "understudy config check my.toml": "before a file is used",
        "understudy config check my.toml && make run": "in scripts: exit code 2 if it is wrong",
    },
)
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Say whether FILE can be used, and if not, what is wrong with it.

    Prints "ok", or a sentence for each problem and exit code 2. Values that contradict each other
    are problems too, although a run would accept them.
    """
    problems = contradictions(shared.load_config(file).settings)
    for problem in problems:
        echo_shown(f"understudy: {file}: {problem}", err=True)
    if problems:
        raise click.exceptions.Exit(ExitCode.BAD_INPUT)
    echo_shown("ok")


@config.command(
    examples={
        "understudy config show": "the defaults",
        "understudy config show --config my.toml": "a file's values among them",
        "understudy config show --data-dir ./demo": "what a running system uses",
        "understudy config show --set strategy.oracle=diffusion": "what an option would do",
        "understudy config show --json | jq '.\"series.asset\".value'": "one value, for a script",
    },
)
@shared.config_option
@shared.assignment_option
@shared.series_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Show the settings of the system that runs on this directory.",
)
@shared.json_option
def show(
    config_path: Path | None,
    assignments: tuple[str, ...],
    series: tuple[str, ...],
    data_dir: Path | None,
    is_json: bool,
) -> None:
    """Show every setting: its value, the source of the value, and its meaning.

    With --data-dir, the settings that a running system uses, some of which a demo changes.
    """
    if data_dir is not None and (config_path is not None or assignments or series):
        sentence = "--data-dir shows a running system: leave out --config, --set and --series"
        shared.fail(sentence, ExitCode.BAD_INPUT)
    if data_dir is None:
        loaded = shared.load_config(config_path, assignments, series)
    else:
        with shared.failing_on(Unanswered):
            loaded = config_of(ask_status(shared.existing_directory(data_dir)).settings)
    if is_json:
        shared.print_json(_as_json(loaded))
    else:
        Screen().print(_table(loaded))


def _as_json(loaded: Config) -> dict[str, dict[str, object]]:
    told = {each.key.full_name: _key_json(each) for each in loaded.effective}
    for name, own in loaded.series.items():
        told |= {f"series.{name}.{each.key.full_name}": _key_json(each) for each in own}
    return told


def _key_json(each: Effective) -> dict[str, object]:
    return {
        "value": each.value,
        "source": each.source.value,
        "allowed": each.key.rule.allowed,
        "meaning": each.key.meaning,
    }


def _table(loaded: Config) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("key", "value", "source", "meaning"):
        widest = 34 if heading == "value" else None
        table.add_column(heading, overflow="fold", max_width=widest, no_wrap=heading == "key")
    section = ""
    for each in loaded.effective:
        if each.key.section != section:
            section = each.key.section
            table.add_row(Text(f"[{section}]", "bold cyan"))
        _add(table, each.key.name, each)
    for name, own in loaded.series.items():
        table.add_row(Text(f"[[series]] {name}", "bold cyan"))
        for each in own:
            _add(table, each.key.full_name.removeprefix("series."), each)
    return table


def _add(table: Table, name: str, each: Effective) -> None:
    table.add_row(
        name,
        toml_text(each.value),
        each.source.value,
        Text(each.key.meaning, "dim"),
        style="" if each.source is Source.DEFAULT else "yellow",
    )
