"""Priority 1: inventory is not built against the prediction of the reference price."""

from __future__ import annotations

import enum

import attrs

from actors.messages.strategy import TradeSignal
from actors.model import Side
from actors.strategy.oracle import fair_value_ticks
from actors.strategy.stage import StageInputs, Verdict, skip
from actors.units import price_label


class OracleUse(enum.Enum):
    """What a stage's signals need from the oracle."""

    NONE = "none"
    """They do not pass the filter."""
    IF_KNOWN = "if known"
    """They pass if there is no model, because they reduce risk."""
    REQUIRED = "required"
    """They are dropped if there is no model."""


def oracle_filter(inputs: StageInputs, signal: TradeSignal, use: OracleUse) -> Verdict:
    """Return the signal with the model's value added to its reason, or drop it and say why."""
    if use is OracleUse.NONE:
        return Verdict(signals=(signal,))
    model_ticks, source = fair_value_ticks(inputs)
    if model_ticks is None:
        if use is OracleUse.REQUIRED:
            return skip(f"no model, {source}; dropped: {signal.reason}")
        return _let_pass(signal, f"no model is needed ({source})")
    objection = _objection(inputs, signal.side, model_ticks)
    if objection:
        return skip(f"{objection} ({source}); dropped: {signal.reason}")
    return _let_pass(signal, f"model {price_label(model_ticks)} allows it ({source})")


def _objection(inputs: StageInputs, side: Side, model_ticks: float) -> str:
    block_yes, block_no = inputs.params.oracle_block_yes_ticks, inputs.params.oracle_block_no_ticks
    if side is Side.YES and model_ticks < block_yes:
        return f"model {price_label(model_ticks)} < oracle_block_yes {price_label(block_yes)}"
    if side is Side.NO and model_ticks > block_no:
        return f"model {price_label(model_ticks)} > oracle_block_no {price_label(block_no)}"
    return ""


def _let_pass(signal: TradeSignal, word: str) -> Verdict:
    return Verdict(signals=(attrs.evolve(signal, reason=f"{signal.reason}; oracle: {word}"),))
