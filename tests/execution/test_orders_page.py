"""docs/orders.md shows the table that the code uses."""

from __future__ import annotations

import re
from pathlib import Path

from actors.execution.order_state import TRANSITIONS
from actors.messages.execution import OrderStatus

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "orders.md").read_text()
NAMES = {
    (status.value, event_type.__name__): after.value
    for (status, event_type), after in TRANSITIONS.items()
}


def test_the_diagram_shows_every_move_of_the_table_and_no_other() -> None:
    shown = {
        (before, event): after
        for before, after, events in re.findall(r"^ +(\w+) --> (\w+): ([\w, ]+)$", PAGE, re.M)
        for event in events.split(", ")
    }
    assert shown == {pair: after for pair, after in NAMES.items() if after != pair[0]}


def test_the_page_shows_the_whole_table() -> None:
    header, *rest = re.findall(r"^\|(.*OrderAccepted.*)\|$|^\| ([A-Z_]+ \|.*)\|$", PAGE, re.M)
    events = [cell.strip() for cell in header[0].split("|")][1:]
    shown = {}
    for _, row in rest:
        status, *cells = (cell.strip() for cell in row.split("|"))
        for event, cell in zip(events, cells, strict=True):
            if cell != "✗":
                shown[status, event] = status if cell == "=" else cell
    assert shown == NAMES


def test_every_status_is_explained() -> None:
    assert {status.value for status in OrderStatus} <= set(
        re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    )
