"""What runs now, as the panels of a page: each is drawn from one observation, and none is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from actors.directory.messages import Market, Side, Strike
from actors.execution.halt_messages import Halt
from actors.execution.messages import OrderState
from actors.market.messages import BookView, MarketSnapshot
from actors.observer.messages import FeedSeen, SignalSeen, View
from actors.roles import is_spare, order_id_of
from actors.strategy.oracle import fair_value_ticks
from actors.strategy.position_view import PositionView
from actors.strategy.scene import Scene
from actors.supervision.messages import ChildReport, ChildState
from actors.units import E18
from understudy.panels import not_traded_label
from understudy.reading.moments import moment_label
from understudy.reading.orders import filled_label, status_text, what_text
from understudy.status import Status
from understudy.watching.ages import data_age_s
from understudy.watching.health import HealthState, health_of
from understudy.watching.limits import LimitUse, limit_uses
from understudy.watching.observation import Observation
from understudy.web.charts import depth_bar, figure, price_chart
from understudy.web.html import Content, Html, facts, join, nothing, panel, signed, table, tag
from understudy.wording import (
    clock_label,
    depth_label,
    latency_words,
    marked_nanos,
    money,
    move_label,
    price_label,
    reference_label,
    size_label,
    span_label,
)

_LEVELS = 6
_TRAIL_MAX = 4_000
_SIDE_NAMES = {Side.YES: "YES (Up)", Side.NO: "NO (Down)"}
_SIDE_WINS = {Side.YES: "Up", Side.NO: "Down", None: "void"}


class PriceTrail:
    """The reference price of the newest window, for as long as anybody has looked."""

    def __init__(self) -> None:
        self._market_id = ""
        self._prices: deque[float] = deque(maxlen=_TRAIL_MAX)

    def note(self, snapshot: MarketSnapshot | None) -> None:
        """Keep what a snapshot says, and forget the window before it."""
        if snapshot is None or snapshot.reference_e18 is None:
            return
        if snapshot.market.market_id != self._market_id:
            self._market_id = snapshot.market.market_id
            self._prices.clear()
        self._prices.append(snapshot.reference_e18 / E18)

    @property
    def prices(self) -> tuple[float, ...]:
        """In dollars, the newest last."""
        return tuple(self._prices)


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
        actors_panel(status),
        feeds_panel(status, view),
        limits_panel(seen),
        windows_panel(view),
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
        "actors",
        "feeds",
        "limits",
        "windows",
    )
    return dict(zip(keys, panels, strict=True))


def state_panel(seen: Observation) -> Html:
    """Whether it serves, in one word, and why it is no better; the one part that is read aloud."""
    health = health_of(seen)
    stakes = seen.status.stakes if seen.status is not None else ""
    word = tag("strong", health.state.value, class_="word")
    reasons = tag("ul", *(tag("li", each) for each in health.reasons)) if health.reasons else None
    well = "every part does its work" if health.state is HealthState.SERVING else ""
    return tag(
        "section",
        tag("h2", "System", class_="unseen", id="state-title"),
        tag("p", word, tag("span", well), tag("b", stakes, class_="stakes") if stakes else None),
        reasons,
        id="state",
        class_=f"card state {health.state.value}",
        role="status",
        aria_labelledby="state-title",
    )


def halts_panel(seen: Observation) -> Html:
    """What halts trading, who did it, and the ways to halt and resume."""
    halts = seen.status.halts or seen.halts if seen.status is not None else seen.halts
    doors = [_door("halt", "Halt"), _door("flatten", "Flatten")]
    if halts:
        doors.insert(0, _door("resume", "Resume"))
    told = tag("ul", *map(_halt, halts)) if halts else nothing("nobody has halted trading")
    return panel("halts", "Halts", told, tag("p", *doors, class_="doors"))


def _halt(halt: Halt) -> Html:
    effects = [
        word for word, is_so in (("cancels", halt.cancels), ("sells", halt.flattens)) if is_so
    ]
    return tag(
        "li",
        tag("strong", halt.who, class_="loss"),
        f" {halt.reason} ",
        tag("small", f"since {moment_label(halt.since_ms)} UTC {' and '.join(effects)}".rstrip()),
    )


def _door(action: str, word: str) -> Html:
    return tag("a", word, href=f"/{action}", class_=f"button {action}")


def market_panel(status: Status | None, view: View | None, trail: PriceTrail) -> Html:
    """Which window, how long it is open, its strike with its source, the reference, the model."""
    market = _market(view)
    if status is None or view is None or market is None:
        words = "no window yet" if status is not None else "the system does not answer"
        return panel("market", "Window", nothing(words))
    snapshot = view.snapshot
    strike = _strike(view)
    left_ms = market.closes_at_ms - status.now_ms
    length_ms = market.closes_at_ms - market.opens_at_ms
    reference_e18 = snapshot.reference_e18 if snapshot is not None else None
    not_traded = not_traded_label(view.not_traded, status.now_ms)
    return panel(
        "market",
        market.slug,
        tag(
            "div",
            _big("time left", span_label(left_ms) if left_ms > 0 else "waits for its result"),
            _big("reference", reference_label(reference_e18) if reference_e18 else "none"),
            _big("strike", reference_label(strike.price_e18) if strike else "not yet"),
            _big("from strike", _move(strike, reference_e18)),
            _big("model of YES", *_model(status, snapshot)),
            class_="tiles",
        ),
        tag(
            "progress",
            max=str(length_ms),
            value=str(max(0, min(length_ms, length_ms - left_ms))),
            aria_label="part of the window that is over",
        ),
        _price_figure(trail.prices, strike),
        tag("p", not_traded, class_="warning") if not_traded else None,
        tag("p", f"strike: {strike.source} ({strike.origin.value})", class_="muted")
        if strike
        else None,
        note=clock_label(status.now_ms) + " UTC",
    )


def _big(name: str, value: Content, note: str = "") -> Html:
    return tag("div", tag("span", name), tag("b", value), tag("small", note) if note else None)


def _move(strike: Strike | None, reference_e18: int | None) -> Html:
    if strike is None or reference_e18 is None:
        return join("-")
    words = move_label(strike.price_e18, reference_e18)
    is_up = reference_e18 >= strike.price_e18
    return tag("span", f"{words} {'Up' if is_up else 'Down'}", class_="gain" if is_up else "loss")


def _model(status: Status, snapshot: MarketSnapshot | None) -> tuple[str, str]:
    """The oracle's value of YES as the strategy would compute it, and its name."""
    params = status.settings.strategy
    if snapshot is None:
        return "none", params.oracle
    scene = Scene(market=snapshot, position=PositionView(), params=params)
    value_ticks, why = fair_value_ticks(scene)
    return ("none", why) if value_ticks is None else (price_label(value_ticks), params.oracle)


def _price_figure(prices: tuple[float, ...], strike: Strike | None) -> Html | None:
    if not prices:
        return None
    strike_price = strike.price_e18 / E18 if strike is not None else None
    words = f"reference price, {prices[0]:,.2f} to {prices[-1]:,.2f}"
    if strike_price is not None:
        words += f", strike {strike_price:,.2f}"
    known = [*prices, *([] if strike_price is None else [strike_price])]
    return figure(
        "Reference price since somebody looks at this window; dashed: the strike",
        price_chart(prices, strike_price, words),
        f"{max(known):,.2f}",
        f"{min(known):,.2f}",
        (),
    )


def book_panel(side: Side, status: Status | None, view: View | None) -> Html:
    """One token's best levels, bids left and asks right."""
    key, name = f"{side.value.lower()}-book", _SIDE_NAMES[side]
    snapshot = view.snapshot if view is not None else None
    if status is None or snapshot is None:
        return panel(key, name, nothing("no book"))
    book = snapshot.book(side)
    note = span_label(status.now_ms - book.updated_at_ms) + " old"
    if not book.is_synced:
        note = "not synced"
    elif book.is_crossed:
        note = "crossed"
    levels = max(len(book.bids[:_LEVELS]), len(book.asks[:_LEVELS]))
    if not levels:
        return panel(key, name, nothing("empty"), note=note)
    largest = max(units for _, units in (*book.bids[:_LEVELS], *book.asks[:_LEVELS]))
    rows = (_level(book, number, largest) for number in range(levels))
    headings = ("bid size", "bid", "ask", "ask size")
    return panel(
        key, name, table(f"{name}, best first", headings, rows, numeric=headings), note=note
    )


def _level(book: BookView, number: int, largest: int) -> list[Content]:
    bid = book.bids[number] if number < len(book.bids) else None
    ask = book.asks[number] if number < len(book.asks) else None
    return [
        join(depth_bar(bid[1] / largest, "bid"), depth_label(bid[1])) if bid else "",
        tag("span", price_label(bid[0]), class_="gain") if bid else "",
        tag("span", price_label(ask[0]), class_="loss") if ask else "",
        join(depth_bar(ask[1] / largest, "ask"), depth_label(ask[1])) if ask else "",
    ]


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
            pairs.append((_SIDE_NAMES[side], size_label(holding.quantity_units) + at))
        pairs += [
            ("if sold at the bids", signed(money(marked_nanos(position, view.snapshot)))),
            ("fees", signed(money(-position.fees_nanos))),
            ("this day", signed(money(position.day_pnl_nanos))),
        ]
    counts = view.counts
    pairs.append((f"{counts.settled_count:,} settled", signed(money(counts.total_pnl_nanos))))
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


def order_link(order_id: str) -> Html:
    """Link to an order's story."""
    return tag("a", order_id, href=f"/order/{order_id}")


def _all_orders() -> Html:
    return tag("p", tag("a", "all orders", href="/orders"))


def decisions_panel(view: View | None) -> Html:
    """What the strategy wanted and what the desk refused, newest first, with the reasons."""
    decisions = view.decisions if view is not None else ()
    if not decisions:
        return panel("decisions", "Decisions", nothing("no signal yet"))
    headings = ("time", "P", "signal", "why")
    rows = (_decision(each) for each in reversed(decisions))
    return panel("decisions", "Decisions", table("newest decisions", headings, rows))


def _decision(seen: SignalSeen) -> list[Content]:
    signal = seen.signal
    what = f"{signal.action.value} {signal.side.value} {size_label(signal.size_units)}"
    refusal = tag("span", f"refused: {seen.refusal} ", class_="warning") if seen.refusal else None
    return [
        clock_label(seen.at_ms),
        str(signal.priority),
        f"{what} @ {price_label(signal.price_ticks)}",
        tag("span", refusal, tag("span", signal.reason), class_="wrap"),
    ]


_STATE_CLASSES = {
    ChildState.SERVING: "gain",
    ChildState.STARTING: "warning",
    ChildState.WAITING: "warning",
    ChildState.BACKING_OFF: "loss",
}


def actors_panel(status: Status | None) -> Html:
    """The tree: supervisor and children with their states, falls and the ages of their messages."""
    report = status.report if status is not None else None
    if status is None or report is None:
        return panel("actors", "Actors", nothing("no actor answers"))
    shown = [child for child in report.children if not is_spare(child.role)]
    falls = sum(status.restarts.values())
    headings = ("actor", "state", "up", "falls", "last message", "handled", "pid")
    supervisor: list[Content] = [tag("b", "supervisor"), *[""] * 5, str(report.pid)]
    rows = [supervisor, *map(_actor, shown)]
    body = table("actors", headings, rows, numeric=headings[2:], minor=("handled", "pid"))
    latencies = [
        (name.replace("_", " "), latency_words(each)) for name, each in status.latencies.items()
    ]
    note = f"{status.handled_count:,} messages, {falls} falls"
    return panel("actors", "Actors", body, facts(latencies), note=note)


def _actor(child: ChildReport) -> list[Content]:
    order_id = order_id_of(child.role)
    name = order_link(order_id) if order_id else child.role
    return [
        tag("span", name, class_="branch"),
        tag("span", child.state.value, class_=f"dot {_STATE_CLASSES[child.state]}"),
        span_label(child.uptime_ms),
        tag("b", str(child.restarts), class_="loss") if child.restarts else "0",
        span_label(child.last_message_age_ms),
        f"{child.handled_count:,}",
        str(child.pid) if child.pid else "-",
    ]


def feeds_panel(status: Status | None, view: View | None) -> Html:
    """The connections to the venue: whether each is up, and how old its newest data is."""
    if status is None or view is None or not view.feeds:
        return panel("feeds", "Feeds", nothing("no feed has told of itself yet"))
    rows = (_feed(each, status) for each in view.feeds)
    headings = ("feed", "state", "data age", "frames", "lost")
    return panel("feeds", "Feeds", table("feeds", headings, rows, numeric=headings[2:]))


def _feed(feed: FeedSeen, status: Status) -> list[Content]:
    health, age = feed.health, data_age_s(feed, status)
    source = f" ({health.source})" if health is not None and health.source else ""
    state = tag(
        "span", "up" if feed.is_up else "down", class_="dot gain" if feed.is_up else "dot loss"
    )
    trouble = tag("span", f" {feed.trouble}", class_="warning wrap") if feed.trouble else None
    return [
        feed.feed + source,
        join(state, trouble),
        "-" if age is None else span_label(round(age * 1_000)),
        f"{health.frames_count:,}" if health else "-",
        f"{health.reconnect_count:,}" if health else "-",
    ]


def limits_panel(seen: Observation) -> Html:
    """How much of each limit is used."""
    if seen.status is None:
        return panel("limits", "Limits", nothing("the system does not answer"))
    rows = map(_limit, limit_uses(seen.status, seen.desk))
    headings = ("limit", "part", "used")
    return panel(
        "limits", "Limits", table("limits and their use", headings, rows, numeric=("used",))
    )


def _limit(use: LimitUse) -> list[Content]:
    name = use.limit.replace("_", " ")
    part = use.used / use.allowed if use.allowed else 1.0
    meter = tag(
        "meter",
        min="0",
        max="1",
        high="0.8",
        value=f"{min(1.0, part):.3f}",
        aria_label=f"{name}, part used",
    )
    return [name, meter, f"{use.used:,.4g} of {use.allowed:,.6g}"]


def windows_panel(view: View | None) -> Html:
    """The newest settled windows, newest first."""
    settled = view.settled[-8:] if view is not None else ()
    more = tag("p", tag("a", "history", href="/history"))
    if not settled:
        return panel("windows", "Settled windows", nothing("none yet"), more)
    rows = (
        [
            tag("a", each.slug, href=f"/orders?market={each.slug}"),
            _SIDE_WINS[each.winner],
            signed(money(each.pnl_nanos)),
        ]
        for each in reversed(settled)
    )
    headings = ("window", "won", "P&L")
    body = table("newest settled windows", headings, rows, numeric=("P&L",))
    return panel("windows", "Settled windows", body, more)


def _market(view: View | None) -> Market | None:
    if view is None:
        return None
    if view.opened is not None:
        return view.opened.market
    return view.snapshot.market if view.snapshot is not None else None


def _strike(view: View) -> Strike | None:
    if view.opened is not None and view.opened.strike is not None:
        return view.opened.strike
    snapshot, market = view.snapshot, _market(view)
    is_same = snapshot is not None and snapshot.market == market
    return snapshot.strike if snapshot is not None and is_same else None
