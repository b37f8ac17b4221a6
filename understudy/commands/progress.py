"""The progress bar of commands that take long."""

from __future__ import annotations

import sys

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from understudy.display.screen import Screen


def progress_bar(
    label: str, *columns: ProgressColumn, is_shown: bool, is_transient: bool = False
) -> Progress:
    """Make a bar on stderr with the number done and the time the rest will take.

    Args:
        label: in front of the bar; may name fields of its task, such as ``{task.description}``.
        columns: further columns between the count and the remaining time.
        is_shown: False to draw nothing; without a terminal nothing is drawn either.
        is_transient: whether it disappears when it is full.
    """
    console = Screen(sys.stderr)
    return Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=is_transient,
        disable=not (is_shown and console.is_terminal),
    )
