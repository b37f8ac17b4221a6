"""The built-in strategy ``pair``: the stages of ``engine.py`` behind the strategy contract."""

from __future__ import annotations

from typing import ClassVar

import attrs

from actors.messages.strategy import StopLossTriggered, TradeSignal
from actors.settings import StrategySettings
from actors.strategy.contract import Context, Decision, FairValue, Order, StopWindow, Strategy
from actors.strategy.engine import decide
from actors.strategy.oracle import fair_value_ticks
from actors.strategy.stage import StageInputs

_LEGS = "legs"


class PairStrategy(Strategy):
    """Buys both outcomes for less than they pay together; docs/strategy.md has its rules."""

    name: ClassVar[str] = "pair"
    rules: StrategySettings = attrs.field(factory=StrategySettings)
    """Its parameters are the keys of ``[strategy]``, as before other strategies existed."""

    def evaluate(self, context: Context) -> Decision:
        """Call the stages in order."""
        outcome = decide(context.snapshot, context.position, self.rules, context.sigma_dollars)
        pair = _LEGS if len(outcome.signals) == 2 else None
        return Decision(
            orders=tuple(_order(signal, pair) for signal in outcome.signals),
            stop=None if outcome.stop_loss is None else _stop(outcome.stop_loss),
            reasons=outcome.passed_over,
            is_final=outcome.is_final,
        )

    def fair_value(self, context: Context) -> FairValue:
        """Return the oracle's value."""
        inputs = StageInputs(
            market=context.snapshot,
            position=context.position,
            params=self.rules,
            sigma_dollars=context.sigma_dollars,
        )
        return FairValue(*fair_value_ticks(inputs))

    def volatility_half_life_minutes(self) -> float:
        """Return the setting."""
        return self.rules.sigma_half_life_minutes


def _order(signal: TradeSignal, pair: str | None) -> Order:
    return Order(
        side=signal.side,
        action=signal.action,
        price_ticks=signal.price_ticks,
        size_units=signal.size_units,
        priority=signal.priority,
        reason=signal.reason,
        pair=pair,
    )


def _stop(stop_loss: StopLossTriggered) -> StopWindow:
    return StopWindow(side=stop_loss.side, sells=stop_loss.on_stop_loss == "exit")
