"""The clock that every part of a run uses.

Venue time advances at ``speed`` times real time from a shared origin on the host's monotonic clock,
which is the same in all processes of one machine and never jumps. Live and paper trading use speed
1; the demo runs the same code faster.
"""

from __future__ import annotations

import time

import attrs


@attrs.frozen(kw_only=True)
class ClockSpec:
    """The origin of venue time, and its speed."""

    origin_monotonic_ns: int
    """Host monotonic time at the origin."""
    origin_ms: int
    """Venue time, ms since 1970, at the origin."""
    speed: float = 1.0

    @classmethod
    def starting_now(cls, origin_ms: int | None = None, speed: float = 1.0) -> ClockSpec:
        """Return a clock that starts now at ``origin_ms``, or at the host's wall time."""
        wall_ms = time.time_ns() // 1_000_000
        return cls(
            origin_monotonic_ns=time.monotonic_ns(),
            origin_ms=wall_ms if origin_ms is None else origin_ms,
            speed=speed,
        )


class Clock:
    """Reads venue time, corrected by the offset that the directory measures at the venue."""

    def __init__(self, spec: ClockSpec) -> None:
        self.spec = spec
        self.offset_ms = 0

    def now_ms(self) -> int:
        """Return venue time in ms since 1970."""
        elapsed_ns = time.monotonic_ns() - self.spec.origin_monotonic_ns
        return self.spec.origin_ms + int(elapsed_ns * self.spec.speed) // 1_000_000 + self.offset_ms

    def unix_ns(self, monotonic_ns: int) -> int:
        """Return venue time in ns since 1970 at an instant of the host's monotonic clock."""
        elapsed_ns = monotonic_ns - self.spec.origin_monotonic_ns
        return (self.spec.origin_ms + self.offset_ms) * 1_000_000 + int(
            elapsed_ns * self.spec.speed
        )

    def real_seconds(self, venue_ms: int) -> float:
        """Return how many real seconds a span of venue time takes."""
        return venue_ms / 1000.0 / self.spec.speed
