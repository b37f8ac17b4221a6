"""The input and output of a stage."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from actors.messages.market import MarketSnapshot
from actors.messages.strategy import StopLossTriggered, TradeSignal
from actors.model import Side
from actors.settings import StrategySettings
from actors.strategy.position_view import PositionView
from actors.units import shares

MS_PER_MINUTE = 60_000


class StageInputs(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation's inputs, and a few numbers that several stages compute from them."""

    market: MarketSnapshot
    position: PositionView
    params: StrategySettings
    sigma_dollars: float | None = None
    """Volatility of the reference price, dollars per square-root minute; None while unknown."""

    @property
    def left_ms(self) -> int:
        """T, the time to the window's end, in ms of venue time."""
        return self.market.market.closes_at_ms - self.market.taken_at_ms

    @property
    def window_ms(self) -> int:
        """Length of the window."""
        return self.market.market.closes_at_ms - self.market.market.opens_at_ms

    @property
    def left_text(self) -> str:
        """T for people: minutes with two decimals."""
        return f"{self.left_ms / MS_PER_MINUTE:.2f} minutes left"

    @property
    def max_trade_units(self) -> int:
        """The largest size of one signal."""
        return shares(self.params.max_trade_shares)

    @property
    def max_shares_units(self) -> int:
        """Maximum shares of one side in inventory management."""
        return shares(self.params.max_shares)

    @property
    def balance_pad_units(self) -> int:
        """Difference between the two holdings beyond which they are hedged."""
        return shares(self.params.balance_pad_shares)

    def ask_ticks(self, side: Side) -> int | None:
        """Return the price of the next share of a side; None if no one sells."""
        return self.market.book(side).best_ask_ticks

    def ask_units(self, side: Side) -> int:
        """Return the size for sale at that price."""
        return self.market.book(side).best_ask_units

    def bid_ticks(self, side: Side) -> int:
        """Return the price at which a share of a side can be sold now; 0 if no one buys."""
        return self.market.book(side).best_bid_ticks or 0

    def is_full(self, side: Side) -> bool:
        """Return whether a side is at ``max_shares``."""
        return self.position.quantity_units(side) >= self.max_shares_units


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A stage's answer: signals, or the reason why there are none."""

    signals: tuple[TradeSignal, ...] = ()
    reason: str = ""
    """Why the stage gave nothing, with the numbers; empty if it gave signals."""
    is_final: bool = False
    """No later stage is called."""
    stop_loss: StopLossTriggered | None = None


Stage = Callable[[StageInputs], Verdict]


def skip(reason: str) -> Verdict:
    """Return no signals; the next stage is called."""
    return Verdict(reason=reason)


def end(reason: str) -> Verdict:
    """Return no signals, and end the evaluation."""
    return Verdict(reason=reason, is_final=True)
