"""The live view's table of series: one row per series, in place of a single window's books."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from actors.messages.market import BookView
from actors.model import Side
from understudy.display.panels import framed, waiting
from understudy.display.standing import standing_of
from understudy.display.status import Status
from understudy.display.wording import (
    cents,
    exact_money,
    marked_nanos,
    money,
    price_label,
    size_label,
    span_label,
)


def series_panel(status: Status) -> RenderableType:
    """Each series' window, best prices, holding, results and standing."""
    table = Table.grid(padding=(0, 1), expand=True)
    for justify in ("left", "right", "right", "right", "right", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    headings = ("series", "left", "YES", "NO", "held", "open P&L", "settled", "")
    table.add_row(*(Text(heading, "dim") for heading in headings))
    results = {each.series: each.result for each in status.view.series} if status.view else {}
    for name, seen in status.by_series.items():
        result = results[name]
        settled = exact_money(result.pnl_nanos).append(f" of {result.settled_count}", "dim")
        table.add_row(Text(name, "bold"), *_window_cells(seen), settled, _standing(seen))
    return framed(table, f"series · {len(status.by_series)}")


def _window_cells(seen: Status) -> list[Text]:
    view, opened = seen.seen, seen.seen.opened
    if opened is None:
        return [waiting("no window"), *(Text() for _ in range(4))]
    left_ms = opened.market.closes_at_ms - seen.now_ms
    snapshot, position = view.snapshot, view.position
    max_age_ms = seen.settings.strategy.max_book_age_ms
    is_own = snapshot is not None and snapshot.market.market_id == opened.market_id
    books = [snapshot.book(side) if snapshot and is_own else None for side in Side]
    held = Text("-", "dim")
    open_nanos = 0
    if position is not None:
        held = Text(" / ".join(size_label(position.holding(s).quantity_units) for s in Side))
        here_nanos = position.realized_nanos - position.fees_nanos
        open_nanos = marked_nanos(position, snapshot if is_own else None) - here_nanos
    return [
        Text(span_label(left_ms) if left_ms > 0 else "over", "cyan"),
        *(_best(book, seen.now_ms, max_age_ms) for book in books),
        held,
        money(cents(open_nanos)),
    ]


def _best(book: BookView | None, now_ms: int, max_age_ms: int) -> Text:
    """Best bid and ask; red if the book cannot be traded on."""
    if book is None:
        return Text("-", "dim")
    prices = [book.best_bid_ticks, book.best_ask_ticks]
    words = " ".join("-" if each is None else price_label(each) for each in prices)
    is_usable = book.is_synced and not book.is_crossed and now_ms - book.updated_at_ms <= max_age_ms
    return Text(words, "" if is_usable else "red")


def _standing(seen: Status) -> Text:
    standing = standing_of(seen)
    line = Text(standing.verb, "bold red" if standing.is_trouble else "bold cyan")
    return line.append(f": {standing.why}")
