"""Answers of the observer: everything that people are shown of a running system, in one value."""

from __future__ import annotations

import attrs

from actors.messages.directory import MarketOpened, WindowNotTraded
from actors.messages.execution import OpenOrders, OrderState
from actors.messages.feeds import FeedHealth
from actors.messages.market import MarketSnapshot
from actors.messages.position import PositionSnapshot, WindowSettled
from actors.messages.strategy import Evaluated, StopLossTriggered, TradeSignal


@attrs.frozen
class GetView:
    """Ask for a View; answered at once, to the sender."""

    request_id: int


@attrs.frozen(kw_only=True)
class SignalSeen:
    """A signal of the strategy, with the desk's refusal if there was one."""

    at_ms: int
    market_id: str
    signal: TradeSignal
    refusal: str = ""
    """Empty if it was not refused."""


@attrs.frozen(kw_only=True)
class FeedSeen:
    """The state of one feed's connection."""

    feed: str
    is_up: bool
    since_ms: int
    """Venue time of the last change between up and down."""
    trouble: str = ""
    """Why it is down or stale; empty while it works."""
    health: FeedHealth | None = None
    """Its newest counters."""


@attrs.frozen(kw_only=True)
class ObserverCounts:
    """Counters over all windows and restarts.

    After a crash of the observer itself up to a few seconds may be missing; exact numbers are in
    the journal.
    """

    signals: dict[int, int] = attrs.field(factory=dict)
    """By priority."""
    refused_count: int = 0
    """Signals the desk did not carry out."""
    orders: dict[str, int] = attrs.field(factory=dict)
    """By status name; open orders by their current status."""
    fills_count: int = 0
    """Fills that stand."""
    settled_count: int = 0
    total_pnl_nanos: int = 0


@attrs.frozen(kw_only=True)
class SeriesResult:
    """The total result of one series' settled windows."""

    settled_count: int = 0
    pnl_nanos: int = 0


@attrs.frozen(kw_only=True)
class SeriesView:
    """The view of one series: its newest window; fields as in View."""

    series: str
    """Its name; empty in a run whose windows do not show it."""
    opened: MarketOpened | None
    is_closed: bool
    snapshot: MarketSnapshot | None
    position: PositionSnapshot | None
    open_orders: OpenOrders | None
    stop_loss: StopLossTriggered | None
    evaluated: Evaluated | None
    result: SeriesResult = attrs.field(factory=SeriesResult)
    """Over all its windows."""


@attrs.frozen(kw_only=True)
class View:
    """The answer to GetView. Fields about one window are of the first series' newest one."""

    request_id: int
    at_ms: int
    opened: MarketOpened | None = None
    """The newest window; None before the first."""
    is_closed: bool = False
    """That window's time is over."""
    snapshot: MarketSnapshot | None = None
    position: PositionSnapshot | None = None
    """Of the newest window."""
    open_orders: OpenOrders | None = None
    """The desk's open orders in the newest window."""
    live_orders: tuple[OrderState, ...] = ()
    """Oldest first."""
    decisions: tuple[SignalSeen, ...] = ()
    """The newest signals with their outcome, newest last."""
    stop_loss: StopLossTriggered | None = None
    """Of the newest window."""
    settled: tuple[WindowSettled, ...] = ()
    """The newest results, newest last."""
    feeds: tuple[FeedSeen, ...] = ()
    """By name."""
    skew_ms: int | None = None
    """How far the venue's clock was ahead when last measured."""
    counts: ObserverCounts = attrs.field(factory=ObserverCounts)
    not_traded: tuple[WindowNotTraded, ...] = ()
    """Those of the newest windows that are not traded, or have no strike, newest last."""
    evaluated: Evaluated | None = None
    """The strategy's newest evaluation of the newest window."""
    unreachable: str = ""
    """Why the directory cannot ask the venue; empty while it can."""
    series: tuple[SeriesView, ...] = ()
    """Every series, in the order of the configuration."""

    def in_series(self, seen: SeriesView) -> View:
        """The same view, with the fields about one window taken from another series."""
        own = attrs.fields_dict(SeriesView).keys() - {"series", "result"}
        return attrs.evolve(self, **{name: getattr(seen, name) for name in own})
