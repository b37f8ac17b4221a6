"""Where a drill takes place: an exchange that survives every blow, settings that trade often."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from actors.clock import ClockSpec
from understudy.exchange_process import ExchangeProcess, ExchangeSetup
from understudy.options import DrillStage

WINDOW_MINUTES = 5
SPEED = 10.0
_ASSET = "btc"
_HISTORY_MS = 70_000
"""The exchange begins so long before a window: its first average price needs a history."""

SETTINGS = (
    f"series.window_minutes={WINDOW_MINUTES}",
    # Trade as often as the rules can be made to: money is not the point here.
    "strategy.bootstrap_high_ticks=1000",
    "strategy.bootstrap_low_ticks=1000",
    "strategy.kill_zone_minutes=0",
    "strategy.stop_loss_ticks=0",
    "strategy.floor_ticks=0",
    "strategy.max_trade_shares=1000",
    "strategy.balance_pad_shares=1000000",
    "strategy.max_shares=1000000",
    "strategy.oracle_block_yes_ticks=0",
    "strategy.oracle_block_no_ticks=1000",
    # An order that travels and rests for longer is there to be struck.
    "execution.latency_ms=1000",
    "execution.order_ttl_ms=20000",
    # A drill lets more fall than trading does, and wants the hung noticed sooner.
    "supervision.max_restarts=1000",
    "supervision.restart_period_s=1",
    "supervision.heartbeat_limit_ms=1500",
)


@contextlib.contextmanager
def drill_stage(directory: Path, seed: int) -> Iterator[DrillStage]:
    """Run an exchange within the block; pause points can be armed below the directory.

    Raises:
        ExchangeFailed: it did not start.
    """
    points = directory / "pause-points"
    points.mkdir()
    window_ms = WINDOW_MINUTES * 60_000
    now_ms = time.time_ns() // 1_000_000
    origin_ms = -(-now_ms // window_ms) * window_ms - _HISTORY_MS
    clock = ClockSpec.starting_now(origin_ms, SPEED)
    setup = ExchangeSetup(clock=clock, seed=seed, asset=_ASSET, window_minutes=WINDOW_MINUTES)
    exchange = ExchangeProcess(setup)
    try:
        yield DrillStage(
            http_url=exchange.http_url,
            ws_url=exchange.ws_url,
            clock=clock,
            pause_points_dir=points,
        )
    finally:
        exchange.stop()


def run_options(stage: DrillStage, seed: int, settings: tuple[str, ...] = SETTINGS) -> list[str]:
    """Options of ``understudy run`` for a system that trades on this stage until told to end."""
    clock = stage.clock
    options = ["--windows", "0", "--json", "--seed", str(seed), "--drill-stage"]
    options += [stage.http_url, stage.ws_url, str(stage.pause_points_dir)]
    options += [str(clock.origin_monotonic_ns), str(clock.origin_ms), repr(clock.speed)]
    for setting in settings:
        options += ["--set", setting]
    return options
