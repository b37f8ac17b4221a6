"""What a backtest assumes of the venue, and of the way there; docs/backtesting.md."""

from __future__ import annotations

import attrs

from actors.setting_rules import between, one_of, setting

QUEUE, CROSSED, PAPER = "queue", "crossed", "paper"
RESULT, TWAP = "result", "twap"


@attrs.frozen(kw_only=True)
class BacktestSettings:
    """How orders fare in a backtest; the time to the venue is ``execution.latency_ms``."""

    fill_model: str = setting(
        QUEUE,
        one_of(QUEUE, CROSSED, PAPER),
        "what rests trades behind its queue, or only when the market crosses it; or as on paper",
    )
    latency_back_ms: int = setting(50, between(0, 60_000), "time from the venue to here")
    latency_jitter_ms: int = setting(
        0, between(0, 60_000), "each way takes up to so much longer, drawn from the seed"
    )
    taker_delay_ms: int | None = setting(
        None,
        between(0, 60_000),
        "how long the venue holds a marketable order back; unset: as recorded, or else 250",
    )
    cancel_ahead_percent: int = setting(
        50, between(0, 100), "of what is cancelled at a resting order's price, this share was ahead"
    )
    settlement: str = setting(
        RESULT,
        one_of(RESULT, TWAP),
        "windows end by the recorded result, or by the average price alone",
    )
