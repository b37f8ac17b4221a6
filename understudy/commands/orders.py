"""``understudy orders``: what was ordered, and what became of it."""

from __future__ import annotations

from pathlib import Path

import click

from understudy.commands.reading import (
    csv_option,
    is_wide,
    last_option,
    market_option,
    note_left_out,
    opened,
    print_rows,
    row_limit,
)
from understudy.commands.shared import data_dir_option, json_option
from understudy.display.screen import Screen
from understudy.reading.orders import is_open, order_json, orders_table
from understudy.teaching import command


@command(
    examples={
        "understudy orders": "the newest, last one last",
        "understudy orders --open": "what is live now, or not booked yet",
        "understudy orders --market 1795370400": "one window's, by a part of its slug",
        "understudy orders --csv > orders.csv": "all of them, for a spreadsheet",
        "understudy orders --json | jq '.orders[].status'": "how they stand, for a script",
    },
)
@click.option("--open", "only_open", is_flag=True, help="Only orders that still own their side.")
@market_option
@last_option
@data_dir_option
@json_option
@csv_option
def orders(
    only_open: bool, market: str, last: int | None, data_dir: Path, is_json: bool, is_csv: bool
) -> None:
    """List orders from the journal, whether or not the system runs.

    An order owns its side while it lives, and afterwards until every fill of it is in the ledger.
    "at" is the average price it was filled at.
    """
    limit = row_limit(last, is_for_programs=is_json or is_csv)
    one_more = None if limit is None else limit + 1
    with opened(data_dir) as archive:
        if only_open:
            found = [order for order in archive.open_orders(market=market) if is_open(order)]
        else:
            found = list(archive.orders(market=market, limit=one_more))
        shown = sorted(found[:limit], key=lambda order: order.intent.created_at_ms)
        if is_json or is_csv:
            print_rows("orders", [order_json(order) for order in shown], is_csv=is_csv)
            return
        console = Screen()
        if not shown:
            console.print("no such order" if market or only_open else "no order yet", style="dim")
            return
        console.print(orders_table(shown, wide=is_wide(console)))
        if len(found) > len(shown):
            note_left_out(console, len(shown))
