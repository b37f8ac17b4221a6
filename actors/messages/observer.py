"""What the observer answers: everything people are shown of a running system, in one value."""

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
    """Ask for a View; answered at once, to whoever asks."""

    request_id: int


@attrs.frozen(kw_only=True)
class SignalSeen:
    """A signal of the strategy, and why the desk did not carry it out, if it did not."""

    at_ms: int
    market_id: str
    signal: TradeSignal
    refusal: str = ""
    """Empty while it is not refused."""


@attrs.frozen(kw_only=True)
class FeedSeen:
    """The state of one feed's connection."""

    feed: str
    is_up: bool
    since_ms: int
    """Venue time of the last change between up and down."""
    trouble: str = ""
    """Why it is down or stale; empty while it is well."""
    health: FeedHealth | None = None
    """Its newest counters."""


@attrs.frozen(kw_only=True)
class ObserverCounts:
    """How much of everything was seen, over all windows and restarts.

    Up to a few seconds' worth is missing after the observer itself has fallen: what must be exact
    is in the journal.
    """

    signals: dict[int, int] = attrs.field(factory=dict)
    """By priority."""
    refused_count: int = 0
    """Signals the desk did not carry out."""
    orders: dict[str, int] = attrs.field(factory=dict)
    """By the name of their status; live ones by the status they have now."""
    fills_count: int = 0
    """Fills that stand."""
    settled_count: int = 0
    total_pnl_nanos: int = 0


@attrs.frozen(kw_only=True)
class SeriesResult:
    """What the settled windows of one series came to."""

    settled_count: int = 0
    pnl_nanos: int = 0


@attrs.frozen(kw_only=True)
class SeriesView:
    """What is shown of one series: its newest window; fields as in View."""

    series: str
    """Its name; empty in a run whose windows tell none."""
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
    """The answer to GetView. What is of one window is of the first series' newest."""

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
    """What the desk says of the newest window."""
    live_orders: tuple[OrderState, ...] = ()
    """Oldest first."""
    decisions: tuple[SignalSeen, ...] = ()
    """The newest signals and what became of them, last one last."""
    stop_loss: StopLossTriggered | None = None
    """Of the newest window."""
    settled: tuple[WindowSettled, ...] = ()
    """The newest results, last one last."""
    feeds: tuple[FeedSeen, ...] = ()
    """By name."""
    skew_ms: int | None = None
    """How far the venue's clock was ahead when last measured."""
    counts: ObserverCounts = attrs.field(factory=ObserverCounts)
    not_traded: tuple[WindowNotTraded, ...] = ()
    """Of the newest windows those that are not traded, or lack a strike, last one last."""
    evaluated: Evaluated | None = None
    """What the strategy's newest evaluation of the newest window came to."""
    unreachable: str = ""
    """Why the directory cannot ask the venue; empty while it can."""
    series: tuple[SeriesView, ...] = ()
    """Every series, in the order of the configuration."""

    def in_series(self, seen: SeriesView) -> View:
        """The same with what is of one window taken from another series."""
        own = attrs.fields_dict(SeriesView).keys() - {"series", "result"}
        return attrs.evolve(self, **{name: getattr(seen, name) for name in own})
