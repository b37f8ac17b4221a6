"""The stage of a drill: an exchange that survives it, and settings that trade often."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from actors.runtime.clock import ClockSpec
from actors.series import series_named
from understudy.drill.plan import ONE_SERIES
from understudy.processes.exchange import MONEY_FAULTS, ExchangeProcess, exchange_options
from understudy.settings.options import DrillStage

SPEED = 10.0
ACCOUNT_DOLLARS = 100_000
_HISTORY_MS = 70_000
"""The exchange begins this long before a window: its first average price needs a history."""

SETTINGS = (
    # Trade as often as the rules allow: money does not matter here.
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
    "risk.max_order_dollars=1000000",
    "risk.max_window_dollars=1000000000",
    "risk.max_orders_per_minute=10000",
    "risk.max_day_loss_dollars=1000000000",
    # An order that travels and rests for longer is easier to hit.
    "execution.latency_ms=1000",
    "execution.order_ttl_ms=20000",
    # A drill kills more often than a run expects, and should notice hangs sooner.
    "supervision.max_restarts=1000",
    "supervision.restart_period_s=1",
    "supervision.heartbeat_limit_ms=1500",
)
LIVE_SETTINGS = (*SETTINGS, "execution.mode=live")

FAULTS_NAME = "faults.toml"
FAULTS = f"""\
{MONEY_FAULTS}\
lost_answer = 0.04
packed_answer = 0.01
nested_answer = 0.01
endless_answer = 0.01
server_error = 0.04
slow_answer = 0.04
reset = 0.04
rate_limited = 0.03
unmatched = 0.02
long_delay = 0.03
hidden_order = 0.02
ghost_fill = 0.04
retried_trade = 0.05
share_lag = 0.05
duplicate_event = 0.1
late_event = 0.1

[[at]]
seconds = 120
every_seconds = 170
kind = "replay"
count = 20

[[at]]
seconds = 150
every_seconds = 230
channel = "user"
kind = "drop"

[[at]]
seconds = 190
every_seconds = 310
channel = "user"
kind = "stall"

[[at]]
seconds = 210
every_seconds = 290
kind = "cancel_by_venue"

[[at]]
seconds = 260
every_seconds = 330
kind = "revoked_keys"

[[at]]
seconds = 400
kind = "restart"
for_ms = 10000
"""
"""The exchange's faults in a drill of live orders; docs/exchange.md has the kinds."""


@contextlib.contextmanager
def drill_stage(
    directory: Path,
    seed: int,
    *,
    account: str = "",
    faults: Path | None = None,
    dollars: int = ACCOUNT_DOLLARS,
    series: Sequence[str] = ONE_SERIES,
    has_admin: bool = False,
    starts_at_ms: int | None = None,
    speed: float = SPEED,
    rate: float | None = None,
) -> Iterator[DrillStage]:
    """Run an exchange within the block; pause points can be armed below the directory.

    Args:
        directory: for the pause points.
        seed: decides the market's prices, and the faults.
        account: gets money there, for live orders; its books can be read. Empty: simulated.
        faults: the exchange's faults; None for none.
        dollars: the account's initial money.
        series: names of the series it offers.
        has_admin: faults can be injected there even without an account.
        starts_at_ms: when its first windows open; None for now.
        speed: venue time per real time.
        rate: frames of the market channel in a second of venue time; None for its default.

    Raises:
        ExchangeFailed: it did not start.
    """
    points = directory / "pause-points"
    points.mkdir()
    clock = ClockSpec.starting_now(_origin_ms(series, starts_at_ms), speed)
    options = exchange_options(
        clock,
        map(series_named, series),
        account=account,
        dollars=dollars,
        seed=seed,
        rate=rate,
        has_admin=has_admin or bool(account),
        faults=faults,
    )
    with contextlib.closing(ExchangeProcess(options)) as exchange:
        yield DrillStage(
            http_url=exchange.http_url,
            ws_url=exchange.ws_url,
            clock=clock,
            pause_points_dir=points,
        )


def _origin_ms(series: Sequence[str], starts_at_ms: int | None) -> int:
    window_ms = max(series_named(name).window_ms for name in series)
    now_ms = time.time_ns() // 1_000_000 if starts_at_ms is None else starts_at_ms
    return -(-now_ms // window_ms) * window_ms - _HISTORY_MS


def run_options(
    stage: DrillStage,
    seed: int,
    settings: tuple[str, ...] = SETTINGS,
    series: Sequence[str] = ONE_SERIES,
) -> list[str]:
    """Options of ``understudy run`` for a system that trades on this stage until told to end."""
    clock = stage.clock
    options = ["--windows", "0", "--json", "--seed", str(seed), "--series", ",".join(series)]
    options += ["--set", f"execution.max_open_orders={4 * len(series)}", "--drill-stage"]
    options += [stage.http_url, stage.ws_url, str(stage.pause_points_dir)]
    options += [str(clock.origin_monotonic_ns), str(clock.origin_ms), repr(clock.speed)]
    for setting in settings:
        options += ["--set", setting]
    return options
