"""``understudy series``: which series a running system trades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from understudy.commands import shared
from understudy.display.terminal import echo_shown
from understudy.teaching import group

_reason_option = click.option(
    "--reason", default="", metavar="TEXT", help="Recorded with the change."
)


@group(
    examples={
        "understudy series list": "what is traded now",
        "understudy series add sol-5m": "trade one more, with its settings of the run's file",
        "understudy series drop eth-5m": "trade its window to the end, and no other",
    },
)
def series() -> None:
    """Add and drop series during a run.

    Each change is one record in the journal, with its author, time and reason. It lasts as long as
    the run: the next one trades what its configuration says, and reports the difference.
    """


@series.command(
    "list",
    examples={
        "understudy series list": "what is traded, and which series end with their window",
        "understudy series list --json": "for a script",
    },
)
@shared.data_dir_option
@shared.json_option
def list_series(data_dir: Path, is_json: bool) -> None:
    """List what the running system trades."""
    _show(shared.ask_system(data_dir, "series"), is_json=is_json)


@series.command(
    examples={
        "understudy series add sol-5m": "from its next window on",
        'understudy series add sol-5m --reason "quiet weekend"': "with a reason",
    },
)
@click.argument("name")
@_reason_option
@shared.data_dir_option
@shared.json_option
def add(name: str, reason: str, data_dir: Path, is_json: bool) -> None:
    """Trade one more series, from its next window on.

    Its settings are those in the run's file, for this series or else for all. Feeds and observer
    are restarted for it, so the others' books are sent again: a second without a tick.
    """
    _show(
        shared.ask_system(data_dir, "series", what="add", name=name, reason=reason), is_json=is_json
    )


@series.command(
    examples={
        "understudy series drop eth-5m": "its orders go on until its window has settled",
        'understudy series drop eth-5m --reason "no edge"': "with a reason",
    },
)
@click.argument("name")
@_reason_option
@shared.data_dir_option
@shared.json_option
def drop(name: str, reason: str, data_dir: Path, is_json: bool) -> None:
    """Trade a series only to the end of its present window; its actors end once it has settled."""
    _show(
        shared.ask_system(data_dir, "series", what="drop", name=name, reason=reason),
        is_json=is_json,
    )


def _show(reply: dict[str, Any], *, is_json: bool) -> None:
    if is_json:
        shared.print_json(reply)
        return
    for each in reply["series"]:
        echo_shown(each["name"] + (" until its window ends" if each["is_ending"] else ""))
