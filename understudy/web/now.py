"""What runs now, as the panels of a page: each is drawn from one observation, and none is kept."""

from __future__ import annotations

from collections.abc import Mapping

from actors.messages.execution import OrderState
from actors.messages.observer import SignalSeen, View
from actors.model import Side
from understudy.reading.orders import filled_label, status_text, what_text
from understudy.reading.report_view import winner_label
from understudy.status import Status
from understudy.watching.observation import Observation
from understudy.web.html import Content, Html, facts, nothing, panel, signed, table, tag
from understudy.web.market_panels import SIDE_NAMES, PriceTrail, book_panel, market_panel
from understudy.web.page import order_link
from understudy.web.system_panels import (
    actors_panel,
    feeds_panel,
    halts_panel,
    limits_panel,
    state_panel,
)
from understudy.wording import (
    clock_label,
    exact_money,
    marked_nanos,
    money,
    price_label,
    size_label,
    span_label,
)


def now_panels(seen: Observation, trail: PriceTrail) -> Mapping[str, Html]:
    """Draw every panel, by its key; those of a system that does not answer say so."""
    status = seen.status
    view = status.view if status is not None else None
    panels = [
        state_panel(seen),
        market_panel(status, view, trail),
        position_panel(view),
        book_panel(Side.YES, status, view),
        book_panel(Side.NO, status, view),
        halts_panel(seen),
        decisions_panel(view),
        orders_panel(status, view),
        windows_panel(view),
        actors_panel(status),
        feeds_panel(status, view),
        limits_panel(seen),
    ]
    keys = (
        "state",
        "market",
        "position",
        "yes-book",
        "no-book",
        "halts",
        "decisions",
        "orders",
        "windows",
        "actors",
        "feeds",
        "limits",
    )
    return dict(zip(keys, panels, strict=True))


def position_panel(view: View | None) -> Html:
    """What is held and what it is worth now; what past windows brought."""
    if view is None:
        return panel("position", "Position and P&L", nothing("the system does not answer"))
    position, pairs = view.position, []
    if position is not None:
        for side in Side:
            holding = position.holding(side)
            average = holding.average_ticks()
            at = "" if average is None else f" at {price_label(average)}"
            pairs.append((SIDE_NAMES[side], size_label(holding.quantity_units) + at))
        pairs += [
            ("if sold at the bids", signed(money(marked_nanos(position, view.snapshot)))),
            ("fees", signed(money(-position.fees_nanos))),
            ("this day", signed(money(position.day_pnl_nanos))),
        ]
    counts = view.counts
    pairs.append((f"{counts.settled_count:,} settled", signed(exact_money(counts.total_pnl_nanos))))
    return panel("position", "Position and P&L", facts(pairs))


def orders_panel(status: Status | None, view: View | None) -> Html:
    """Every working order and how much of it is filled."""
    orders = view.live_orders if view is not None else ()
    title = f"Working orders ({len(orders)})" if orders else "Working orders"
    if status is None or not orders:
        return panel("orders", title, nothing("none"), _all_orders())
    now_ms = status.now_ms
    headings = ("order", "what", "limit", "filled", "status", "age")
    rows = (_order(each, now_ms) for each in orders)
    numeric = ("limit", "filled", "age")
    return panel("orders", title, table(title, headings, rows, numeric=numeric), _all_orders())


def _order(order: OrderState, now_ms: int) -> list[Content]:
    return [
        order_link(order.intent.order_id),
        what_text(order),
        price_label(order.intent.price_ticks),
        filled_label(order),
        status_text(order),
        span_label(now_ms - order.intent.created_at_ms),
    ]


def _all_orders() -> Html:
    return tag("p", tag("a", "all orders", href="/orders"))


def decisions_panel(view: View | None) -> Html:
    """What the strategy wanted and what the desk refused, newest first, with the reasons."""
    decisions = view.decisions if view is not None else ()
    if not decisions:
        return panel("decisions", "Decisions", nothing("no signal yet"))
    items = tag("ol", *map(_decision, reversed(decisions)))
    label = "newest decisions, newest first"
    body = tag("div", items, class_="scroll", tabindex="0", role="group", aria_label=label)
    return panel("decisions", "Decisions", body)


def _decision(seen: SignalSeen) -> Html:
    signal = seen.signal
    what = f"{signal.action.value} {signal.side.value} {size_label(signal.size_units)}"
    refusal = tag("span", f"refused: {seen.refusal}", class_="warning") if seen.refusal else None
    return tag(
        "li",
        tag(
            "p",
            tag("span", clock_label(seen.at_ms), class_="muted"),
            tag("b", f"{what} @ {price_label(signal.price_ticks)}"),
            tag("small", f"priority {signal.priority}"),
            refusal,
        ),
        tag("p", signal.reason, class_="muted"),
    )


def windows_panel(view: View | None) -> Html:
    """The newest settled windows, newest first."""
    settled = view.settled[-6:] if view is not None else ()
    more = tag("p", tag("a", "history", href="/history"))
    if not settled:
        return panel("windows", "Settled windows", nothing("none yet"), more)
    rows = (
        [
            tag("a", each.slug, href=f"/orders?market={each.slug}"),
            winner_label(each.winner),
            signed(exact_money(each.pnl_nanos)),
        ]
        for each in reversed(settled)
    )
    headings = ("window", "won", "P&L")
    body = table("newest settled windows", headings, rows, numeric=("P&L",))
    return panel("windows", "Settled windows", body, more)
