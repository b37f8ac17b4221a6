"""The actor tree as a table: for ``understudy ps`` and for the live view."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from actors.roles import order_id_of
from actors.supervision.messages import ChildReport, ChildState
from understudy.display.wording import span_label

STATE_STYLES = {
    ChildState.STARTING: "yellow",
    ChildState.SERVING: "green",
    ChildState.WAITING: "yellow",
    ChildState.BACKING_OFF: "red",
    ChildState.GIVEN_UP: "red",
}


def actor_table(
    children: Iterable[ChildReport], supervisor_pid: int, *, is_brief: bool = False
) -> Table:
    """Draw the supervisor and, below it, its processes with the actors that live in each.

    Args:
        children: In the order in which they are shown.
        supervisor_pid: The process that they are children of.
        is_brief: Leave out how long each has been idle and how much it has handled.
    """
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
    # The only column that shrinks when there is little room.
    table.add_column("actor", overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    headings = (
        ("up", "restarts", "pid") if is_brief else ("up", "restarts", "pid", "idle", "handled")
    )
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("supervisor", "", "", "", str(supervisor_pid))
    groups = by_process(children)
    for number, (process, rows) in enumerate(groups.items(), start=1):
        is_last = number == len(groups)
        branch = "└ " if is_last else "├ "
        if rows[0].role == process:
            _add(table, branch, rows.pop(0))
        else:
            shown = Text.assemble((branch, "dim"), process)
            table.add_row(shown, "", "", "", str(rows[0].pid) if rows[0].pid else "-")
        stem = "  " if is_last else "│ "
        for place, row in enumerate(rows, start=1):
            _add(table, stem + ("└ " if place == len(rows) else "├ "), row, has_pid=False)
    return table


def by_process(children: Iterable[ChildReport]) -> dict[str, list[ChildReport]]:
    """Group children by process, in order; an actor alone in a process has the process's name."""
    groups: dict[str, list[ChildReport]] = {}
    for child in children:
        groups.setdefault(child.process or child.role, []).append(child)
    return groups


def _add(table: Table, branch: str, child: ChildReport, *, has_pid: bool = True) -> None:
    pid = (str(child.pid) if child.pid else "-") if has_pid else ""
    cells: list[Text | str] = [
        Text.assemble((branch, "dim"), order_id_of(child.role) or child.role),
        Text(child.state.value, STATE_STYLES[child.state]),
        span_label(child.uptime_ms),
        Text(str(child.restarts), "bold red" if child.restarts else "dim"),
        pid,
        span_label(child.last_message_age_ms),
        f"{child.handled_count:,}",
    ]
    table.add_row(*cells[: len(table.columns)])
