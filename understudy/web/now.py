"""The panels of the live page, each drawn from one observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from actors.messages.execution import OrderState
from actors.messages.observer import SeriesView, SignalSeen, View
from actors.messages.position import PositionSnapshot
from actors.model import Side
from actors.series import series_of
from understudy.display.html import Content, Html, facts, nothing, panel, signed, table, tag
from understudy.display.status import Status
from understudy.display.wording import (
    clock_label,
    exact_money,
    marked_nanos,
    money,
    price_label,
    size_label,
    span_label,
    what_text,
    winner_label,
)
from understudy.reading.orders import filled_label, status_text
from understudy.watching.observation import Observation
from understudy.web.market_panels import SIDE_NAMES, PriceTrails, markets_panels
from understudy.web.page import order_link
from understudy.web.system_panels import (
    actors_panel,
    feeds_panel,
    halts_panel,
    limits_panel,
    state_panel,
)


def now_panels(seen: Observation, trails: PriceTrails) -> Mapping[str, Html]:
    """Draw every panel, by its key; without a running system they say so."""
    status = seen.status
    view = status.seen if status is not None else None
    names = series_names(view)
    markets = markets_panels(status, trails)
    return {
        "state": state_panel(seen),
        "market": markets.pop("market"),
        "position": position_panel(status),
        **markets,
        "halts": halts_panel(seen),
        "decisions": decisions_panel(view, names),
        "orders": orders_panel(status, view, names),
        "windows": windows_panel(view),
        "actors": actors_panel(status),
        "feeds": feeds_panel(status, view),
        "limits": limits_panel(seen),
    }


def series_names(view: View | None) -> Mapping[str, str]:
    """Each known window's series, by market id; empty in a run of one series."""
    if view is None or len(view.series) < 2:
        return {}
    opened = [each.opened.market for each in view.series if each.opened is not None]
    traded = [each.intent.market for each in view.live_orders]
    names = {each.market_id: series_of(each.slug) for each in view.settled}
    return names | {each.market_id: each.series for each in (*opened, *traded)}


def position_panel(status: Status | None) -> Html:
    """The holdings and their present value; results of past windows, by series and in total."""
    if status is None or status.view is None:
        return panel("position", "Position and P&L", nothing("the system does not answer"))
    seen, counts = status.by_series, status.view.counts
    views = [each.view for each in seen.values() if each.view is not None]
    positions = [(view.position, view.snapshot) for view in views if view.position is not None]
    pairs: list[tuple[str, Content]] = []
    if positions:
        newest = max((each for each, _ in positions), key=lambda each: each.ledger_version)
        value_nanos = sum(marked_nanos(*each) for each in positions)
        fees_nanos = sum(each.fees_nanos for each, _ in positions)
        pairs = [
            *(_holdings(newest) if len(seen) < 2 else ()),
            ("if sold at the bids", signed(money(value_nanos))),
            ("fees", signed(money(-fees_nanos))),
            ("this day", signed(money(newest.day_pnl_nanos))),
        ]
    pairs.append((f"{counts.settled_count:,} settled", signed(exact_money(counts.total_pnl_nanos))))
    results = _results(status.view.series) if len(seen) > 1 else None
    return panel("position", "Position and P&L", facts(pairs), results)


def _holdings(position: PositionSnapshot) -> Iterator[tuple[str, Content]]:
    for side in Side:
        holding = position.holding(side)
        average = holding.average_ticks()
        at = "" if average is None else f" at {price_label(average)}"
        yield SIDE_NAMES[side], size_label(holding.quantity_units) + at


def _results(series: Iterable[SeriesView]) -> Html:
    """Results of the settled windows of each series."""
    rows = (
        [each.series, f"{each.result.settled_count:,}", signed(exact_money(each.result.pnl_nanos))]
        for each in series
    )
    headings = ("series", "settled", "P&L")
    return table("settled windows by series", headings, rows, numeric=headings[1:])


def orders_panel(status: Status | None, view: View | None, names: Mapping[str, str]) -> Html:
    """Every working order and how much of it is filled; with its series, if there are several."""
    orders = view.live_orders if view is not None else ()
    title = f"Working orders ({len(orders)})" if orders else "Working orders"
    if status is None or not orders:
        return panel("orders", title, nothing("none"), _all_orders())
    headings = ["order", "what", "limit", "filled", "status", "age"]
    rows = [_order(each, status.now_ms) for each in orders]
    if names:
        headings.insert(1, "series")
        for row, each in zip(rows, orders, strict=True):
            row.insert(1, names[each.intent.market.market_id])
    numeric = ("limit", "filled", "age")
    return panel("orders", title, table(title, headings, rows, numeric=numeric), _all_orders())


def _order(order: OrderState, now_ms: int) -> list[Content]:
    return [
        order_link(order.intent.order_id),
        what_text(order.intent.action, order.intent.side),
        price_label(order.intent.price_ticks),
        filled_label(order),
        status_text(order),
        span_label(now_ms - order.intent.created_at_ms),
    ]


def _all_orders() -> Html:
    return tag("p", tag("a", "all orders", href="/orders"))


def decisions_panel(view: View | None, names: Mapping[str, str]) -> Html:
    """What the strategy signalled and the desk refused, newest first, with the reasons."""
    decisions = view.decisions if view is not None else ()
    if not decisions:
        return panel("decisions", "Decisions", nothing("no signal yet"))
    items = tag("ol", *(_decision(each, names) for each in reversed(decisions)))
    label = "newest decisions, newest first"
    body = tag("div", items, class_="scroll", tabindex="0", role="group", aria_label=label)
    return panel("decisions", "Decisions", body)


def _decision(seen: SignalSeen, names: Mapping[str, str]) -> Html:
    signal, series = seen.signal, names.get(seen.market_id)
    what = f"{signal.action.value} {signal.side.value} {size_label(signal.size_units)}"
    refusal = tag("span", f"refused: {seen.refusal}", class_="warning") if seen.refusal else None
    return tag(
        "li",
        tag(
            "p",
            tag("span", clock_label(seen.at_ms), class_="muted"),
            tag("span", series) if series else None,
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
