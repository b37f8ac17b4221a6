"""``understudy backup`` and ``restore``: a journal's copy, made while the system runs."""

from __future__ import annotations

from pathlib import Path

import click

from understudy.commands import shared
from understudy.data_dir.backup import BackupFailed, back_up, restore
from understudy.data_dir.ownership import DirectoryLocked
from understudy.display.terminal import echo_shown, say
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command

_file = click.Path(path_type=Path)


@command(
    examples={
        "understudy backup journal-monday.sqlite": "of the default data directory",
        "understudy backup /mnt/$(date +%F).sqlite --json": "from a timer",
    },
)
@click.argument("file", type=_file)
@shared.data_dir_option
@shared.json_option
def backup(file: Path, data_dir: Path, is_json: bool) -> None:
    """Copy the journal into FILE, as a consistent snapshot, whether or not the system runs.

    Copying the journal's file by other means can miss part of what was recorded. No order waits for
    this. The copy is checked (damaged rows are named, and copied unchanged), synced to the disk,
    and readable by its user only.

    Exit codes: 0 copied, 1 not, 2 bad input.
    """
    with shared.failing_on(BackupFailed):
        copy = back_up(shared.existing_directory(data_dir), file.expanduser().absolute())
    if is_json:
        told = {"file": str(copy.path), "bytes": copy.size_bytes, "last_event": copy.last_seq}
        shared.print_json(told)
    else:
        echo_shown(f"{copy.path}: {copy.size_bytes:,} bytes, up to event {copy.last_seq}")
    for sentence in copy.damage:
        say(f"copied unchanged: {sentence}")


@command(
    name="restore",
    examples={
        "understudy restore journal-monday.sqlite": "into the default data directory",
        "understudy restore copy.sqlite --data-dir ./look": "into another, to look at it",
    },
)
@click.argument("file", type=_file)
@shared.data_dir_option
@shared.json_option
def restore_command(file: Path, data_dir: Path, is_json: bool) -> None:
    """Replace the journal with a copy, while no system runs there.

    The previous journal is kept beside it. A file HALT is written, so that the next run begins
    halted, because the copy lacks what happened after it was made. Look at the venue's own records,
    then remove HALT and call understudy resume.

    Exit codes: 0 restored, 1 not, 3 a run uses the directory.
    """
    with shared.failing_on(DirectoryLocked, code=ExitCode.LOCKED), shared.failing_on(BackupFailed):
        copy, aside = restore(file.expanduser().absolute(), data_dir.expanduser().absolute())
    if is_json:
        told = {
            "file": str(copy.path),
            "last_event": copy.last_seq,
            "kept": None if aside is None else str(aside),
        }
        shared.print_json(told)
        return
    echo_shown(f"{copy.path}: restored up to event {copy.last_seq}; the next run begins halted")
    if aside is not None:
        echo_shown(f"what was there is kept as {aside}")
