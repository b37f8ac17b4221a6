"""Common parts of the reading commands: their options, and opening the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from actors.runtime.journal_file import JOURNAL_NAME, JournalError
from understudy.commands import shared
from understudy.display.terminal import say
from understudy.processes.exit_codes import ExitCode
from understudy.reading.archive import Archive
from understudy.reading.csv_rows import csv_text

ROWS_ON_SCREEN = 50
"""Rows of a table, unless ``--last`` says otherwise."""

_WIDE_COLUMNS = 110

market_option = click.option(
    "--market",
    metavar="M",
    default="",
    help="Only markets with M in their slug or whose id begins with M; or a series: btc-15m.",
)

csv_option = click.option(
    "--csv", "is_csv", is_flag=True, help="Print CSV with the fields of --json."
)

last_option = click.option(
    "--last",
    "last",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Only the newest N; 0: all.  [default: {ROWS_ON_SCREEN}; all with --json or --csv]",
)


@contextmanager
def opened(data_dir: Path) -> Iterator[Archive]:
    """Open a directory's journal; one that cannot be read ends the command with one sentence.

    Damaged rows are reported at the end, each in a sentence, and in the exit status: the output of
    the block lacks them.
    """
    path = data_dir.expanduser().absolute() / JOURNAL_NAME
    try:
        is_missing = not path.exists()
    except OSError as error:
        shared.fail(f"--data-dir {data_dir} cannot be used: {error.strerror}", ExitCode.BAD_INPUT)
    try:
        archive = Archive(path.parent)
    except JournalError as error:
        shared.fail(str(error), ExitCode.BAD_INPUT if is_missing else ExitCode.JOURNAL_UNUSABLE)
    try:
        yield archive
    except JournalError as error:
        shared.fail(str(error), ExitCode.JOURNAL_UNUSABLE)
    finally:
        archive.close()
        for sentence in archive.damage:
            say(sentence)
    if archive.damage:
        raise click.exceptions.Exit(ExitCode.JOURNAL_UNUSABLE)


def row_limit(last: int | None, *, is_for_programs: bool) -> int | None:
    """The number of rows for ``--last``; None for all."""
    if last is None:
        return None if is_for_programs else ROWS_ON_SCREEN
    return last or None


def print_rows(name: str, rows: Sequence[Mapping[str, object]], *, is_csv: bool) -> None:
    """Print a list for programs: as CSV, or as a JSON object that has it under its name."""
    if is_csv:
        click.echo(csv_text(rows), nl=False)
    else:
        shared.print_json({name: rows})


def is_wide(console: Console) -> bool:
    """Whether there is room for the less important columns."""
    return console.width >= _WIDE_COLUMNS
