"""Panels of the live view, each drawn from one piece of the status; pure, and valid when empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from actors.directory.venue_time import CORRECT_ABOVE_MS, skew_words
from actors.messages.directory import WindowNotTraded
from actors.messages.execution import OrderState
from actors.messages.market import BookView, MarketSnapshot
from actors.messages.observer import FeedSeen, ObserverCounts, SignalSeen
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.messages.strategy import Evaluated, StopLossTriggered
from actors.model import Market, Side
from actors.proxies import is_on_this_host
from actors.roles import order_id_of
from actors.supervision.messages import ChildrenReport, ChildReport, ChildState
from understudy.display.actor_table import STATE_STYLES, actor_table
from understudy.display.events import Event
from understudy.display.latency import Histogram
from understudy.display.standing import Standing
from understudy.display.status import Status
from understudy.display.wording import (
    cents,
    clock_label,
    count_label,
    depth_label,
    exact_money,
    latency_text,
    marked_nanos,
    money,
    move_label,
    order_label,
    price_label,
    reference_label,
    size_label,
    slug_labels,
    span_label,
    status_label,
    what_text,
    won_label,
)

_LAST_MINUTE_MS = 60_000
_BAR_WIDTH = 16
_PRICE_WIDTH = 5
_COMPACT_COLUMNS = 4
_STATE_MARKS = {
    ChildState.SERVING: "●",
    ChildState.STARTING: "◌",
    ChildState.WAITING: "○",
    ChildState.BACKING_OFF: "✗",
    ChildState.GIVEN_UP: "✗",
}
"""A sign for each state, for people who cannot see the colours."""


def framed(content: RenderableType, title: str | Text, style: str = "dim") -> Panel:
    """Put a panel into its frame."""
    return Panel(content, title=title, title_align="left", border_style=style, box=box.ROUNDED)


def waiting(what: str) -> Text:
    """Name what is missing, in its place."""
    return Text(what, "dim italic")


def market_line(market: Market | None, now_ms: int, *, has_trouble: bool = False) -> Text:
    """The window's name, and how long it is still open.

    Args:
        market: the window's; None while none is known.
        now_ms: venue time.
        has_trouble: something on the way to the network fails, which the doctor can examine.
    """
    if market is None and has_trouble:
        return Text("no window yet: understudy doctor says what is wrong", "yellow")
    if market is None:
        return waiting("no window yet")
    left_ms = market.closes_at_ms - now_ms
    share_left = min(1.0, max(0.0, left_ms / (market.closes_at_ms - market.opens_at_ms)))
    filled = round(share_left * _BAR_WIDTH)
    urgency = "red" if left_ms < _LAST_MINUTE_MS else "cyan"
    return Text.assemble(
        (f"{market.slug}  ", "bold"),
        ("━" * filled, urgency),
        ("━" * (_BAR_WIDTH - filled), "bright_black"),
        (f" {span_label(left_ms)} left" if left_ms > 0 else " waits for its result", urgency),
    )


def age_text(age_ms: int, limit_ms: int) -> Text:
    """An age; red, with the limit, if it is too old to be used."""
    if age_ms <= limit_ms:
        return Text(f"{span_label(age_ms)} old", "dim")
    return Text(f"{span_label(age_ms)} old: over {span_label(limit_ms)}", "bold red")


def standing_line(standing: Standing, snapshot: MarketSnapshot | None, status: Status) -> Text:
    """Whether trading is possible, and if not, why; with the age of the data it is based on."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(standing.verb, "bold red" if standing.is_trouble else "bold cyan")
    are_synced = snapshot is not None and snapshot.yes.is_synced and snapshot.no.is_synced
    if standing.evaluated is not None and snapshot is not None and are_synced:
        updated_at_ms = min(snapshot.yes.updated_at_ms, snapshot.no.updated_at_ms)
        age = age_text(status.now_ms - updated_at_ms, status.settings.strategy.max_book_age_ms)
        line.append(" (books ", "dim").append_text(age).append(")", "dim")
    return line.append(f": {standing.why}")


def reference_line(
    snapshot: MarketSnapshot | None, now_ms: int, max_age_ms: int, evaluated: Evaluated | None
) -> Text:
    """The reference price, the strike and its source, their difference, and the model."""
    if snapshot is None:
        return Text()
    line = Text()
    if snapshot.reference_e18 is None:
        line.append("no reference price", "dim italic")
    else:
        line.append("reference ", "dim").append(reference_label(snapshot.reference_e18), "bold")
        line.append(" ").append_text(age_text(now_ms - snapshot.reference_at_ms, max_age_ms))
    if snapshot.strike is None:
        return line.append("   no strike yet", "dim italic")
    line.append("   strike ", "dim").append(reference_label(snapshot.strike.price_e18), "bold")
    if snapshot.reference_e18 is not None:
        strike_e18 = snapshot.strike.price_e18
        line.append(f"   {move_label(strike_e18, snapshot.reference_e18)}", "cyan")
        line.append(" Up" if snapshot.reference_e18 >= strike_e18 else " Down", "dim")
    line.append(f"   by {snapshot.strike.origin.value}", "dim")
    if evaluated is not None and evaluated.model_ticks is not None:
        line.append("   model ", "dim").append(price_label(evaluated.model_ticks), "bold")
    return line


def book_panel(
    side: Side, book: BookView | None, levels: int, now_ms: int, max_age_ms: int
) -> Panel:
    """One token's best levels, bids left and asks right."""
    name = "YES (Up)" if side is Side.YES else "NO (Down)"
    if book is None:
        return framed(waiting("no book yet"), name)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(justify="right", no_wrap=True, ratio=1)
    table.add_column(justify="right", no_wrap=True, width=_PRICE_WIDTH)
    table.add_column(justify="left", no_wrap=True, width=_PRICE_WIDTH)
    table.add_column(justify="left", no_wrap=True, ratio=1)
    for row in range(levels):
        bid = book.bids[row] if row < len(book.bids) else None
        ask = book.asks[row] if row < len(book.asks) else None
        table.add_row(
            Text(depth_label(bid[1]) if bid else "", "dim"),
            Text(price_label(bid[0]) if bid else "", "green"),
            Text(price_label(ask[0]) if ask else "", "red"),
            Text(depth_label(ask[1]) if ask else "", "dim"),
        )
    if not book.is_synced:
        return framed(table, f"{name} · not synced", "yellow")
    if book.is_crossed:
        return framed(table, f"{name} · crossed", "red")
    age_ms = now_ms - book.updated_at_ms
    if age_ms > max_age_ms:
        return framed(table, f"{name} · {span_label(age_ms)}, too old", "red")
    return framed(table, f"{name} · {span_label(age_ms)}")


def position_panel(
    position: PositionSnapshot | None, snapshot: MarketSnapshot | None, counts: ObserverCounts
) -> Panel:
    """The holdings; the P&L if they were sold at the bids, and the realized one."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    if position is None:
        table.add_row(waiting("no position yet"), "")
    else:
        for side in Side:
            holding = position.holding(side)
            average = holding.average_ticks()
            at = f" @ {price_label(average)}" if average is not None else ""
            table.add_row(side.value, size_label(holding.quantity_units) + at)
    certain_nanos = counts.total_pnl_nanos
    open_nanos = 0
    if position is not None:
        here_nanos = position.realized_nanos - position.fees_nanos
        certain_nanos += here_nanos
        open_nanos = marked_nanos(position, snapshot) - here_nanos
        table.add_row("open P&L", money(open_nanos))
    table.add_row("realized", money(certain_nanos))
    table.add_row("total P&L", money(cents(open_nanos) + cents(certain_nanos)))
    return framed(table, "position")


def orders_panel(orders: Sequence[OrderState], now_ms: int) -> Panel:
    """Every live order and how much of it is filled."""
    if not orders:
        return framed(waiting("no live order"), "orders")
    table = Table.grid(padding=(0, 1))
    table.add_column(overflow="ellipsis")  # the only column that shrinks when there is little room
    for justify in ("left", "right", "right", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for order in orders:
        intent = order.intent
        table.add_row(
            order_label(intent.order_id),
            what_text(intent.action, intent.side),
            f"@ {price_label(intent.price_ticks)}",
            f"{size_label(order.filled_units)} of {size_label(intent.size_units)}",
            Text(status_label(order.status), "yellow"),
            Text(span_label(now_ms - intent.created_at_ms), "dim"),
        )
    return framed(table, f"orders · {len(orders)} live")


def windows_panel(
    settled: Sequence[WindowSettled], settled_count: int, *, is_short: bool = False
) -> Panel:
    """The last settled windows, newest first."""
    if not settled:
        return framed(waiting("none settled yet"), "windows")
    table = Table.grid(padding=(0, 2))
    labels = slug_labels(window.slug for window in settled)
    for window in reversed(settled):
        slug = labels[window.slug] if is_short else window.slug
        table.add_row(slug, Text(won_label(window.winner), "dim"), exact_money(window.pnl_nanos))
    return framed(table, f"windows · {settled_count:,} settled")


def events_panel(events: Sequence[Event]) -> Panel:
    """Recent events, newest first."""
    if not events:
        return framed(waiting("nothing has happened yet"), "events")
    return framed(Group(*map(_event, events)), "events")


def _event(event: Event) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{clock_label(event.at_ms)} ", "dim")
    return line.append(event.text, "yellow" if event.is_trouble else "")


def actors_panel(report: ChildrenReport | None) -> Panel:
    """The whole actor tree, one row per actor."""
    if report is None:
        return framed(waiting("starting"), "actors")
    return framed(actor_table(report.children, report.pid, is_brief=True), _actors_title(report))


def compact_actors_panel(report: ChildrenReport | None) -> Panel:
    """The whole actor tree in a few lines: a dot for its state, a name, its restarts."""
    if report is None:
        return framed(waiting("starting"), "actors")
    table = Table.grid(expand=True, padding=(0, 1))
    for _ in range(_COMPACT_COLUMNS):
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    shown = [_dotted(child) for child in report.children]
    for start in range(0, len(shown), _COMPACT_COLUMNS):
        table.add_row(*shown[start : start + _COMPACT_COLUMNS])
    return framed(table, _actors_title(report))


def _dotted(child: ChildReport) -> Text:
    mark = (f"{_STATE_MARKS[child.state]} ", STATE_STYLES[child.state])
    text = Text.assemble(mark, order_label(order_id_of(child.role) or child.role))
    return text.append(f" {child.restarts}x", "red") if child.restarts else text


def _actors_title(report: ChildrenReport) -> str:
    restarts = sum(report.restarts.values())
    handled = count_label(report.handled_count, "message")
    return f"actors · {handled} · {count_label(restarts, 'restart')}"


def decisions_panel(signals: Sequence[SignalSeen], *, has_room: bool) -> Panel:
    """What the strategy signalled and the desk refused, newest first, with the reasons.

    Args:
        signals: the newest last.
        has_room: each may have two lines.
    """
    if not signals:
        return framed(waiting("no signal yet"), "decisions")
    lines = [line for seen in reversed(signals) for line in _decision(seen, has_room=has_room)]
    return framed(Group(*lines), "decisions")


def _decision(seen: SignalSeen, *, has_room: bool) -> list[Text]:
    signal = seen.signal
    what = f"{signal.action.value} {signal.side.value} {size_label(signal.size_units)}"
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{clock_label(seen.at_ms)} ", "dim")
    line.append(f"P{signal.priority} {what} @ {price_label(signal.price_ticks)} ")
    if seen.refusal:
        line.append(f"refused: {seen.refusal} ", "yellow")
    if not has_room:
        return [line.append(signal.reason, "dim")]
    return [line, Text(f"{'':9}{signal.reason}", "dim", no_wrap=True, overflow="ellipsis")]


def not_traded_label(windows: Sequence[WindowNotTraded], now_ms: int) -> str:
    """Why the present window is not traded, and how many earlier ones were not."""
    words = [f"{each.slug}: {each.reason}" for each in windows if now_ms < each.closes_at_ms]
    past_count = len(windows) - len(words)
    if past_count:
        words.append(f"{count_label(past_count, 'earlier window')} not traded")
    return "; ".join(words)


def skew_label(offset_ms: int, clob_url: str) -> str:
    """Say that this computer's clock is wrong; a local exchange has its own time."""
    if abs(offset_ms) <= CORRECT_ABOVE_MS or is_on_this_host(clob_url):
        return ""
    return f"{skew_words(offset_ms)}; times here are the venue's"


def notice_line(
    stop_loss: StopLossTriggered | None,
    feeds: Sequence[FeedSeen],
    latencies: Mapping[str, Histogram],
    not_traded: str = "",
    skew: str = "",
) -> Text:
    """Problems, the worst first; then the feeds and the latencies."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for warning in filter(None, (not_traded, skew)):
        line.append(f"{warning}  ", "yellow")
    if stop_loss is not None:
        bid = price_label(stop_loss.best_bid_ticks)
        line.append(f"stop loss: {stop_loss.side.value} bid {bid}  ", "bold yellow")
    for feed in sorted(feeds, key=lambda feed: feed.is_up):
        mark = ("● ", "green") if feed.is_up else ("✗ ", "red")
        line.append(*mark).append(f"{feed.feed} ", "dim")
        if not feed.is_up:
            line.append("down ", "red")
        if feed.health is not None and feed.health.source:
            line.append(f"({feed.health.source}) ", "dim")
        if feed.trouble:
            line.append(f"{feed.trouble} ", "yellow")
    for name, histogram in latencies.items():
        line.append(f" {name.replace('_', ' ')} ", "dim").append(latency_text(histogram))
    return line
