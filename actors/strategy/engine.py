"""The strategy ``pair``: a pure function from a market snapshot and a position to signals.

The stages are called in a fixed order. The first one that gives signals is the last one called, a
safety stage may end the evaluation, and inventory signals pass the oracle filter. docs/strategy.md
explains every stage; ``stages/`` has one file for each.
"""

from __future__ import annotations

import msgspec

from actors.messages.market import MarketSnapshot
from actors.messages.strategy import StopLossTriggered, TradeSignal
from actors.settings import StrategySettings
from actors.strategy.position_view import PositionView
from actors.strategy.stage import Stage, StageInputs
from actors.strategy.stages.arbitrage import arbitrage
from actors.strategy.stages.averaging_down import averaging_down
from actors.strategy.stages.bootstrap import bootstrap
from actors.strategy.stages.hedging import hedging
from actors.strategy.stages.oracle_filter import OracleUse, oracle_filter
from actors.strategy.stages.profit_lock import profit_lock
from actors.strategy.stages.readiness import readiness
from actors.strategy.stages.stop_loss import stop_loss

STAGES: tuple[tuple[str, Stage, OracleUse], ...] = (
    ("readiness", readiness, OracleUse.NONE),
    ("profit lock", profit_lock, OracleUse.NONE),
    ("stop loss", stop_loss, OracleUse.NONE),
    ("arbitrage", arbitrage, OracleUse.NONE),
    ("hedging", hedging, OracleUse.IF_KNOWN),
    ("bootstrap", bootstrap, OracleUse.REQUIRED),
    ("averaging down", averaging_down, OracleUse.REQUIRED),
)
"""Name, stage, and what its signals need from the oracle, in calling order."""


class PairDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an evaluation, with reasons."""

    signals: tuple[TradeSignal, ...] = ()
    passed_over: tuple[str, ...] = ()
    """For each stage that gave nothing, its name and reason; later stages were not called."""
    stop_loss: StopLossTriggered | None = None
    is_final: bool = False
    """A safety stage ended it: no later stage was called."""


def evaluate_strategy(
    market: MarketSnapshot,
    position: PositionView,
    params: StrategySettings,
    sigma_dollars: float | None = None,
) -> tuple[TradeSignal, ...] | None:
    """Return the signals for one market snapshot and one position; None if there are none.

    Args:
        market: both books, the reference price and the strike, at one instant.
        position: the holdings, and the sides with an open order.
        params: every number that the rules use.
        sigma_dollars: the reference price's volatility, for the diffusion oracle only.
    """
    return decide(market, position, params, sigma_dollars).signals or None


def decide(
    market: MarketSnapshot,
    position: PositionView,
    params: StrategySettings,
    sigma_dollars: float | None = None,
) -> PairDecision:
    """Evaluate like ``evaluate_strategy``, and keep the reasons."""
    inputs = StageInputs(
        market=market, position=position, params=params, sigma_dollars=sigma_dollars
    )
    passed_over: list[str] = []
    for name, stage, oracle_use in STAGES:
        verdict = stage(inputs)
        if verdict.reason:
            passed_over.append(f"{name}: {verdict.reason}")
        if verdict.signals:
            signals = _past_oracle(inputs, verdict.signals, oracle_use, passed_over)
            return PairDecision(signals=signals, passed_over=tuple(passed_over))
        if verdict.is_final:
            return PairDecision(
                passed_over=tuple(passed_over), stop_loss=verdict.stop_loss, is_final=True
            )
    return PairDecision(passed_over=tuple(passed_over))


def _past_oracle(
    inputs: StageInputs, signals: tuple[TradeSignal, ...], use: OracleUse, passed_over: list[str]
) -> tuple[TradeSignal, ...]:
    verdicts = [oracle_filter(inputs, signal, use) for signal in signals]
    passed_over += [f"oracle: {verdict.reason}" for verdict in verdicts if verdict.reason]
    return tuple(signal for verdict in verdicts for signal in verdict.signals)
