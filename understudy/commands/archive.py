"""``understudy archive``: a journal that does not grow for ever."""

from __future__ import annotations

import time
from pathlib import Path

import click

from understudy.commands import shared
from understudy.data_dir.archiving import archive as archive_journal
from understudy.data_dir.backup import BackupFailed
from understudy.display.terminal import echo_shown
from understudy.teaching import command

_DAY_MS = 86_400_000


@command(
    examples={
        "understudy archive july.sqlite": "events older than 30 days leave the journal",
        "understudy archive all.sqlite --days 0": "all of them but those of open orders",
        "understudy restore july.sqlite --data-dir ./july": "read the copy later",
    },
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--days",
    type=click.FloatRange(0, 10_000),
    default=30.0,
    show_default=True,
    metavar="N",
    help="Remove events older than N days.",
)
@shared.data_dir_option
@shared.json_option
def archive(file: Path, days: float, data_dir: Path, is_json: bool) -> None:
    """Copy the whole journal into FILE, then remove old events from it.

    Orders, fills, windows and their results stay; report, the lists and a restart need nothing
    else. What is removed is their history: explain for an ended order then needs the copy, which is
    a complete journal. Events of open orders stay. The system may run: no order waits longer than
    for another record, and the space is reused. Only while the system is stopped does the file
    shrink.

    Exit codes: 0 done, 1 not: the line says what was done, 2 bad input.
    """
    before_ms = int(time.time() * 1000 - days * _DAY_MS)
    directory = shared.existing_directory(data_dir)
    with shared.failing_on(BackupFailed):
        done = archive_journal(directory, file.expanduser().absolute(), before_ms)
    if is_json:
        told = {
            "file": str(done.copy.path),
            "removed": done.removed,
            "left": done.left,
            "is_shrunk": done.is_shrunk,
            "bytes": done.size_bytes,
        }
        shared.print_json(told)
        return
    how = "" if done.is_shrunk else "; the run uses the space again" if done.removed else ""
    echo_shown(
        f"{done.copy.path} has all {done.copy.last_seq} events; {done.removed} of them have left "
        f"the journal, {done.left} stay, {done.size_bytes:,} bytes{how}"
    )
