"""Where a run trades: on the real venue, a drill's exchange, or one started for a demo."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from actors.runtime.clock import ClockSpec
from actors.runtime.journal import JournalReader
from actors.settings import Settings
from understudy.composition import pointed_at_local_exchange, with_patience
from understudy.credentials.price_feed import take_test_credentials
from understudy.display.terminal import warn
from understudy.processes.exchange import ExchangeProcess, exchange_options, rehearsed_faults
from understudy.settings.options import RunOptions

_HISTORY_MS = 70_000
"""A demo begins this long before a window, so that the averaging price source has a history."""


@contextlib.contextmanager
def trading_place(
    options: RunOptions,
) -> Iterator[tuple[Settings, ClockSpec, Callable[[], str]]]:
    """Provide what to trade with; for a demo, beside a local exchange.

    Yields:
        Settings, clock, and a function that says how the demo's exchange has ended; empty while it
        runs.
    """
    stage = options.drill_stage
    if stage is not None:
        settings = pointed_at_local_exchange(options.settings, stage.http_url, stage.ws_url)
        _take_test_credentials(settings)
        yield with_patience(settings, stage.clock.speed), stage.clock, str
        return
    if not options.is_demo:
        yield options.settings, ClockSpec.starting_now(), str
        return
    series = [plan.series for plan in options.settings.plans]
    world = options.recorded_world
    if world is not None:
        origin_ms = world.now_ms
    else:
        origin_ms = _demo_origin_ms(options.data_dir, max(each.window_ms for each in series))
    clock = ClockSpec.starting_now(origin_ms, options.speed)
    with rehearsed_faults(options.account) as faults:
        exchange = ExchangeProcess(
            exchange_options(
                clock,
                series,
                account=options.account,
                seed=options.seed,
                faults=faults,
                world=world,
            )
        )
    with contextlib.closing(exchange):
        settings = pointed_at_local_exchange(options.settings, exchange.http_url, exchange.ws_url)
        _take_test_credentials(settings)
        yield with_patience(settings, options.speed), clock, exchange.loss


def _take_test_credentials(settings: Settings) -> None:
    """Get a local exchange's credentials for the price feed; a live executor has its own."""
    if settings.execution.mode != "live":
        warn(take_test_credentials(settings.venue.clob_url))


def _demo_origin_ms(data_dir: Path, window_ms: int) -> int:
    """Venue time at which a demo begins: shortly before a window, and after any earlier demo."""
    reader = JournalReader(data_dir)
    _, last_ms = reader.last_event()
    reader.close()
    earliest_ms = max(time.time_ns() // 1_000_000, last_ms + window_ms)
    return -(-earliest_ms // window_ms) * window_ms - _HISTORY_MS
