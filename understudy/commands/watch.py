"""``understudy watch``: the live view of a system that was started elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from understudy.commands import shared
from understudy.display.live_view import LiveView
from understudy.display.status import Status
from understudy.display.terminal import echo_shown
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command
from understudy.watching.health import why_down
from understudy.watching.observation import Lookout, Unanswered, ask_status

_EVERY_S = 0.5
_PATIENCE_S = 10.0
"""A system silent for this long is no longer shown: its last status is old."""


@command(
    examples={
        "understudy watch": "the system on the default data directory, until Ctrl-C",
        "understudy watch --data-dir ./demo": "a demo in another terminal, or a service",
        "understudy ps --json": "for programs, which have no terminal",
    },
)
@shared.data_dir_option
def watch(data_dir: Path) -> None:
    """Show the live view of a running system, from any terminal and as often as you like.

    It only reads: Ctrl-C ends the view, and the system runs on.
    """
    directory = shared.existing_directory(data_dir)
    if not sys.stdout.isatty():
        shared.fail("watch needs a terminal; programs use understudy ps --json", ExitCode.BAD_INPUT)
    with shared.failing_on(Unanswered):
        status = ask_status(directory)
    troubles: list[str] = []
    ending = ""
    with (
        LiveView(is_terminal=True, tell=troubles.append) as live,
        contextlib.suppress(KeyboardInterrupt),
    ):
        ending = _follow(live, directory, status, troubles)
    if troubles:
        shared.fail(troubles[0])
    if ending:
        echo_shown(f"understudy: {ending}", err=True)


def _follow(live: LiveView, directory: Path, status: Status, troubles: list[str]) -> str:
    """Show one status after the other; return why there are no more."""
    answered_at = time.monotonic()
    while not troubles:
        live.show(status)
        time.sleep(_EVERY_S)
        try:
            status = ask_status(directory)
        except Unanswered as unanswered:
            seen = Lookout(directory).look()
            if not seen.is_running:
                return why_down(seen)
            if time.monotonic() - answered_at > _PATIENCE_S:
                return str(unanswered)
        else:
            answered_at = time.monotonic()
    return ""
