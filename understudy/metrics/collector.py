"""Converts an observation to Prometheus's metric families; docs/metrics.md lists them all.

Source of names and types: https://prometheus.io/docs/practices/naming/. Amounts are floating point
here and nowhere else: they are for graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from actors.messages.feeds import FeedHealth
from actors.messages.halts import Halt
from actors.messages.observer import View
from actors.model import Side
from actors.supervision.messages import ChildState
from actors.units import NANOS_PER_DOLLAR
from understudy.display.latency import Histogram
from understudy.display.status import Status
from understudy.watching.health import HealthState, age_s, data_age_s, health_of, is_permanent
from understudy.watching.limits import limit_uses
from understudy.watching.observation import Observation

PREFIX = "understudy"
BUCKETS_S = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Upper bounds of a latency's buckets: a record takes about 0.1 ms, tick to order about 10 ms."""
JOURNAL_WRITE = "journal_write"
"""The name under which actors report how long their records take."""

_US_PER_S = 1_000_000
_MS_PER_S = 1_000

Samples = float | Mapping[str, float] | Mapping[tuple[str, str], float]
"""The only value of a family without labels, or values by label or labels."""


class ObservationCollector:
    """Makes the families from an observation when they are collected."""

    def __init__(self, look: Callable[[], Observation]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """Observe the system, and yield every family that has a value."""
        yield from families_of(self._look())


def families_of(seen: Observation) -> Iterator[Metric]:
    """Yield every family; those of a system that does not answer are left out, not set to 0."""
    yield from _of_health(seen)
    yield from _of_disk(seen)
    if seen.status is not None:
        yield from _of_actors(seen.status)
        yield from _of_latencies(seen.status.latencies)
        yield from _of_limits(seen, seen.status)
        if seen.status.view is not None:
            yield from _of_feeds(seen.status.view, seen.status)
            yield from _of_books(seen.status)
            yield from _of_trading(seen.status)
            if len(seen.status.view.series) > 1:
                yield from _of_series(seen.status)


def _gauge(name: str, text: str, samples: Samples, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels), samples)


def _counter(name: str, text: str, samples: Samples, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels), samples)


def _filled(family: Any, samples: Samples) -> Metric:
    """Add samples to a family; a sample's key is the value of its label, or of several."""
    by_labels = samples if isinstance(samples, Mapping) else {(): samples}
    for key, value in by_labels.items():
        family.add_metric([key] if isinstance(key, str) else list(key), float(value))
    metric: Metric = family
    return metric


def _of_health(seen: Observation) -> Iterator[Metric]:
    state = health_of(seen).state
    states = {each.value: each is state for each in HealthState}
    yield _gauge("health", "1 for the state that the system is in", states, "state")
    halts: tuple[Halt, ...] = seen.status.halts if seen.status is not None else seen.halts
    who = {halt.who: 1 for halt in halts}
    yield _gauge("halted", "1 for each who has halted trading", who, "who")


def _of_disk(seen: Observation) -> Iterator[Metric]:
    yield _gauge(
        "journal_bytes",
        "Size of the journal's file, and of the log beside it that is not copied yet",
        {"journal": seen.journal_bytes, "log": seen.log_bytes},
        "file",
    )
    yield _gauge("disk_free_bytes", "Room on the data directory's disk", seen.disk_free_bytes)
    kinds = dict(sorted(seen.event_counts.items()))
    yield _counter(
        "journal_events", "Events recorded since the journal began, by kind", kinds, "kind"
    )
    yield _counter(
        "exchange_errors",
        "Trouble with the exchange since the journal began, by kind and HTTP status",
        dict(sorted(seen.error_counts.items())),
        "kind",
        "status",
    )


def _of_actors(status: Status) -> Iterator[Metric]:
    permanent = [child for child in status.children if is_permanent(child.role)]
    yield _gauge(
        "actor_serving",
        "1 while the actor has all it needs to do its work",
        {child.role: child.state is ChildState.SERVING for child in permanent},
        "role",
    )
    yield _gauge(
        "actor_message_age_seconds",
        "Time since the actor's last message",
        {child.role: child.last_message_age_ms / _MS_PER_S for child in permanent},
        "role",
    )
    restarts = {child.role: 0 for child in permanent} | {"order": 0} | dict(status.restarts)
    yield _counter(
        "actor_restarts",
        "Restarts since the run began, by role; all orders count as one role",
        dict(sorted(restarts.items())),
        "role",
    )
    yield _counter(
        "messages_handled",
        "Messages handled by all actors since the run began",
        status.handled_count,
    )
    yield _counter(
        "refused_frames",
        "Connections and frames that the sockets between processes refused since the run began",
        status.refused_count,
    )


def _of_latencies(latencies: Mapping[str, Histogram]) -> Iterator[Metric]:
    paths = HistogramMetricFamily(
        f"{PREFIX}_latency_seconds", "From the arrival of a market frame", labels=("path",)
    )
    for name, histogram in sorted(latencies.items()):
        if name != JOURNAL_WRITE:
            paths.add_metric([name], *buckets_of(histogram))
    yield paths
    writes = HistogramMetricFamily(f"{PREFIX}_journal_write_seconds", "Time that a record takes")
    writes.add_metric([], *buckets_of(latencies.get(JOURNAL_WRITE, Histogram())))
    yield writes


def buckets_of(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Return the cumulated counts by upper bound, and the sum of all samples in seconds."""
    counts = histogram.counts
    buckets = [
        (str(bound), float(sum(count for us, count in counts.items() if us <= bound * _US_PER_S)))
        for bound in BUCKETS_S
    ]
    total_s = sum(us * count for us, count in counts.items()) / _US_PER_S
    return [*buckets, ("+Inf", float(histogram.count))], total_s


def _of_limits(seen: Observation, status: Status) -> Iterator[Metric]:
    uses = list(limit_uses(status, seen.desk))
    text = "in dollars, shares or orders as its name says"
    allowed = {use.limit: use.allowed for use in uses}
    yield _gauge("limit", f"What a limit allows, {text}", allowed, "limit")
    used = {use.limit: use.used for use in uses}
    yield _gauge("limit_used", f"What of a limit is used, {text}", used, "limit")


_FEED_COUNTERS: Mapping[str, tuple[str, Callable[[FeedHealth], int]]] = {
    "feed_frames": ("Frames that arrived", lambda health: health.frames_count),
    "feed_malformed_frames": ("Frames not decoded", lambda health: health.malformed_count),
    "feed_merged_batches": (
        "Batches that waited behind one under way and became one with the next",
        lambda health: health.merged_count,
    ),
    "feed_reconnects": ("Connections lost", lambda health: health.reconnect_count),
    "feed_sequence_gaps": ("Gaps in sequence numbers", lambda health: health.sequence_gap_count),
}


def _of_feeds(view: View, status: Status) -> Iterator[Metric]:
    is_up = {feed.feed: feed.is_up for feed in view.feeds}
    yield _gauge("feed_up", "1 while the feed is connected and gives data", is_up, "feed")
    ages = {feed.feed: data_age_s(feed, status) for feed in view.feeds}
    yield _gauge(
        "feed_data_age_seconds",
        "Time since the feed's newest data, updated every 5 s, in real time",
        {feed: age for feed, age in ages.items() if age is not None},
        "feed",
    )
    yield _gauge(
        "feed_denied",
        "1 while the venue refuses the feed's API credentials",
        {feed.feed: feed.health.is_denied for feed in view.feeds if feed.health},
        "feed",
    )
    healths = [feed.health for feed in view.feeds if feed.health is not None]
    for name, (text, count_of) in _FEED_COUNTERS.items():
        counts = {health.feed: count_of(health) for health in healths}
        yield _counter(name, f"{text}, since the feed's actor began", counts, "feed")


def _of_books(status: Status) -> Iterator[Metric]:
    """Windows and books; of several series the worst value."""
    views = [each.view for each in status.by_series.values() if each.view is not None]
    opened = [view.opened for view in views if view.opened is not None]
    if opened:
        closes_at_ms = min(each.market.closes_at_ms for each in opened)
        yield _gauge(
            "window_left_seconds",
            "Venue time until a window ends, of several the first one",
            max(0, closes_at_ms - status.now_ms) / _MS_PER_S,
        )
        yield _gauge(
            "strike_known",
            "1 if the strike of every newest window is proven",
            all(each.strike is not None for each in opened),
        )
    snapshots = [view.snapshot for view in views if view.snapshot is not None]
    if not snapshots:
        return
    books = {side.value: [snapshot.book(side) for snapshot in snapshots] for side in Side}
    yield _gauge(
        "book_age_seconds",
        "Real time since a book's newest event, of several the oldest",
        {
            side: age_s(min(book.updated_at_ms for book in each), status)
            for side, each in books.items()
        },
        "side",
    )
    yield _gauge(
        "book_synced",
        "1 while the book is whole, of several every one",
        {side: all(book.is_synced for book in each) for side, each in books.items()},
        "side",
    )
    known = [each.reference_at_ms for each in snapshots if each.reference_e18 is not None]
    if known:
        yield _gauge(
            "reference_age_seconds",
            "Real time since the reference price, of several the oldest",
            age_s(min(known), status),
        )


def _of_series(status: Status) -> Iterator[Metric]:
    """The metrics of each series; the unlabelled ones above have the worst of them."""
    views = {name: each.view for name, each in status.by_series.items() if each.view is not None}
    results = {e.series: e.result for e in status.seen.series if e.series in views}
    yield _gauge(
        "series_pnl_dollars",
        "P&L of a series' settled windows",
        {name: each.pnl_nanos / NANOS_PER_DOLLAR for name, each in results.items()},
        "series",
    )
    yield _counter(
        "series_windows_settled",
        "Windows of a series that have a result",
        {name: each.settled_count for name, each in results.items()},
        "series",
    )
    yield _gauge(
        "series_strike_known",
        "1 if the strike of the series' newest window is proven",
        {
            name: view.opened.strike is not None
            for name, view in views.items()
            if view.opened is not None
        },
        "series",
    )
    yield _gauge(
        "series_book_age_seconds",
        "Real time since the newest event of a book",
        {
            (name, side.value): age_s(view.snapshot.book(side).updated_at_ms, status)
            for name, view in views.items()
            if view.snapshot is not None
            for side in Side
        },
        "series",
        "side",
    )


def _of_trading(status: Status) -> Iterator[Metric]:
    views = [each.view for each in status.by_series.values() if each.view is not None]
    counts = views[0].counts
    orders = dict(sorted(counts.orders.items()))
    yield _gauge(
        "orders", "Orders by their state, over all runs on this directory", orders, "state"
    )
    yield _gauge("fills", "Fills that stand, over all runs", counts.fills_count)
    signals = {str(key): count for key, count in sorted(counts.signals.items())}
    yield _counter("signals", "Signals of the strategy, by priority", signals, "priority")
    yield _counter("signals_refused", "Signals not carried out", counts.refused_count)
    yield _counter("windows_settled", "Windows that have a result", counts.settled_count)
    pnl_dollars = counts.total_pnl_nanos / NANOS_PER_DOLLAR
    yield _gauge("pnl_dollars", "P&L of all settled windows", pnl_dollars)
    positions = [view.position for view in views if view.position is not None]
    if positions:
        newest = max(positions, key=lambda each: each.version)
        yield _gauge(
            "day_pnl_dollars",
            "What the UTC day of the ledger's last change has brought, as its limit counts it",
            newest.day_pnl_nanos / NANOS_PER_DOLLAR,
        )
