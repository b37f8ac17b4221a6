"""Pages from the journal and the log: history, orders, one order's story, warnings and errors."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from actors.messages.execution import OrderState
from actors.runtime.log import LOG_NAME
from actors.series import series_of
from actors.units import NANOS_PER_DOLLAR, price_text, size_text
from understudy.display.html import Content, Html, facts, join, nothing, panel, signed, table, tag
from understudy.display.wording import (
    count_label,
    exact_money,
    move_label,
    price_label,
    size_label,
    what_text,
    winner_label,
)
from understudy.reading.archive import Archive
from understudy.reading.lookup import find_order
from understudy.reading.moments import day_label, exact_label, minute_label
from understudy.reading.orders import order_cells, status_text
from understudy.reading.story import Story, event_cells, fact_rows, read_story
from understudy.reading.windows import (
    WindowFigures,
    drawdowns,
    running_totals,
    windows_of,
)
from understudy.web.charts import bar_chart, drawdown_chart, figure, total_chart
from understudy.web.page import order_link

WINDOWS_MAX = 3_000
"""Newest windows that are read, a month of quarter-hours; for older ones there is ``report``."""
ROWS_MAX = 200
_LOG_BYTES = 512 * 1024
_LOG_LINES_MAX = 200
_LOG_LEVELS = ("WARNING", "ERROR")


@attrs.frozen(kw_only=True)
class Filter:
    """Which windows are wanted; empty means all."""

    series: str = ""
    day: str = ""

    def takes(self, window: WindowFigures) -> bool:
        """Whether a window is among them."""
        is_of_day = not self.day or day_label(window.opens_at_ms) == self.day
        return is_of_day and (not self.series or series_of(window.slug) == self.series)


def history(data_dir: Path, wanted: Filter) -> Html:
    """Windows, their P&L as a curve, and its drawdown.

    Raises:
        JournalError: the journal cannot be read.
    """
    with contextlib.closing(Archive(data_dir)) as archive:
        ledgers = list(itertools.islice(archive.windows(), WINDOWS_MAX))
    windows = [window.figures() for window in windows_of(ledgers, ())]
    asked = join(_damage(archive), _filter_form(windows, wanted))
    settled = [each for each in windows if each.is_settled and wanted.takes(each)]
    if not settled:
        return join(asked, tag("section", nothing("no such window has settled yet"), class_="card"))
    return join(asked, _totals(settled), _by_series(settled), _curves(settled), _windows(settled))


def _filter_form(windows: Sequence[WindowFigures], wanted: Filter) -> Html:
    series = sorted({series_of(each.slug) for each in windows})
    days = sorted({day_label(each.opens_at_ms) for each in windows}, reverse=True)
    return tag(
        "form",
        _choice("series", "Series", "all series", series, wanted.series),
        _choice("day", "Day", "all days", days, wanted.day),
        tag("button", "Show", type="submit", class_="button"),
        method="get",
        action="/history",
        class_="card filter",
    )


def _choice(key: str, label: str, every: str, values: Iterable[str], chosen: str) -> Html:
    options = [tag("option", every, value="")]
    options += [tag("option", each, value=each, selected=each == chosen) for each in values]
    return tag("span", tag("label", label, for_=key), tag("select", *options, name=key, id=key))


def _totals(windows: Sequence[WindowFigures]) -> Html:
    traded = [each for each in windows if each.fills_count]
    gains = sum(each.pnl_nanos > 0 for each in traded)
    fees_nanos = sum(each.fees_nanos for each in windows)
    total_nanos = sum(each.pnl_nanos for each in windows)
    deepest_nanos = min(drawdowns(windows))
    tiles = [
        ("P&L", signed(exact_money(total_nanos)), count_label(len(windows), "window")),
        ("gained", f"{gains} of {len(traded)}", "windows that were traded"),
        ("deepest drawdown", signed(exact_money(deepest_nanos)), "of the P&L"),
        ("fees", signed(exact_money(-fees_nanos)), "in the P&L already"),
    ]
    boxes = (
        tag("div", tag("span", name), tag("b", value), tag("small", note))
        for name, value, note in tiles
    )
    title = tag("h2", "In all", class_="unseen", id="totals-title")
    body = tag("div", *boxes, class_="tiles")
    return tag("section", title, body, class_="card", aria_labelledby="totals-title")


def _by_series(windows: Sequence[WindowFigures]) -> Html | None:
    """The same figures by series; nothing if there is only one."""
    found: dict[str, list[WindowFigures]] = {}
    for window in windows:
        found.setdefault(series_of(window.slug), []).append(window)
    if len(found) < 2:
        return None
    headings = ("series", "windows", "gained", "fees", "P&L")
    body = table(
        "results by series",
        headings,
        (_series(name, own) for name, own in sorted(found.items())),
        numeric=headings[1:],
    )
    return panel("by-series", "By series", body)


def _series(name: str, windows: Sequence[WindowFigures]) -> list[Content]:
    return [
        tag("a", name, href=f"/history?series={name}") if name else "other",
        f"{len(windows):,}",
        f"{sum(each.pnl_nanos > 0 for each in windows):,}",
        signed(exact_money(-sum(each.fees_nanos for each in windows))),
        signed(exact_money(sum(each.pnl_nanos for each in windows))),
    ]


def _curves(windows: Sequence[WindowFigures]) -> Html:
    totals = list(map(_dollars, running_totals(windows)))
    results = [_dollars(each.pnl_nanos) for each in windows]
    drops = list(map(_dollars, drawdowns(windows)))
    feet = [minute_label(each.opens_at_ms) for each in dict.fromkeys((windows[0], windows[-1]))]
    span = f"over {count_label(len(windows), 'window')}"
    return panel(
        "curves",
        "P&L in dollars",
        _curve("all windows up to there", total_chart(totals, f"P&L {span}"), [0, *totals], ()),
        _curve(
            "each window", bar_chart(results, f"result of each window {span}"), [0, *results], ()
        ),
        _curve("drawdown", drawdown_chart(drops, f"drawdown {span}"), [0, *drops], feet),
    )


def _curve(title: str, chart: Html, values: Sequence[float], feet: Sequence[str]) -> Html:
    return figure(title, chart, f"{max(values):+,.2f}", f"{min(values):+,.2f}", feet)


def _dollars(amount_nanos: int) -> float:
    return amount_nanos / NANOS_PER_DOLLAR


def _windows(windows: Sequence[WindowFigures]) -> Html:
    headings = ("opened", "window", "won", "moved", "fees", "P&L", "in all")
    rows = list(map(_window, windows, running_totals(windows)))[-ROWS_MAX:]
    body = table(
        "settled windows, newest first",
        headings,
        reversed(rows),
        numeric=headings[3:],
        minor=("moved", "fees"),
    )
    note = f"the newest {len(rows)} of {len(windows):,}" if len(rows) < len(windows) else None
    return panel("history-windows", "Windows", body, note=note)


def _window(window: WindowFigures, total_nanos: int) -> list[Content]:
    return [
        minute_label(window.opens_at_ms),
        tag("a", window.slug, href=f"/orders?market={window.slug}"),
        winner_label(window.winner),
        move_label(window.strike_e18, window.close_e18),
        signed(exact_money(-window.fees_nanos)),
        signed(exact_money(window.pnl_nanos)),
        signed(exact_money(total_nanos)),
    ]


def orders(data_dir: Path, market: str) -> Html:
    """The newest orders, of one window or one series if named.

    Raises:
        JournalError: the journal cannot be read.
    """
    with contextlib.closing(Archive(data_dir)) as archive:
        found = list(archive.orders(market=market, limit=ROWS_MAX))
    title = f"Orders of {market}" if market else "Newest orders"
    more = tag("p", tag("a", "all orders", href="/orders")) if market else None
    if not found:
        return panel("orders", title, nothing("no such order"), more, _damage(archive))
    found.sort(key=lambda order: order.intent.created_at_ms, reverse=True)
    headings = ["created", "order", "what", "limit", "filled", "at", "status", "why"]
    rows = [_order(order) for order in found]
    series = [order.intent.market.series for order in found]
    names = sorted(set(series))
    if len(names) > 1:
        headings.insert(2, "series")
        for row, name in zip(rows, series, strict=True):
            row.insert(2, tag("a", name, href=f"/orders?market={name}") if name else "other")
    body = table(title, headings, rows, numeric=("limit", "filled", "at"))
    return panel("orders", title, body, more, _damage(archive))


def _damage(archive: Archive) -> Html:
    """Rows missing from what is shown because they cannot be read."""
    return join(*(tag("p", sentence, class_="wrap") for sentence in archive.damage))


def _order(order: OrderState) -> list[Content]:
    created, order_id, *cells = order_cells(order)
    reason = tag("span", order.intent.reason, class_="wrap")
    return [created, order_link(str(order_id)), *cells, reason]


def order_story(data_dir: Path, name: str) -> tuple[str, Html]:
    """One order: its title, why it was made, on what data, and everything that happened to it.

    Raises:
        OrderNotFound: none matches, or several do.
        JournalError: the journal cannot be read.
    """
    with contextlib.closing(Archive(data_dir)) as archive:
        story = read_story(archive, find_order(archive, name))
    intent = story.order.intent
    what = f"{what_text(intent.action, intent.side)} {size_label(intent.size_units)}"
    title = f"{intent.order_id}: {what} at {price_label(intent.price_ticks)}"
    return title, join(_damage(archive), _facts(story), _fills(story), _events(story))


def _facts(story: Story) -> Html:
    pairs: list[tuple[str, Content]] = [("status", status_text(story.order))]
    for name, words in fact_rows(story):
        lines = words.plain.splitlines()
        is_list = len(lines) > 1
        pairs.append((name, tag("ul", *(tag("li", each) for each in lines)) if is_list else words))
    pair_id = story.order.intent.pair_id
    link = tag("p", "other leg: ", order_link(pair_id)) if pair_id is not None else None
    return panel("why", "Why, and on what", facts(pairs), link)


def _fills(story: Story) -> Html:
    order = story.order
    if not order.fills:
        return panel("fills", "Fills", nothing("nothing was filled"))
    headings = ("time", "size", "price", "fee", "role", "trade", "standing")
    rows = (
        [
            exact_label(fill.timestamp_ms),
            size_text(fill.size_units),
            price_text(fill.price_ticks),
            signed(exact_money(-fill.fee_nanos)),
            "maker" if fill.is_maker else "taker",
            fill.trade_id,
            "reversed" if fill.trade_id in order.reversed_trade_ids else "stands",
        ]
        for fill in order.fills
    )
    return panel("fills", "Fills", table("fills", headings, rows, numeric=headings[1:4]))


def _events(story: Story) -> Html:
    if not story.events:
        return panel("events", "What befell it", nothing("nothing is recorded"))
    rows = ([*cells, tag("span", words, class_="wrap")] for *cells, words in event_cells(story))
    headings = ("time", "after", "actor", "what it recorded")
    body = table("events, oldest first", headings, rows, numeric=("after",))
    return panel("events", "What befell it", body)


def log_lines(data_dir: Path) -> Html:
    """The newest warnings and errors of the log, newest first."""
    lines = [words for line in _log_tail(data_dir) if (words := _warning(line)) is not None]
    shown = lines[-_LOG_LINES_MAX:][::-1]
    if not shown:
        return panel("log", "Warnings and errors", nothing("none in the newest part of the log"))
    headings = ("time", "level", "who", "what")
    return panel(
        "log", "Warnings and errors", table("newest first", headings, map(_log_row, shown))
    )


def _log_tail(data_dir: Path) -> list[str]:
    path = data_dir / LOG_NAME
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _LOG_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[1:] if size > _LOG_BYTES else lines  # the first one is cut off


def _warning(line: str) -> list[str] | None:
    words = line.split(maxsplit=3)
    return words if len(words) == 4 and words[1] in _LOG_LEVELS else None


def _log_row(words: Sequence[str]) -> list[Content]:
    time, level, role, text = words
    return [
        time.replace("T", " ").removesuffix("Z"),
        tag("span", level.lower(), class_="loss" if level == "ERROR" else "warning"),
        role,
        tag("span", text, class_="wrap"),
    ]
