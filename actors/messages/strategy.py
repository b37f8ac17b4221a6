"""What the strategy says: signals, and that the stop loss was reached."""

from __future__ import annotations

import attrs

from actors.model import Action, Side, TimeInForce


@attrs.frozen(kw_only=True)
class TradeSignal:
    """One thing the strategy wants done."""

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
    """Of the snapshot that it was computed on; None without a bid."""
    best_ask_ticks: int | None = None
    """Of the same snapshot; None without an ask."""
    time_in_force: TimeInForce = TimeInForce.GTC
    is_post_only: bool = False
    """It may rest and never take."""
    time_to_live_ms: int | None = None
    """None: ``execution.order_ttl_ms``."""
    pair: str | None = None
    """Two signals with the same name are carried out together or not at all."""


@attrs.frozen
class CancelSignal:
    """An order that the strategy wants taken back."""

    order_id: str
    reason: str


@attrs.frozen(kw_only=True)
class TradeSignals:
    """What one evaluation wants done; the desk judges each signal, or pair of them, by itself."""

    signals_id: int
    market_id: str
    signals: tuple[TradeSignal, ...]
    position_version: int
    """The position they were computed on."""
    snapshot_sequence: int
    snapshot_at_ms: int
    passed_over: tuple[str, ...]
    """Each stage that gave nothing, and why; for `understudy explain`."""
    basis: str
    """The snapshot and position in one line, for `understudy explain`."""
    tick_ns: int
    cancels: tuple[CancelSignal, ...] = ()
    """Obeyed whatever becomes of the signals: a cancel takes risk away."""
    orders_per_side: int = 1
    """How many orders the strategy wants to work on one side at a time."""
    settings_number: int = 0
    """Of the settings they were decided by."""


@attrs.frozen(kw_only=True)
class StrategyChosen:
    """Recorded: which strategy of one's own decides from now on."""

    name: str
    path: str
    class_name: str
    sha256: str
    contract: int
    parameters: tuple[tuple[str, str], ...]
    """(name, value as text) of every one."""


@attrs.frozen(kw_only=True)
class StopLossTriggered:
    """A one-sided holding fell below the stop loss; said until the desk shows a stopped market."""

    market_id: str
    side: Side
    best_bid_ticks: int
    """0 without any bid."""
    held_units: int
    on_stop_loss: str
    """ "halt" or "exit": what the desk does about the position."""
    position_version: int
    tick_ns: int
    reason: str = ""
    """Shown as the reason; empty: the bid and what is held."""


@attrs.frozen(kw_only=True)
class Evaluated:
    """To the observer, now and then: what the newest evaluation came to."""

    market_id: str
    at_ms: int
    """Venue time of the evaluation."""
    passed_over: tuple[str, ...]
    """As of TradeSignals."""
    is_final: bool
    """A safety stage ended it: the last reason is the one that counts."""
    signals_count: int
    model_ticks: float | None
    """What YES should be worth; None without a model."""
    model_basis: str
    """The numbers behind the model, or why there is none."""
