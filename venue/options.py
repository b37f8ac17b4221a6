"""The options of an exchange."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from venue.windows import window_start_ms

if TYPE_CHECKING:
    from venue.world import World

FRAMES_PER_SECOND = 500.0
"""Roughly what the real market channel sends for one window."""
SEEN_MISSING_SHARE = 0.05
"""Measured share of whole seconds that the venue's price sources do not send live."""
LEAD_MS = 70_000
"""By default the exchange starts this long before a window, so that its strike has a history."""


@attrs.frozen(kw_only=True)
class ExchangeOptions:
    """Everything that determines a local exchange."""

    port: int = 0
    """0 picks a free port."""
    seed: int = 1
    speed: float = 1.0
    rate: float | None = None
    """Market channel frames per second of venue time, for each series; None scales the real rate
    down to a bearable one."""
    own_rates: Mapping[tuple[str, int], float] = attrs.field(factory=dict)
    """Rates of single series that differ, by asset and length in minutes."""
    missing_share: float = 0.0
    """Share of whole seconds that PolyBolt and RTDS never send live."""
    minutes: int = 15
    asset: str = "btc"
    series: tuple[tuple[str, int], ...] = ()
    """Asset and length in minutes of each series; empty for the one of ``asset`` and ``minutes``.
    """
    start_ms: int | None = None
    """Venue time at the start, unix ms; None for shortly before the host's next window."""
    world: World | None = None
    """What to serve in place of simulated markets; it has its own start."""
    origin_monotonic_ns: int | None = None
    """Host monotonic time at which venue time starts; None for when the exchange is ready."""
    has_admin: bool = False
    """Whether the admin endpoints are served: faults on demand, and the exchange's books."""
    wallets: Mapping[str, int] = attrs.field(factory=dict)
    """Initial money of wallets: nanodollars by address."""
    faults: Path | None = None
    """File of scheduled and random faults."""

    @property
    def every_series(self) -> tuple[tuple[str, int], ...]:
        """Asset and length in minutes of each simulated series."""
        return self.series or ((self.asset, self.minutes),)

    @property
    def frames_per_second(self) -> float:
        """Market channel frames per second of venue time, for each series."""
        share = FRAMES_PER_SECOND / max(1.0, self.speed) / len(self.every_series)
        return share if self.rate is None else self.rate

    def origin_ms(self) -> int:
        """Venue time at the start: the one given, or shortly before the next window."""
        if self.start_ms is not None:
            return self.start_ms
        minutes = self.every_series[0][1]
        length_ms = minutes * 60_000
        soon_ms = time.time_ns() // 1_000_000 + LEAD_MS
        return window_start_ms(minutes, soon_ms) + length_ms - LEAD_MS
