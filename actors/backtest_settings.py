"""Assumptions of a backtest about the venue and the latency; docs/backtesting.md."""

from __future__ import annotations

import attrs

from actors.setting_rules import between, one_of, setting

QUEUE, CROSSED, PAPER = "queue", "crossed", "paper"
RESULT, TWAP = "result", "twap"


@attrs.frozen(kw_only=True)
class BacktestSettings:
    """How orders are treated in a backtest; latency to the venue: ``execution.latency_ms``."""

    fill_model: str = setting(
        QUEUE,
        one_of(QUEUE, CROSSED, PAPER),
        "resting orders fill behind their queue, only when the market crosses them, or as on paper",
    )
    latency_back_ms: int = setting(50, between(0, 60_000), "latency from the venue")
    latency_jitter_ms: int = setting(
        0, between(0, 60_000), "each way takes up to this much longer, drawn from the seed"
    )
    taker_delay_ms: int | None = setting(
        None,
        between(0, 60_000),
        "how long the venue delays a marketable order; unset: as recorded, or else 250",
    )
    cancel_ahead_percent: int = setting(
        50, between(0, 100), "share of the cancels at a resting order's price that were ahead of it"
    )
    settlement: str = setting(
        RESULT,
        one_of(RESULT, TWAP),
        "windows are settled by the recorded result, or by the average price alone",
    )
