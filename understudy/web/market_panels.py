"""The market as panels: the window with its strike and reference price, and both books."""

from __future__ import annotations

from collections import deque

from actors.messages.market import BookView, MarketSnapshot
from actors.messages.observer import View
from actors.model import Market, Side, Strike
from actors.units import E18
from understudy.panels import not_traded_label
from understudy.status import Status
from understudy.web.charts import depth_bar, figure, price_chart
from understudy.web.html import Content, Html, join, nothing, panel, table, tag
from understudy.wording import (
    clock_label,
    depth_label,
    move_label,
    price_label,
    reference_label,
    span_label,
)

_LEVELS = 6
_TRAIL_MAX = 4_000
SIDE_NAMES = {Side.YES: "YES (Up)", Side.NO: "NO (Down)"}


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
            _big("reference", *_reference(snapshot, status.now_ms)),
            _big("strike", reference_label(strike.price_e18) if strike else "not yet"),
            _big("from strike", *_move(strike, reference_e18)),
            _big("model of YES", _model(view)),
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
        tag("p", f"model: {view.evaluated.model_basis}", class_="muted")
        if view.evaluated
        else None,
        _unwanted(view),
        note=clock_label(status.now_ms) + " UTC",
    )


def _big(name: str, value: Content, note: str = "") -> Html:
    return tag("div", tag("span", name), tag("b", value), tag("small", note) if note else None)


def _reference(snapshot: MarketSnapshot | None, now_ms: int) -> tuple[str, str]:
    if snapshot is None or snapshot.reference_e18 is None:
        return "none", ""
    age = span_label(now_ms - snapshot.reference_at_ms)
    return reference_label(snapshot.reference_e18), f"{age} old"


def _move(strike: Strike | None, reference_e18: int | None) -> tuple[Content, str]:
    if strike is None or reference_e18 is None:
        return "-", ""
    is_up = reference_e18 >= strike.price_e18
    words = move_label(strike.price_e18, reference_e18)
    return tag("span", words, class_="gain" if is_up else "loss"), "Up" if is_up else "Down"


def _model(view: View) -> str:
    """What YES should be worth by the strategy's newest evaluation."""
    value_ticks = view.evaluated.model_ticks if view.evaluated is not None else None
    return "none" if value_ticks is None else price_label(value_ticks)


def _unwanted(view: View) -> Html | None:
    """Why the newest evaluation wants nothing, stage by stage."""
    evaluated = view.evaluated
    if evaluated is None or evaluated.signals_count or not evaluated.passed_over:
        return None
    reasons = evaluated.passed_over[-1:] if evaluated.is_final else evaluated.passed_over
    items = (tag("li", reason) for reason in reasons)
    return tag("details", tag("summary", "Why nothing is wanted now"), tag("ul", *items))


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
    key, name = f"{side.value.lower()}-book", SIDE_NAMES[side]
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
