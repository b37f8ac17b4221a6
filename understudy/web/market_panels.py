"""Panels of the market: each window with its strike and reference price, and both books."""

from __future__ import annotations

from collections import deque

from actors.messages.market import BookView, MarketSnapshot
from actors.messages.observer import View
from actors.model import Market, Side, Strike
from actors.series import series_of
from actors.units import E18
from understudy.display.html import Content, Html, join, nothing, panel, signed, table, tag
from understudy.display.panels import not_traded_label
from understudy.display.standing import standing_of
from understudy.display.status import Status
from understudy.display.wording import (
    clock_label,
    depth_label,
    marked_nanos,
    money,
    move_label,
    price_label,
    reference_label,
    size_label,
    span_label,
)
from understudy.web.charts import depth_bar, figure, price_chart

_LEVELS = 6
_TRAIL_MAX = 4_000
SIDE_NAMES = {Side.YES: "YES (Up)", Side.NO: "NO (Down)"}


class PriceTrails:
    """Reference prices of each series' newest window, since the first observation of it."""

    def __init__(self) -> None:
        self._trails: dict[str, tuple[str, deque[float]]] = {}
        """By series: the window's id, and its prices in dollars."""

    def note(self, status: Status | None) -> None:
        """Add a status's prices; forget earlier windows, and series that are gone."""
        seen = status.by_series if status is not None else {}
        for name in self._trails.keys() - seen.keys():
            del self._trails[name]
        for name, each in seen.items():
            self._note(name, each.view.snapshot if each.view is not None else None)

    def _note(self, series: str, snapshot: MarketSnapshot | None) -> None:
        if snapshot is None or snapshot.reference_e18 is None:
            return
        market_id, prices = self._trails.get(series, ("", deque[float]()))
        if market_id != snapshot.market.market_id:
            prices = deque(maxlen=_TRAIL_MAX)
            self._trails[series] = snapshot.market.market_id, prices
        prices.append(snapshot.reference_e18 / E18)

    def prices(self, series: str) -> tuple[float, ...]:
        """Prices in dollars, newest last; empty for a series not observed yet."""
        return tuple(self._trails[series][1]) if series in self._trails else ()


def markets_panels(status: Status | None, trails: PriceTrails) -> dict[str, Html]:
    """Draw the windows and their books: of one series in three panels, of several in one."""
    seen = status.by_series if status is not None else {}
    if status is not None and len(seen) > 1:
        cards = (_series_card(name, each, trails.prices(name)) for name, each in seen.items())
        title = tag("span", f"Series ({len(seen)})", id="market-title")
        clock = tag("small", clock_label(status.now_ms) + " UTC")
        region = tag(
            "section",
            tag("h2", title, clock),
            *cards,
            id="market",
            class_="series",
            aria_labelledby="market-title",
        )
        # Present although empty: a page opened before a series was added has them.
        empty = {key: tag("section", id=key, hidden=True) for key in _BOOK_KEYS.values()}
        return {"market": region, **empty}
    view = status.view if status is not None else None
    books = {key: _book_panel(side, status, view) for side, key in _BOOK_KEYS.items()}
    return {"market": _market_panel(status, view, trails.prices("")), **books}


_BOOK_KEYS = {Side.YES: "yes-book", Side.NO: "no-book"}


def _market_panel(status: Status | None, view: View | None, prices: tuple[float, ...]) -> Html:
    """The only window: time left, strike and its source, reference, model."""
    market = _market(view)
    if status is None or view is None or market is None:
        words = "no window yet" if status is not None else "the system does not answer"
        return panel("market", "Window", nothing(words))
    strike = _strike(view)
    not_traded = not_traded_label(view.not_traded, status.now_ms)
    return panel(
        "market",
        market.slug,
        tag("div", *_tiles(status, view, market), class_="tiles"),
        _progress(market, status.now_ms),
        _price_figure(prices, strike),
        tag("p", not_traded, class_="warning") if not_traded else None,
        *_sources(view, strike),
        _unwanted(view),
        note=clock_label(status.now_ms) + " UTC",
    )


def _series_card(series: str, status: Status, prices: tuple[float, ...]) -> Html:
    """One of several series: its standing, window and holding, with its books to unfold."""
    key, view, market = f"market-{series}", status.view, _market(status.view)
    standing = standing_of(status)
    verb = tag("b", standing.verb, class_="warning" if standing.is_trouble else None)
    about = tag("p", verb, f": {standing.why}")
    if view is None or market is None:
        return panel(key, series, about, heading="h3")
    strike, snapshot, position = _strike(view), _own_snapshot(view, market), view.position
    held = "-"
    if position is not None:
        held = " / ".join(size_label(position.holding(side).quantity_units) for side in Side)
    value = "-" if position is None else signed(money(marked_nanos(position, snapshot)))
    tiles = (*_tiles(status, view, market), _big("held, YES / NO", held), _big("if sold", value))
    own = [each for each in view.not_traded if series_of(each.slug) == series]
    not_traded = not_traded_label(own, status.now_ms)
    return panel(
        key,
        series,
        about,
        tag("div", *tiles, class_="tiles"),
        _progress(market, status.now_ms),
        tag("p", not_traded, class_="warning") if not_traded else None,
        tag(
            "details",
            tag("summary", _best_text(snapshot)),
            *(_book_part(series, side, status, snapshot) for side in Side),
            _price_figure(prices, strike),
            *_sources(view, strike),
        ),
        _unwanted(view),
        note=market.slug,
        heading="h3",
    )


def _best_text(snapshot: MarketSnapshot | None) -> str:
    """Both books' best bid and ask."""
    if snapshot is None:
        return "no book"
    words = []
    for side in Side:
        book = snapshot.book(side)
        best = (book.best_bid_ticks, book.best_ask_ticks)
        prices = " / ".join("-" if each is None else price_label(each) for each in best)
        words.append(f"{side.value} {prices}")
    return f"Books: {', '.join(words)}"


def _tiles(status: Status, view: View, market: Market) -> tuple[Html, ...]:
    snapshot, strike = view.snapshot, _strike(view)
    left_ms = market.closes_at_ms - status.now_ms
    reference_e18 = snapshot.reference_e18 if snapshot is not None else None
    return (
        _big("time left", span_label(left_ms) if left_ms > 0 else "waits for its result"),
        _big("reference", *_reference(snapshot, status.now_ms)),
        _big("strike", reference_label(strike.price_e18) if strike else "not yet"),
        _big("from strike", *_move(strike, reference_e18)),
        _big("model of YES", _model(view)),
    )


def _big(name: str, value: Content, note: str = "") -> Html:
    return tag("div", tag("span", name), tag("b", value), tag("small", note) if note else None)


def _progress(market: Market, now_ms: int) -> Html:
    length_ms = market.closes_at_ms - market.opens_at_ms
    passed_ms = max(0, min(length_ms, now_ms - market.opens_at_ms))
    label = "share of the window that has passed"
    return tag("progress", max=str(length_ms), value=str(passed_ms), aria_label=label)


def _sources(view: View, strike: Strike | None) -> tuple[Html | None, ...]:
    """The source of the strike, and the basis of the model."""
    model = f"model: {view.evaluated.model_basis}" if view.evaluated else ""
    source = f"strike: {strike.source} ({strike.origin.value})" if strike else ""
    return tuple(tag("p", words, class_="muted") for words in (source, model) if words)


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
    """The value of YES in the strategy's newest evaluation."""
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
        "Reference price since this window was first viewed; dashed: the strike",
        price_chart(prices, strike_price, words),
        f"{max(known):,.2f}",
        f"{min(known):,.2f}",
        (),
    )


def _book_panel(side: Side, status: Status | None, view: View | None) -> Html:
    """One token's best levels, bids left and asks right."""
    key, name = _BOOK_KEYS[side], SIDE_NAMES[side]
    snapshot = view.snapshot if view is not None else None
    if status is None or snapshot is None:
        return panel(key, name, nothing("no book"))
    book = snapshot.book(side)
    return panel(key, name, _book_table(name, book), note=_book_note(book, status.now_ms))


def _book_part(series: str, side: Side, status: Status, snapshot: MarketSnapshot | None) -> Html:
    """One token's book in a card, with its heading."""
    name = SIDE_NAMES[side]
    if snapshot is None:
        return tag("h4", name)
    book = snapshot.book(side)
    note = tag("small", f" {_book_note(book, status.now_ms)}")
    return join(tag("h4", name, note), _book_table(f"{series} {name}", book))


def _book_note(book: BookView, now_ms: int) -> str:
    """A book's age, or why it cannot be traded on."""
    if not book.is_synced:
        return "not synced"
    return "crossed" if book.is_crossed else span_label(now_ms - book.updated_at_ms) + " old"


def _book_table(name: str, book: BookView) -> Html:
    levels = max(len(book.bids[:_LEVELS]), len(book.asks[:_LEVELS]))
    if not levels:
        return nothing("empty")
    largest = max(units for _, units in (*book.bids[:_LEVELS], *book.asks[:_LEVELS]))
    rows = (_level(book, number, largest) for number in range(levels))
    headings = ("bid size", "bid", "ask", "ask size")
    return tag("div", table(f"{name}, best first", headings, rows, numeric=headings), class_="book")


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


def _own_snapshot(view: View, market: Market) -> MarketSnapshot | None:
    """The snapshot, if it is of this window already."""
    snapshot = view.snapshot
    is_own = snapshot is not None and snapshot.market.market_id == market.market_id
    return snapshot if is_own else None


def _strike(view: View) -> Strike | None:
    if view.opened is not None and view.opened.strike is not None:
        return view.opened.strike
    market = _market(view)
    snapshot = _own_snapshot(view, market) if market is not None else None
    return snapshot.strike if snapshot is not None else None
