"""The outcome of the backtest of one window, from which all results are computed."""

from __future__ import annotations

import attrs

from actors.messages.execution import OrderState
from actors.model import Market, Side


@attrs.frozen
class EquityPoint:
    """One window's account after a change."""

    at_ms: int
    cash_nanos: int
    """Received minus paid since the window's start, including fees."""
    yes_units: int
    no_units: int
    up_ticks: float | None
    """Mid price of Up's book at that time; None while a side is empty."""


@attrs.frozen
class Prediction:
    """The values of Up by the strategy's model and by the market, at one instant."""

    left_ms: int
    model_ticks: float | None
    """0 to 1000; None if the model has none."""
    market_ticks: float | None
    """Mid price of Up's book; None while a side is empty."""


@attrs.frozen(kw_only=True)
class WindowOutcome:
    """One window, from its first frame to its result."""

    market: Market
    place: str
    """Place of its recording."""
    strike_e18: int | None
    close_e18: int | None
    is_settled: bool
    """False: the recording has no result, and none could be computed."""
    winner: Side | None
    """None: void, or not settled."""
    evidence: str
    """Source of the result."""
    pnl_nanos: int
    """After fees; 0 while it is not settled."""
    fees_nanos: int
    payout_nanos: int
    cost_nanos: int
    """Cost of what was held at the end, without fees."""
    orders: tuple[OrderState, ...] = attrs.field(repr=False)
    """In the order of their creation."""
    equity: tuple[EquityPoint, ...] = attrs.field(repr=False)
    predictions: tuple[Prediction, ...] = attrs.field(repr=False)
    """About one a second."""
    signals_count: int
    """Evaluations that asked for an order or a cancel."""
    refusals: tuple[tuple[str, int], ...]
    """The desk's reasons for refusals, without their numbers, and how often each occurred."""
    stop_loss_count: int
    frames_count: int
    """Of the market channel."""
    events_count: int
    """Events decoded from them."""
    books_count: int
    trades_count: int
    """Public trades; a recording without them has none that could reach a resting order."""
    unreadable_count: int
    lag_ms: float | None
    """Mean time from the venue's timestamp of an event to its receipt."""
    handled_count: int
    """Messages that cores have handled."""
    gaps_count: int
    errors: tuple[str, ...]
    """Errors logged by cores."""
    derived: str
    """How the recording's derived frames were made; empty if there are none."""

    @property
    def slug(self) -> str:
        """The window's name."""
        return self.market.slug
