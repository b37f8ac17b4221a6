"""``understudy orders``, ``positions`` and ``fills``: the journal's contents, one row each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click
from rich.table import Table

from actors.messages.execution import OrderState
from actors.position.ledger import WindowLedger
from understudy.commands import shared
from understudy.commands.reading import (
    csv_option,
    is_wide,
    last_option,
    market_option,
    opened,
    print_rows,
    row_limit,
)
from understudy.display.screen import Screen
from understudy.reading.archive import Archive
from understudy.reading.fills import fill_age, fill_json, fills_table, list_fills
from understudy.reading.orders import is_open, order_json, orders_table
from understudy.reading.positions import position_json, positions_table
from understudy.teaching import command

_Command = TypeVar("_Command", bound=Callable[..., Any])


@attrs.frozen(kw_only=True)
class _Listing:
    """How one kind of row is listed."""

    name: str
    """Name of the list in JSON."""
    age: Callable[[Any], Any]
    """Sort key of rows."""
    json: Callable[[Any], Mapping[str, object]]
    table: Callable[..., Table]


def _list_options(function: _Command) -> _Command:
    """Options of every list: which markets, how many, from where, and the output format."""
    for option in (
        csv_option,
        shared.json_option,
        shared.data_dir_option,
        last_option,
        market_option,
    ):
        function = option(function)
    return function


@command(
    examples={
        "understudy orders": "the newest, last one last",
        "understudy orders --open": "open, or not fully booked yet",
        "understudy orders --market 1795370400": "one window's, by a part of its slug",
        "understudy orders --csv > orders.csv": "all of them, for a spreadsheet",
        "understudy orders --json | jq '.orders[].status'": "their status, for a script",
    },
)
@click.option(
    "--open", "only_open", is_flag=True, help="Only orders that still keep their side busy."
)
@_list_options
def orders(only_open: bool, market: str, **chosen: Any) -> None:
    """List orders from the journal, whether or not the system runs.

    An order keeps its side busy while it is open, and afterwards until every fill is in the ledger.
    "at" is its average fill price.
    """
    listing = _Listing(
        name="orders",
        age=lambda order: order.intent.created_at_ms,
        json=order_json,
        table=orders_table,
    )
    none = "no such order" if market or only_open else "no order yet"

    def found(archive: Archive, most: int | None) -> Iterable[OrderState]:
        if only_open:
            return filter(is_open, archive.open_orders(market=market))
        return archive.orders(market=market, limit=most)

    _print(listing, found, none, **chosen)


@command(
    examples={
        "understudy positions": "the newest windows, last one last",
        "understudy positions --open": "those without a result",
        "understudy positions --market btc-updown-5m": "one series",
        "understudy positions --csv > positions.csv": "all of them, for a spreadsheet",
        "understudy positions --json | jq '.positions[-1]'": "the newest, for a script",
    },
)
@click.option("--open", "only_open", is_flag=True, help="Only windows without a result.")
@_list_options
def positions(only_open: bool, market: str, **chosen: Any) -> None:
    """List the position of every window from the journal, whether or not the system runs.

    Holdings are shares and their average cost. P&L is a settled window's result; for an open window
    it shows the result of the present position, if Up wins and if Down wins.
    """
    listing = _Listing(
        name="positions",
        age=lambda ledger: ledger.market.opens_at_ms,
        json=position_json,
        table=positions_table,
    )
    none = "no such window" if market or only_open else "no window yet"

    def found(archive: Archive, _most: int | None) -> Iterable[WindowLedger]:
        windows = archive.windows(market=market)
        return (each for each in windows if not (only_open and each.is_settled))

    _print(listing, found, none, **chosen)


@command(
    examples={
        "understudy fills": "the newest, last one last",
        "understudy fills --market 1795370400": "one window's, by a part of its slug",
        "understudy fills --csv > fills.csv": "all of them, for a spreadsheet",
        "understudy fills --json | jq '[.fills[].fee | tonumber] | add'": "total fees paid",
    },
)
@_list_options
def fills(market: str, **chosen: Any) -> None:
    """List fills from the journal, whether or not the system runs.

    "ledger" is a fill's state in the ledger: booked, not yet, or reversed because the venue took it
    back.
    """
    listing = _Listing(name="fills", age=fill_age, json=fill_json, table=fills_table)
    none = "no such fill" if market else "no fill yet"
    _print(listing, lambda archive, _most: list_fills(archive, market), none, **chosen)


def _print(
    listing: _Listing,
    find: Callable[[Archive, int | None], Iterable[Any]],
    none: str,
    *,
    last: int | None,
    data_dir: Path,
    is_json: bool,
    is_csv: bool,
) -> None:
    """Print the newest of what is found, newest last; ``none`` is printed if there is nothing."""
    limit = row_limit(last, is_for_programs=is_json or is_csv)
    most = None if limit is None else limit + 1
    with opened(data_dir) as archive:
        found = list(islice(find(archive, most), most))
        shown = sorted(found[:limit], key=listing.age)
        if is_json or is_csv:
            print_rows(listing.name, [listing.json(each) for each in shown], is_csv=is_csv)
            return
        console = Screen()
        if not shown:
            console.print(none, style="dim")
            return
        console.print(listing.table(shown, wide=is_wide(console)))
        if len(found) > len(shown):
            left_out = f"the newest {len(shown):,} of more: --last 0 shows all"
            console.print(left_out, style="dim italic")
