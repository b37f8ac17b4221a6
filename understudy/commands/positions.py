"""``understudy positions``: what each window holds, cost and brought."""

from __future__ import annotations

from itertools import islice
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
from understudy.reading.positions import position_json, positions_table
from understudy.teaching import command


@command(
    examples={
        "understudy positions": "the newest windows, last one last",
        "understudy positions --open": "those that have no result yet",
        "understudy positions --market btc-updown-5m": "one series",
        "understudy positions --csv > positions.csv": "all of them, for a spreadsheet",
        "understudy positions --json | jq '.positions[-1]'": "the newest, for a script",
    },
)
@click.option("--open", "only_open", is_flag=True, help="Only windows that have no result yet.")
@market_option
@last_option
@data_dir_option
@json_option
@csv_option
def positions(
    only_open: bool, market: str, last: int | None, data_dir: Path, is_json: bool, is_csv: bool
) -> None:
    """List the position of every window from the journal, whether or not the system runs.

    Holdings are shares and their average cost. P&L is a settled window's result; for an open one
    it is what the position brings as it stands, if Up wins and if Down wins.
    """
    limit = row_limit(last, is_for_programs=is_json or is_csv)
    one_more = None if limit is None else limit + 1
    with opened(data_dir) as archive:
        ledgers = (
            ledger
            for ledger in archive.windows(market=market)
            if not (only_open and ledger.is_settled)
        )
        found = list(islice(ledgers, one_more))
        shown = sorted(found[:limit], key=lambda ledger: ledger.market.opens_at_ms)
        if is_json or is_csv:
            print_rows("positions", [position_json(ledger) for ledger in shown], is_csv=is_csv)
            return
        console = Screen()
        if not shown:
            console.print("no such window" if market or only_open else "no window yet", style="dim")
            return
        console.print(positions_table(shown, wide=is_wide(console)))
        if len(found) > len(shown):
            note_left_out(console, len(shown))
