"""The live view on a whole terminal of any size."""

from __future__ import annotations

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from actors.model import Side
from understudy.display import panels
from understudy.display.series_panel import series_panel
from understudy.display.standing import network_troubles, standing_of
from understudy.display.status import Status
from understudy.display.wording import clock_label

_WIDE_COLUMNS = 110
_WIDE_ROWS = 28
_TALL_ROWS = 34
_HEADER_ROWS = 4
_BOOK_LEVELS = 5
_FRAME_ROWS = 2
_ACTOR_TABLE_COLUMNS = 56
_WINDOWS_ROWS = 8
_ONE_WINDOW_ROWS = 3
_ORDERS_ROWS = 4
_TALL_ORDERS_ROWS = 6
_LOW_ROWS = 28
"""With fewer rows decisions are left out: their outcomes are among the events."""
_COMPACT_ACTORS_ROWS = 5


def render(status: Status) -> RenderableType:
    """Draw a status; the size of the terminal decides how much of it is shown."""
    return _Screen(status)


@attrs.frozen
class _Screen:
    status: Status

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = options.height or console.height
        if options.max_width >= _WIDE_COLUMNS and rows >= _WIDE_ROWS:
            rest = [_wide_body(self.status, rows)]
        else:
            rest = _narrow_body(self.status, rows)
        screen = Layout()
        count = len(self.status.by_series)
        middle = Layout(_market(self.status), size=_BOOK_LEVELS + _FRAME_ROWS)
        if count > 1:
            size = min(count + 1 + _FRAME_ROWS, rows // 2)
            middle = Layout(series_panel(self.status), size=size)
        screen.split_column(Layout(_header(self.status), size=_HEADER_ROWS), middle, *rest)
        yield screen


def _header(status: Status) -> RenderableType:
    view, snapshot = status.seen, status.seen.snapshot
    source = snapshot or view.opened
    market = source.market if source is not None else None
    pace = f"{status.speed:g} times real time" if status.speed != 1 else ""
    header = Table.grid(expand=True, padding=(0, 1))
    header.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    header.add_column(justify="right", no_wrap=True)
    header.add_row(
        panels.market_line(market, status.now_ms, has_trouble=bool(network_troubles(view))),
        Text(f"{clock_label(status.now_ms)} UTC", "dim"),
    )
    stakes = Text.assemble(
        (status.stakes, "bold red"), "  " if status.stakes else "", (pace, "dim")
    )
    max_age_ms = status.settings.strategy.max_reference_age_ms
    reference = panels.reference_line(snapshot, status.now_ms, max_age_ms, view.evaluated)
    header.add_row(reference, stakes)
    notice = panels.notice_line(
        view.stop_loss,
        view.feeds,
        status.latencies,
        panels.not_traded_label(view.not_traded, status.now_ms),
        panels.skew_label(
            status.report.venue_offset_ms if status.report is not None else 0,
            status.settings.venue.clob_url,
        ),
    )
    return Group(header, panels.standing_line(standing_of(status), snapshot, status), notice)


def _market(status: Status) -> Layout:
    """Draw both books and the position, side by side."""
    view, snapshot = status.seen, status.seen.snapshot
    books = [
        panels.book_panel(
            side,
            snapshot.book(side) if snapshot is not None else None,
            _BOOK_LEVELS,
            status.now_ms,
            status.settings.strategy.max_book_age_ms,
        )
        for side in Side
    ]
    position = panels.position_panel(view.position, snapshot, view.counts)
    row = Layout()
    row.split_row(*map(Layout, books), Layout(position))
    return row


def _wide_body(status: Status, rows: int) -> Layout:
    """Draw orders, events and decisions on the left, the actors in full on the right."""
    is_tall = rows >= _TALL_ROWS
    left, right, body = Layout(), Layout(size=_ACTOR_TABLE_COLUMNS), Layout()
    left.split_column(
        Layout(_orders(status), size=_TALL_ORDERS_ROWS if is_tall else _ORDERS_ROWS),
        Layout(panels.events_panel(status.events)),
        Layout(_decisions(status, has_room=is_tall)),
    )
    right.split_column(
        Layout(panels.actors_panel(status.report)),
        Layout(_windows(status), size=_WINDOWS_ROWS if is_tall else _ONE_WINDOW_ROWS),
    )
    body.split_row(left, right)
    return body


def _narrow_body(status: Status, rows: int) -> list[Layout]:
    """Draw everything below the books in one column, with the actors as signs."""
    has_room = rows >= _LOW_ROWS
    trades = Layout(size=_TALL_ORDERS_ROWS if has_room else _ORDERS_ROWS)
    trades.split_row(Layout(_orders(status), ratio=3), Layout(_windows(status, True), ratio=2))
    return [
        trades,
        Layout(panels.events_panel(status.events)),
        Layout(_decisions(status, has_room=True), visible=has_room),
        Layout(panels.compact_actors_panel(status.report), size=_COMPACT_ACTORS_ROWS),
    ]


def _orders(status: Status) -> RenderableType:
    return panels.orders_panel(status.seen.live_orders, status.now_ms)


def _windows(status: Status, is_short: bool = False) -> RenderableType:
    view = status.seen
    return panels.windows_panel(view.settled, view.counts.settled_count, is_short=is_short)


def _decisions(status: Status, *, has_room: bool) -> RenderableType:
    return panels.decisions_panel(status.seen.decisions, has_room=has_room)
