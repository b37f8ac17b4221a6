"""``understudy fills``: every execution, and whether the ledger has it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

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
from understudy.reading.fills import fill_age, fill_json, fills_table, list_fills
from understudy.teaching import command


@command(
    examples={
        "understudy fills": "the newest, last one last",
        "understudy fills --market 1795370400": "one window's, by a part of its slug",
        "understudy fills --csv > fills.csv": "all of them, for a spreadsheet",
        "understudy fills --json | jq '[.fills[].fee | tonumber] | add'": "fees paid in all",
    },
)
@market_option
@last_option
@data_dir_option
@json_option
@csv_option
def fills(market: str, last: int | None, data_dir: Path, is_json: bool, is_csv: bool) -> None:
    """List fills from the journal, whether or not the system runs.

    "ledger" says what the position makes of a fill: booked, not yet, or reversed because the
    venue took it back.
    """
    limit = row_limit(last, is_for_programs=is_json or is_csv)
    one_more = None if limit is None else limit + 1
    with opened(data_dir) as archive:
        found = list(islice(list_fills(archive, market), one_more))
        shown = sorted(found[:limit], key=fill_age)
        if is_json or is_csv:
            print_rows("fills", [fill_json(each) for each in shown], is_csv=is_csv)
            return
        console = Screen()
        if not shown:
            console.print("no such fill" if market else "no fill yet", style="dim")
            return
        console.print(fills_table(shown, wide=is_wide(console)))
        if len(found) > len(shown):
            note_left_out(console, len(shown))
