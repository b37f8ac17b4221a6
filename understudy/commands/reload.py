"""``understudy reload``: change the settings of a running system."""

from __future__ import annotations

from pathlib import Path

import click

from understudy.commands import shared
from understudy.display.status import changes_of, reload_text
from understudy.display.terminal import echo_shown
from understudy.teaching import command


@command(
    examples={
        "understudy reload --check": "say what the edited file would change",
        "understudy reload": "apply it, all at once",
        "understudy reload --set risk.max_order_dollars=50": "one setting, until the run ends",
        "understudy reload --config night.toml": "another file in place of the run's",
    },
)
@shared.config_option
@shared.assignment_option
@click.option(
    "--check", "is_check", is_flag=True, help="Change nothing; only say what would change."
)
@click.option("--reason", default="", metavar="TEXT", help="Recorded with the change.")
@shared.data_dir_option
@shared.json_option
def reload(
    config_path: Path | None,
    assignments: tuple[str, ...],
    is_check: bool,
    reason: str,
    data_dir: Path,
    is_json: bool,
) -> None:
    """Make a running system read its configuration again, and apply the differences.

    The strategy and its parameters, limits, protections and alerts may change, for all series or
    for one; which series are traded is changed by understudy series. The run's own file and --set
    options are read again, then those given here. Any other difference needs a restart: then
    nothing changes, and the line names it. The change is one record in the journal, with its
    author; understudy explain says which settings decided an order.

    Exit codes: 0 applied, or nothing differs; 1 refused, or nothing runs.
    """
    reply = shared.ask_system(
        data_dir,
        "reload",
        config=str(config_path.expanduser().absolute()) if config_path else "",
        assignments=assignments,
        reason=reason,
        is_check=is_check,
    )
    if is_json:
        shared.print_json(reply)
        return
    for change in changes_of(reply):
        echo_shown(change.words)
    echo_shown(reload_text(reply, is_check=is_check))
