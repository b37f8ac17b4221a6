"""The desk's recorded state, and the events it records with its decisions."""

from __future__ import annotations

import attrs

from actors.messages.execution import OrderIntent, OrderStatus
from actors.messages.halts import Halt
from actors.messages.strategy import StopLossTriggered
from actors.model import Market


@attrs.frozen(kw_only=True)
class DeskWindow:
    """The desk's state for one window."""

    required_version: int = 0
    """Position version that contains every finished order's fills; older signals are stale."""
    stop_reason: str = ""
    """Why no more signals are accepted; empty while they are."""
    exit_wish: StopLossTriggered | None = None
    """The stop loss whose holding is to be sold; None if it is kept."""


_UNTOUCHED = DeskWindow()


@attrs.frozen(kw_only=True)
class DeskState:
    """The desk's own state; the open orders are known from their own records."""

    next_number: int = 1
    """Number of the next order id."""
    accepted: tuple[int, int] = (0, 0)
    """(snapshot_at_ms, signals_id) of the signals last carried out: a late copy of them, or of
    older ones, is not carried out again."""
    accepted_by: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    """The same by series; values recorded by an earlier release are in ``accepted``."""
    windows: dict[str, DeskWindow] = attrs.field(factory=dict)
    """By market id."""
    halts: tuple[Halt, ...] = ()
    """The halts in force, until they are lifted."""
    minute: int = 0
    """Minute of the clock in which the newest order was created, counted since 1970."""
    minute_count: int = 0
    """Orders created in it."""

    stop_losses: dict[str, int] = attrs.field(factory=dict)
    """End of the newest window that a stop loss stopped, by series; ms since 1970."""

    def created_in_minute(self, minute: int) -> int:
        """Return how many orders were created in a minute of the clock."""
        # A minute one lower is the same minute after the clock was set back.
        return self.minute_count if 0 <= self.minute - minute <= 1 else 0

    def accepted_in(self, series: str) -> tuple[int, int]:
        """Return (snapshot_at_ms, signals_id) of the signals last carried out in a series."""
        return self.accepted_by.get(series, self.accepted)

    def accepting(self, series: str, accepted: tuple[int, int]) -> DeskState:
        """Return a copy in which a series' signals were carried out."""
        return attrs.evolve(self, accepted_by={**self.accepted_by, series: accepted})

    def window(self, market_id: str) -> DeskWindow:
        """Return a window's state; the default if nothing has happened in it."""
        return self.windows.get(market_id, _UNTOUCHED)

    def stop_loss_in(self, market: Market) -> DeskState:
        """Return a copy with a stop loss noted in a window."""
        newest_ms = max(market.closes_at_ms, self.stop_losses.get(market.series, 0))
        return attrs.evolve(self, stop_losses={**self.stop_losses, market.series: newest_ms})

    def with_window(self, market_id: str, window: DeskWindow) -> DeskState:
        """Return a copy with one window changed."""
        return attrs.evolve(self, windows={**self.windows, market_id: window})

    def keeping(self, market_ids: frozenset[str]) -> DeskState:
        """Return a copy with only these windows."""
        kept = {key: value for key, value in self.windows.items() if key in market_ids}
        return attrs.evolve(self, windows=kept)


@attrs.frozen(kw_only=True)
class OrdersCreated:
    """Recorded: signals became orders, all of them in this one record."""

    market_id: str
    signals_id: int
    """0 for the exit of a stop loss."""
    intents: tuple[OrderIntent, ...]


@attrs.frozen(kw_only=True)
class SideFreed:
    """Recorded: an order ended, and later signals must take its fills into account."""

    order_id: str
    market_id: str
    status: OrderStatus
    required_version: int


@attrs.frozen(kw_only=True)
class TradingStopped:
    """Recorded: no more signals are accepted for this window."""

    market_id: str
    reason: str
    exit_wish: StopLossTriggered | None


@attrs.frozen
class Halted:
    """Recorded: nothing is traded until this halt is lifted."""

    halt: Halt


@attrs.frozen(kw_only=True)
class Resumed:
    """Recorded: trading has resumed."""

    who: str
    reason: str
    lifted: tuple[Halt, ...]
