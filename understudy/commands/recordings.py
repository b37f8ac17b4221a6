"""``understudy recordings``: list and check recordings, and import windows of others."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import click
from rich.table import Table

from actors.units import e18_text
from research.recordings.importing import Importing, attribution_beside
from research.recordings.listing import RecordingRow, faults_of, rows_of
from research.recordings.model import SUFFIX
from research.recordings.places import BadRecording, list_files
from research.recordings.window_files import MalformedRecording
from understudy.commands import shared
from understudy.commands.progress import progress_bar
from understudy.commands.reading import csv_option, is_wide, print_rows
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown, say
from understudy.processes.exit_codes import ExitCode
from understudy.reading.moments import iso_text, minute_label
from understudy.settings.options import DEFAULT_RECORDINGS
from understudy.teaching import TaughtGroup

_LIST = "list"
_WINDOW_SUFFIXES = (".jsonl", ".jsonl.zst")


class _ListingGroup(TaughtGroup):
    """A group that lists recordings when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = next((each for each in args if not each.startswith("-")), "")
        if first not in self.commands and not {"--help", "-h"}.intersection(args):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_ListingGroup,
    examples={
        "understudy recordings": "what this machine has recorded",
        "understudy recordings ./recordings --csv": "another directory, for a spreadsheet",
        "understudy recordings s3://bucket/windows": "a bucket, with s3fs installed",
        "understudy recordings verify": "read everything, and name what is damaged",
        "understudy recordings import ./theirs": "windows that others recorded",
    },
)
def recordings() -> None:
    """List recorded windows: `understudy recordings [DIR] [--json | --csv]`.

    DIR is a directory or an address, and ~/.understudy/recordings if none is named.
    docs/recordings.md says how to record, and what is in a file.
    """


@recordings.command(
    name=_LIST,
    hidden=True,
    examples={"understudy recordings list ./recordings": "the same as without `list`"},
)
@click.argument("folder", metavar="[DIR]", default=str(DEFAULT_RECORDINGS))
@shared.json_option
@csv_option
def list_recordings(folder: str, is_json: bool, is_csv: bool) -> None:
    """List the recordings of DIR.

    Exit codes: 0 ok, 1 one of them cannot be read, 2 bad input.
    """
    with shared.failing_on(BadRecording, code=ExitCode.BAD_INPUT):
        found = list(rows_of(_place(folder)))
    rows = [each for each in found if isinstance(each, RecordingRow)]
    if is_json or is_csv:
        print_rows("recordings", [_fields(row) for row in rows], is_csv=is_csv)
    else:
        _print_table(rows)
    problems = [str(each) for each in found if isinstance(each, BadRecording)]
    for sentence in problems:
        say(sentence)
    if problems:
        raise click.exceptions.Exit(ExitCode.FAILED)


@recordings.command(
    examples={
        "understudy recordings verify": "of the default directory",
        "understudy recordings verify ./recordings --json": "for a script",
    },
)
@click.argument("folder", metavar="[DIR]", default=str(DEFAULT_RECORDINGS))
@shared.json_option
def verify(folder: str, is_json: bool) -> None:
    """Read every recording of DIR completely, and report damage in a sentence.

    A recording without an end is reported and counts as intact: it may be in progress.

    Exit codes: 0 all are intact, 1 one is not, 2 bad input.
    """
    with shared.failing_on(BadRecording, code=ExitCode.BAD_INPUT):
        places = list_files(_place(folder), SUFFIX)
    with progress_bar("verified", is_shown=not is_json, is_transient=True) as progress:
        told = [
            {"place": str(place), "faults": faults_of(place)} for place in progress.track(places)
        ]
    unsound = [each for each in told if any("was not ended" not in f for f in each["faults"])]
    if is_json:
        print_rows("recordings", told, is_csv=False)
    else:
        for each in told:
            for sentence in each["faults"]:
                echo_shown(sentence)
        echo_shown(f"{len(told)} recordings, {len(unsound)} of them damaged")
    if unsound:
        raise click.exceptions.Exit(ExitCode.FAILED)


@recordings.command(
    name="import",
    examples={
        "understudy recordings import ./theirs": "into the default directory",
        "understudy recordings import btc-updown-5m-*.jsonl.zst --dir ./hour": "into another",
    },
)
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar="FILE|DIR...",
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "--dir",
    "--into",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_RECORDINGS,
    metavar="DIR",
    help=f"Where the recordings go.  [default: {DEFAULT_RECORDINGS}]",
)
@click.option(
    "--attribution",
    metavar="TEXT",
    help="Whose data it is, and on which terms; kept in each recording.  [default: the line "
    "`Source: …` of a README beside the files]",
)
def import_windows(sources: tuple[Path, ...], folder: Path, attribution: str | None) -> None:
    """Import windows that others recorded, with one line of JSON per frame.

    A line is {"recv_ts": seconds, "raw": "the frame"}; the file is named after its window, plain or
    compressed with zstd. Such files have books and no prices: the underlying's price, strike and
    result are derived from the books, and every such frame is marked as derived. Existing windows
    are not replaced. In a directory, its *.jsonl and *.jsonl.zst files are imported.

    Exit codes: 0 ok, 1 failed, 2 a file is none of those.
    """
    files = _window_files(sources)
    folder = folder.expanduser().absolute()
    found = attribution_beside(files) if attribution is None else attribution
    written_count = 0
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with progress_bar("read and written", is_shown=True, is_transient=True) as progress:
            task = progress.add_task("", total=2 * len(files))
            importing = Importing(
                files, found, f"understudy {version('understudy')}", lambda: progress.advance(task)
            )
            for _, was_written in importing.into(folder):
                written_count += was_written
                progress.advance(task)
    except MalformedRecording as problem:
        shared.fail(str(problem), ExitCode.BAD_INPUT)
    except OSError as problem:
        shared.fail(f"{folder} cannot be written: {problem.strerror or problem}")
    echo_shown(f"{written_count} windows written to {folder}, {len(files) - written_count} there")
    echo_shown(f"their source: {found or 'unknown; set it with --attribution'}")


def _window_files(sources: Sequence[Path]) -> list[Path]:
    """Return the files named and, of each directory named, those named after windows."""
    files: list[Path] = []
    for source in sources:
        if not source.is_dir():
            files.append(source)
            continue
        inside = sorted(each for each in source.iterdir() if each.name.endswith(_WINDOW_SUFFIXES))
        if not inside:
            shared.fail(f"{source} has no *.jsonl or *.jsonl.zst", ExitCode.BAD_INPUT)
        files += inside
    return files


def _place(folder: str) -> str | Path:
    return folder if "://" in folder else Path(folder).expanduser().absolute()


def _fields(row: RecordingRow) -> dict[str, Any]:
    fields = attrs.asdict(row)
    fields["opens_at"] = iso_text(fields.pop("opens_at_ms"))
    strike = fields.pop("strike_e18")
    fields["strike"] = None if strike is None else e18_text(int(strike))
    return fields


def _print_table(rows: Sequence[RecordingRow]) -> None:
    console = Screen()
    if not rows:
        console.print("no recording yet", style="dim")
        return
    has_room = is_wide(console)
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("series", "opens"):
        table.add_column(heading, no_wrap=True)
    for heading in ("covered", "gaps", "frames", *(("MB",) if has_room else ()), "strike"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("by", "result"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(
            row.series,
            minute_label(row.opens_at_ms),
            f"{100 * row.coverage:.1f} %",
            f"{row.gaps_count} ({row.gaps_ms / 1000:.1f} s)" if row.gaps_count else "-",
            f"{row.frames:,}",
            *((f"{row.size_bytes / 1e6:.2f}",) if has_room else ()),
            "-" if row.strike_e18 is None else f"{int(row.strike_e18) / 10**18:,.2f}",
            row.strike_source or "-",
            row.winner or ("-" if row.is_ended else "not ended"),
        )
    console.print(table)
