"""The actor tree as a table: for ``understudy ps`` and for the live view."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from actors.roles import order_id_of
from actors.supervision.messages import ChildReport, ChildState
from understudy.wording import span_label

STATE_STYLES = {
    ChildState.STARTING: "yellow",
    ChildState.SERVING: "green",
    ChildState.WAITING: "yellow",
    ChildState.BACKING_OFF: "red",
}


def actor_table(
    children: Iterable[ChildReport], supervisor_pid: int, *, is_brief: bool = False
) -> Table:
    """Draw the supervisor and, below it, a row for each child.

    Args:
        children: In the order in which they are shown.
        supervisor_pid: The process that they are children of.
        is_brief: Leave out how long each has been idle and how much it has handled.
    """
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
    # The one column that gives way when there is little room.
    table.add_column("actor", overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    headings = ("up", "falls", "pid") if is_brief else ("up", "falls", "pid", "idle", "handled")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("supervisor", "", "", "", str(supervisor_pid))
    rows = list(children)
    for number, child in enumerate(rows, start=1):
        cells = _cells(child, "└ " if number == len(rows) else "├ ")
        table.add_row(*cells[: 2 + len(headings)])
    return table


def _cells(child: ChildReport, branch: str) -> list[Text | str]:
    return [
        Text.assemble((branch, "dim"), order_id_of(child.role) or child.role),
        Text(child.state.value, STATE_STYLES[child.state]),
        span_label(child.uptime_ms),
        Text(str(child.restarts), "bold red" if child.restarts else "dim"),
        str(child.pid) if child.pid else "-",
        span_label(child.last_message_age_ms),
        f"{child.handled_count:,}",
    ]
