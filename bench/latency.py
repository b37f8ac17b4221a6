"""Tick to signal and tick to order, across processes, at 500 messages a second and at 1,600.

Run as ``python -m bench.latency``. A tick's clock starts when its frame leaves the socket, on the
feed's I/O thread, and ends when the strategy has evaluated the snapshot that carries it, or when
the executor has recorded the order that came of it and sent it on its way. Of several frames that
share a batch or a snapshot the oldest counts.

Signals are measured as trading has them, with the handful of orders that the default settings make
of a window. Orders are measured with settings that make two or three a second, a hundred times as
many, for their tail to be seen at all; what that does to the signals is in a row of its own.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import attrs

from actors.observer.messages import GetView, View
from actors.roles import MARKET_FEED, OBSERVER
from actors.runtime.urgency import why_not_allowed
from bench.common import Figure, Machine, Row, Table, Target, latency_figures, options, show
from bench.system import EAGER, ORDINARY, System, exchange, system

LIMIT_MS = 10
_LOOK_EVERY_S = 0.5
SLICES = 6
"""Of 15 s each, so that three of the feed's reports fall into every one."""
_LEAD_MS = 12_000


@attrs.frozen(kw_only=True)
class Load:
    """What the exchange sends, and for how long it is measured."""

    frames_per_second: int
    seconds: float
    is_eager: bool = True
    """Whether the strategy orders as often as it can be made to."""

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.frames_per_second:,}/s"


@attrs.define
class Slice:
    """What was seen in a stretch of time."""

    from_s: float
    latencies_us: dict[str, list[int]] = attrs.field(factory=lambda: defaultdict(list))
    unread_bytes: int = 0
    """Most that waited in the sockets between exchange and system."""
    frames_count: int = 0
    """Frames the market feed had decoded at the end."""
    merged_count: int = 0
    """Batches' worth of events that had waited behind one under way, at the end."""


def measured(load: Load, slices_count: int, within: Path | None = None) -> list[Slice]:
    """Run a whole system under a load, and look at it again and again.

    Args:
        load: What the exchange sends, and for how long.
        slices_count: How many stretches of time to tell apart.
        within: Where its data directory lies; None: where the machine keeps temporary files.
    """
    with (
        exchange(load.frames_per_second, _LEAD_MS) as venue,
        system(EAGER if load.is_eager else ORDINARY, venue, within=within) as running,
    ):
        running.wait_for_window()
        running.report()  # what was sampled until now is left out
        return list(_slices(running, load.seconds, slices_count))


def _slices(running: System, seconds: float, count: int) -> Iterator[Slice]:
    began = time.monotonic()
    for number in range(count):
        part = Slice(from_s=round(number * seconds / count, 1))
        ends = began + (number + 1) * seconds / count
        while time.monotonic() < ends:
            time.sleep(min(_LOOK_EVERY_S, max(0.0, ends - time.monotonic())))
            for name, samples in running.report().latencies_us.items():
                part.latencies_us[name] += samples
            part.unread_bytes = max(part.unread_bytes, unread_bytes(running.venue.port))
        _note_feed(part, running)
        yield part


def _note_feed(part: Slice, running: System) -> None:
    """Take the market feed's own counters, which are up to five seconds old."""
    view = running.tree.ask_role(OBSERVER, GetView(1), View, patience_s=5.0)
    for feed in view.feeds if view is not None else ():
        if feed.feed == MARKET_FEED and feed.health is not None:
            part.frames_count = feed.health.frames_count
            part.merged_count = feed.health.merged_count


def unread_bytes(port: int) -> int:
    """Bytes that wait, sent and not yet read, in all connections of a port (Linux)."""
    wanted = f":{port:04X}"
    waiting = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(wanted) or remote.endswith(wanted):
            waiting += sum(int(queue, 16) for queue in queues.split(":"))
    return waiting


def summary_rows(load: Load, slices: list[Slice]) -> list[Row]:
    """One row a path; an ordinary market's few orders have none."""
    target = Target(column="p99 ms", limit=LIMIT_MS)
    if not load.is_eager:
        figures = _figures("tick_to_signal", slices)
        return [Row(name=f"tick to signal, {load.name}", figures=figures, target=target)]
    order, signal = _figures("tick_to_order", slices), _figures("tick_to_signal", slices)
    return [
        Row(name=f"tick to order, {load.name}", figures=order, target=target),
        Row(name=f"tick to signal, {load.name}, as many orders", figures=signal),
    ]


def _figures(name: str, slices: list[Slice]) -> dict[str, Figure]:
    return latency_figures([each for part in slices for each in part.latencies_us.get(name, [])])


def course(load: Load, slices: list[Slice]) -> Table:
    """How it went over time: with a backlog, latency and unread bytes would grow downwards."""
    rows = []
    frames_before = merged_before = 0
    for number, part in enumerate(slices):
        signal = latency_figures(part.latencies_us.get("tick_to_signal", []))
        seconds = (slices[-1].from_s / max(1, len(slices) - 1)) or load.seconds
        figures: dict[str, Figure] = {
            "frames/s": round((part.frames_count - frames_before) / seconds) if number else None,
            "signal p50 ms": signal["p50 ms"],
            "signal p99 ms": signal["p99 ms"],
            "snapshots": signal["samples"],
            "merged": part.merged_count - merged_before if number else None,
            "unread kB": round(part.unread_bytes / 1000, 1),
        }
        rows.append(Row(name=f"from {part.from_s:g} s", figures=figures))
        frames_before, merged_before = part.frames_count, part.merged_count
    return Table(
        title=f"the course of it, {load.name}, {'many orders' if load.is_eager else 'few orders'}",
        rows=rows,
        notes=(
            "merged: how often frames waited behind a batch that market state had not yet taken",
            "unread: the most that waited in the exchange's sockets",
        ),
    )


def main() -> None:
    """Measure and print."""
    arguments = options(__doc__).parse_args()
    machine = Machine.now()
    rates, seconds = ((50,), 4) if arguments.quick else ((500, 1_600), 90)
    loads = [
        Load(frames_per_second=rate, seconds=seconds, is_eager=is_eager)
        for is_eager in (False, True)
        for rate in rates
    ]
    rows: list[Row] = []
    courses = []
    for load in loads:
        slices = measured(load, 2 if arguments.quick else SLICES)
        rows += summary_rows(load, slices)
        courses.append(course(load, slices))
    refusal = why_not_allowed()
    latencies = Table(
        title="across processes, exchange and all on this machine",
        rows=rows,
        notes=(
            f"the actors on an order's way run {f'in turn: {refusal}' if refusal else 'first'}",
        ),
    )
    show(machine, [latencies, *courses], is_json=arguments.json)


if __name__ == "__main__":
    main()
