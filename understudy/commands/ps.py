"""``understudy ps``: the actors of a running system."""

from __future__ import annotations

from pathlib import Path

import click

from actors.runtime.log import LOG_NAME
from understudy.commands import shared
from understudy.display.actor_table import actor_table
from understudy.display.screen import Screen
from understudy.display.status import children_of, halts_of
from understudy.display.wording import clock_label
from understudy.processes.exit_codes import ExitCode
from understudy.teaching import command


@command(
    examples={
        "understudy ps": "the system on the default data directory",
        "understudy ps --data-dir ./demo": "a demo that was started with the same",
        "understudy ps --json | jq '.children[].pid'": "process ids, for a script",
    },
)
@shared.data_dir_option
@shared.json_option
def ps(data_dir: Path, is_json: bool) -> None:
    """Show every actor of a running system: its state, uptime, crashes and process.

    "restarts" counts its crashes, "idle" is the time since its last message. A "waiting" actor is
    alive but lacks something that it needs, such as a feed's connection.

    Exit codes: 0 not halted; 1 halted, or nothing runs: the last line says why. A window stopped by
    its stop loss is named, too.
    """
    reply = shared.ask_system(data_dir, "ps")
    if is_json:
        shared.print_json(reply)
    else:
        console = Screen()
        console.print(actor_table(children_of(reply), reply["pid"]))
        for halt in halts_of(reply):
            since = f"since {clock_label(halt.since_ms)}"
            console.print(f"halted {since}: {halt.sentence}", style="bold red", markup=False)
        refused_count = reply.get("refused_count", 0)  # an older run does not say
        if refused_count:
            refused = f"{refused_count:,} connections or frames between processes were refused"
            console.print(f"{refused}: see {data_dir / LOG_NAME}", style="bold yellow")
        for stopped in reply["stopped"]:
            console.print(stopped, style="bold yellow", markup=False)
    if reply["halts"]:
        raise click.exceptions.Exit(ExitCode.FAILED)
