"""The one clock that every part of a run is given.

Venue time advances at ``speed`` times real time from a shared origin on the host's monotonic
clock, which all processes of one machine read alike and which never jumps. Live and paper
trading use speed 1; the demo runs the same code faster.
"""

from __future__ import annotations

import time

import attrs


@attrs.frozen(kw_only=True)
class ClockSpec:
    """Where venue time began and how fast it runs."""

    origin_monotonic_ns: int
    """Host monotonic time at the origin."""
    origin_ms: int
    """Venue time, ms since 1970, at the origin."""
    speed: float = 1.0

    @classmethod
    def starting_now(cls, origin_ms: int | None = None, speed: float = 1.0) -> ClockSpec:
        """Begin at this instant, showing ``origin_ms`` or else the host's own wall time."""
        wall_ms = time.time_ns() // 1_000_000
        return cls(
            origin_monotonic_ns=time.monotonic_ns(),
            origin_ms=wall_ms if origin_ms is None else origin_ms,
            speed=speed,
        )


class Clock:
    """Reads venue time; corrected by the offset that the directory measures at the venue."""

    def __init__(self, spec: ClockSpec) -> None:
        self.spec = spec
        self.offset_ms = 0

    def now_ms(self) -> int:
        """Venue time in ms since 1970."""
        elapsed_ns = time.monotonic_ns() - self.spec.origin_monotonic_ns
        return self.spec.origin_ms + int(elapsed_ns * self.spec.speed) // 1_000_000 + self.offset_ms

    def unix_ns(self, monotonic_ns: int) -> int:
        """Venue time in ns since 1970 at an instant of the host's monotonic clock."""
        elapsed_ns = monotonic_ns - self.spec.origin_monotonic_ns
        return (self.spec.origin_ms + self.offset_ms) * 1_000_000 + int(
            elapsed_ns * self.spec.speed
        )

    def real_seconds(self, venue_ms: int) -> float:
        """How long a span of venue time takes in real seconds."""
        return venue_ms / 1000.0 / self.spec.speed
