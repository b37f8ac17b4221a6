"""Messages of the strategy: signals, and that the stop loss was reached."""

from __future__ import annotations

import attrs

from actors.model import Action, Side, TimeInForce


@attrs.frozen(kw_only=True)
class TradeSignal:
    """One order that the strategy asks for."""

    side: Side
    price_ticks: int
    """Limit price."""
    size_units: int
    priority: int
    """0 arbitrage, 2 inventory, 3 safety (docs/strategy.md)."""
    reason: str
    """A sentence with the numbers that decided it."""
    action: Action = Action.BUY
    best_bid_ticks: int | None = None
    """Best bid of the snapshot behind it; None without a bid."""
    best_ask_ticks: int | None = None
    """Best ask of the same snapshot; None without an ask."""
    time_in_force: TimeInForce = TimeInForce.GTC
    is_post_only: bool = False
    """Whether it may only rest, and never take."""
    time_to_live_ms: int | None = None
    """None: ``execution.order_ttl_ms``."""
    pair: str | None = None
    """Two signals with the same name are accepted together or not at all."""


@attrs.frozen
class CancelSignal:
    """An order that the strategy asks to cancel."""

    order_id: str
    reason: str


@attrs.frozen(kw_only=True)
class TradeSignals:
    """The signals of one evaluation; the desk judges each signal, or pair of signals, by itself."""

    signals_id: int
    market_id: str
    signals: tuple[TradeSignal, ...]
    position_version: int
    """Version of the position behind them."""
    snapshot_sequence: int
    snapshot_at_ms: int
    passed_over: tuple[str, ...]
    """Each stage that gave nothing, and why; for `understudy explain`."""
    basis: str
    """The snapshot and position in one line, for `understudy explain`."""
    tick_ns: int
    cancels: tuple[CancelSignal, ...] = ()
    """Carried out whatever happens to the signals, because a cancel only reduces risk."""
    orders_per_side: int = 1
    """How many orders may work on one side at a time."""
    settings_number: int = 0
    """Number of the settings behind them."""


@attrs.frozen(kw_only=True)
class StrategyChosen:
    """Recorded: the user's own strategy that decides from now on."""

    name: str
    path: str
    class_name: str
    sha256: str
    contract: int
    parameters: tuple[tuple[str, str], ...]
    """(name, value as text) of every parameter."""


@attrs.frozen(kw_only=True)
class StopLossTriggered:
    """A one-sided holding fell below the stop loss; repeated until the desk shows it as stopped."""

    market_id: str
    side: Side
    best_bid_ticks: int
    """0 without any bid."""
    held_units: int
    on_stop_loss: str
    """"halt" or "exit": what the desk does with the position."""
    position_version: int
    tick_ns: int
    reason: str = ""
    """Shown as the reason; if empty, the bid and the holding are shown."""


@attrs.frozen(kw_only=True)
class Evaluated:
    """To the observer, now and then: the outcome of the newest evaluation."""

    market_id: str
    at_ms: int
    """Venue time of the evaluation."""
    passed_over: tuple[str, ...]
    """As in TradeSignals."""
    is_final: bool
    """A safety stage ended it: only the last reason counts."""
    signals_count: int
    model_ticks: float | None
    """The model's value of YES; None without a model."""
    model_basis: str
    """The numbers behind the model, or why there is none."""
