"""``understudy crashes`` and ``understudy replay``: list crashes, and reproduce them."""

from __future__ import annotations

import pdb
import shlex
import traceback
from pathlib import Path
from typing import Any

import attrs
import click
from rich.table import Table

from actors.runtime.crash_file import BadCrashFile, CrashReport, crash_files, read_report
from understudy.commands import shared
from understudy.display.screen import Screen
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.replaying import NotReplayed, check, replay_file, write_test
from understudy.teaching import command


@command(
    examples={
        "understudy crashes": "recent crashes, the newest last",
        "understudy crashes --data-dir ./demo": "of a run that has its own directory",
        "understudy crashes --json | jq -r '.crashes[-1].file'": "the newest one's file",
    },
)
@shared.data_dir_option
@shared.json_option
def crashes(data_dir: Path, is_json: bool) -> None:
    """List the crashes whose files are kept, whether or not the system runs.

    An actor whose core raises, or hangs and is ended, leaves a file in the directory "crashes" of
    the data directory: the exception, and all that is needed to reproduce it with "understudy
    replay". The newest 20 are kept.
    """
    directory = shared.existing_directory(data_dir)
    read, damaged = [], []
    for path in crash_files(directory):
        try:
            read.append((path, read_report(path)))
        except BadCrashFile as problem:
            damaged.append(str(problem))
    if is_json:
        rows = [_json_of(path, report) for path, report in read]
        shared.print_json({"crashes": rows, "damaged": damaged})
        return
    if read:
        Screen().print(_table(read))
        echo_shown(f"their files, named by time, actor and generation: {read[-1][0].parent}")
        echo_shown(f"the newest again: understudy replay {shlex.quote(str(read[-1][0]))}")
    else:
        echo_shown("nothing has crashed")
    for sentence in damaged:
        echo_shown(sentence, err=True)


@command(
    examples={
        "understudy replay crashes/20261128T071745.123456-position-3": "the same crash, here",
        "understudy replay FILE --pdb": "stop in the debugger where it raised",
        "understudy replay FILE --test tests/test_it.py": "a test that fails until it is fixed",
    },
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--pdb", "is_debugged", is_flag=True, help="Stop in Python's debugger at the crash.")
@click.option(
    "--test",
    "test_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a pytest that fails the same way; the crash file is copied beside it.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Accept a file of another version, or one that others could write.",
)
def replay(file: Path, is_debugged: bool, test_file: Path | None, force: bool) -> None:
    """Replay to an actor, in this process, all messages before its crash.

    FILE is one that "understudy crashes" lists. Nothing is sent, recorded or traded: the actor's
    effects are not performed. Only classes that make up actors and messages are created from the
    file, so a file from somebody else runs no code of theirs.

    Exit codes: 0 the same exception is raised again, 1 another one or none is.
    """
    try:
        try:
            check(file)
        except NotReplayed as reason:
            if not force:
                shared.fail(f"{reason}: add --force to replay it anyway", ExitCode.BAD_INPUT)
            echo_shown(f"{reason}; replayed all the same", err=True)
        outcome = replay_file(file)
    except BadCrashFile as problem:
        shared.fail(str(problem), ExitCode.BAD_INPUT)
    if outcome.error is not None:
        echo_shown("".join(traceback.format_exception(outcome.error)))
    echo_shown(outcome.sentence)
    if test_file is not None:
        try:
            record = write_test(file, outcome.report, test_file)
        except OSError as error:
            shared.fail(f"{error.filename or test_file} cannot be written: {error.strerror}")
        echo_shown(f"{test_file} fails the same way; it reads {record}")
    if is_debugged and outcome.error is not None:
        pdb.post_mortem(outcome.error.__traceback__)
    if not outcome.is_same:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _table(read: list[tuple[Path, CrashReport]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("at", "actor", "gen", "on", "what"):
        table.add_column(name, overflow="fold")
    for _path, report in read:
        what = f"{report.error}: {report.text}".partition("\n")[0]
        at = report.at.partition(".")[0].replace("T", " ")
        table.add_row(at, report.role, str(report.generation), report.message, what)
    return table


def _json_of(path: Path, report: CrashReport) -> dict[str, Any]:
    told = attrs.asdict(report, filter=lambda field, _value: field.name != "settings")
    return {"file": str(path), **told}
