"""What a system uses as curves over time, and whether they are flat."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence

import attrs

from understudy.soak.sampling import Sample

WARM_UP_SHARE = 0.25
"""Share of the time in which caches and windows fill; nothing is judged then."""
POINTS_LEAST = 12
"""With fewer points after the warm-up nothing is judged."""
_KIB_PER_MIB = 1024


@attrs.frozen
class Curve:
    """One number over time."""

    name: str
    unit: str
    points: Sequence[tuple[float, float]]
    """(seconds, value)."""
    share: float
    """Relative growth that is allowed,"""
    slack: float
    """plus this absolute growth."""


@attrs.frozen(kw_only=True)
class Judgement:
    """A curve's first and last third after the warm-up, by their medians."""

    name: str
    unit: str
    first: float
    last: float
    is_flat: bool | None
    """None: too few points."""

    @property
    def words(self) -> str:
        """Such as ``memory of desk: 41.2 to 41.9 MiB, flat``."""
        verdict = {True: "flat", False: "it grows", None: "too short to judge"}[self.is_flat]
        return f"{self.name}: {self.first:.4g} to {self.last:.4g} {self.unit}, {verdict}"


def judged(curve: Curve) -> Judgement:
    """Judge a curve: its early values against its late ones."""
    begins_s = curve.points[0][0] if curve.points else 0.0
    ends_s = curve.points[-1][0] if curve.points else 0.0
    from_s = begins_s + WARM_UP_SHARE * (ends_s - begins_s)
    values = [value for at_s, value in curve.points if at_s >= from_s]
    third = max(1, len(values) // 3)
    first, last = (statistics.median(part or [0.0]) for part in (values[:third], values[-third:]))
    is_flat = last <= first * (1 + curve.share) + curve.slack
    return Judgement(
        name=curve.name,
        unit=curve.unit,
        first=first,
        last=last,
        is_flat=is_flat if len(values) >= POINTS_LEAST else None,
    )


def curves_of(samples: Sequence[Sample]) -> tuple[Curve, ...]:
    """Every curve of a soak."""
    return (
        _all("memory in all", "MiB", samples, "rss_kib", 0.1, 16.0),
        *_memory_of_each(samples),
        _all("descriptors", "", samples, "descriptors", 0.05, 16.0),
        _all("threads", "", samples, "threads", 0.05, 8.0),
        Curve("processes", "", [(s.at_s, len(s.processes)) for s in samples], 0.0, 2.0),
        Curve("journal an event", "bytes", list(_bytes_an_event(samples)), 0.25, 20.0),
        Curve("journal's log", "MiB", [(s.at_s, s.wal_bytes / 2**20) for s in samples], 0.25, 4.0),
        *_latencies(samples),
    )


def _all(
    name: str, unit: str, samples: Sequence[Sample], field: str, share: float, slack: float
) -> Curve:
    divisor = _KIB_PER_MIB if unit == "MiB" else 1
    points = [
        (each.at_s, sum(getattr(use, field) for use in each.processes.values()) / divisor)
        for each in samples
    ]
    return Curve(name, unit, points, share, slack)


def _memory_of_each(samples: Sequence[Sample]) -> Iterator[Curve]:
    """For each name the process that lived longest: a restarted one begins small."""
    lives: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for each in samples:
        for name, use in each.processes.items():
            lives[name][use.pid].append((each.at_s, use.rss_kib / _KIB_PER_MIB))
    for name, by_pid in sorted(lives.items()):
        yield Curve(f"memory of {name}", "MiB", max(by_pid.values(), key=len), 0.1, 8.0)


def _bytes_an_event(samples: Sequence[Sample]) -> Iterator[tuple[float, float]]:
    """How much the journal grows per recorded event, from one tenth of the time to the next.

    Its total size must grow: nothing that was recorded is discarded.
    """
    step = max(1, len(samples) // (3 * POINTS_LEAST))
    marks = samples[::step]
    for earlier, later in itertools.pairwise(marks):
        events = later.event_count - earlier.event_count
        if events > 0:
            yield later.at_s, max(0, later.journal_bytes - earlier.journal_bytes) / events


def _latencies(samples: Sequence[Sample]) -> Iterator[Curve]:
    """The median of each path: the tail is mostly caused by the faults."""
    names = sorted({name for each in samples for name in each.latencies_ms})
    for name in names:
        points = [
            (each.at_s, each.latencies_ms[name][0]) for each in samples if name in each.latencies_ms
        ]
        yield Curve(f"{name.replace('_', ' ')} p50", "ms", points, 0.5, 5.0)
