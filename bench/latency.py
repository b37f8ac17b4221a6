"""Tick to signal and tick to order, across processes, at 500 messages a second and at 1,600.

Run as ``python -m bench.latency``. A tick's time begins when its frame leaves the socket, on the
feed's I/O thread. It ends when the strategy has evaluated the snapshot that contains it, or when
the executor has recorded the resulting order and sent it. Of several frames in one batch or
snapshot the oldest counts.

Signals are measured with ordinary trading: the default settings make a handful of orders in a
window. Orders are measured with settings that make two or three a second, a hundred times as many,
so that their tail becomes visible; the effect on signals has a row of its own.

Everything compared takes turns: the two layouts, actors with and without real-time priority, and
with ``--against`` the code of another checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import attrs

from actors.messages.observer import GetView, View
from actors.roles import MARKET_FEED, OBSERVER
from actors.runtime.urgency import why_not_allowed
from actors.supervision.layouts import GROUPED, ISOLATED
from bench.common import Figure, Machine, Row, Table, Target, latency_figures, options, show
from bench.system import (
    EAGER,
    ORDINARY,
    ROOT,
    System,
    add_layout,
    exchange,
    in_layout,
    layouts_of,
    system,
)

LIMIT_MS = 10
GROUPED_LIMIT_MS = 2
_LOOK_EVERY_S = 0.5
SLICES = 6
"""Slices of 15 s each, so that three of the feed's reports fall into every one."""
_LEAD_MS = 12_000
PATHS = ("tick_to_order", "tick_to_signal", "journal_write")
"""What is measured with many orders; with few, only signals."""


@attrs.frozen(kw_only=True)
class Load:
    """The exchange's load, and how long it is measured."""

    frames_per_second: int
    seconds: float
    is_eager: bool = True
    """Whether the strategy orders as often as possible."""
    layout: str = ISOLATED
    """Which actors share a process."""
    is_recorded: bool = False
    """Whether everything is recorded meanwhile."""

    @property
    def name(self) -> str:
        """Name for the table."""
        return f"{self.frames_per_second:,}/s"


@attrs.frozen(kw_only=True)
class Side:
    """One side of a comparison: a checkout's code, a layout, real-time priority or not."""

    root: Path = ROOT
    layout: str = ISOLATED
    is_urgent: bool = False

    @property
    def name(self) -> str:
        """Name for the table."""
        whose = self.layout if self.root == ROOT else f"{self.root.name}'s code"
        return f"{whose}, SCHED_RR" if self.is_urgent else whose


@attrs.frozen(kw_only=True)
class Turn:
    """One side's result under one load, once."""

    load: Load
    side: Side
    slices: list[Slice]
    stolen_percent: float


@attrs.define
class Slice:
    """The observations of one slice of time."""

    from_s: float
    latencies_us: dict[str, list[int]] = attrs.field(factory=lambda: defaultdict(list))
    unread_bytes: int = 0
    """Most bytes that waited in the sockets between exchange and system."""
    frames_count: int = 0
    """Frames the market feed had decoded at the end."""
    merged_count: int = 0
    """Batches merged with one that was waiting, at the end."""


def measured(load: Load, slices_count: int, within: Path | None = None) -> list[Slice]:
    """Run a whole system under a load, and sample it repeatedly.

    Args:
        load: the exchange's load, and for how long.
        slices_count: number of time slices.
        within: where its data directory is; None for the directory of temporary files.
    """
    settings = in_layout(EAGER if load.is_eager else ORDINARY, load.layout)
    if load.is_recorded:
        recording = attrs.evolve(settings.recording, enabled=True)
        settings = attrs.evolve(settings, recording=recording)
    with (
        exchange(load.frames_per_second, _LEAD_MS) as venue,
        system(settings, venue, within=within) as running,
    ):
        running.wait_for_window()
        running.report()  # what was sampled before is left out
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
    """Read the market feed's own counters, which are up to five seconds old."""
    view = running.tree.ask_role(OBSERVER, GetView(1), View, patience_s=5.0)
    for feed in view.feeds if view is not None else ():
        if feed.feed == MARKET_FEED and feed.health is not None:
            part.frames_count = feed.health.frames_count
            part.merged_count = feed.health.merged_count


def unread_bytes(port: int) -> int:
    """Bytes sent and not yet read, in all connections of a port (Linux)."""
    wanted = f":{port:04X}"
    waiting = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(wanted) or remote.endswith(wanted):
            waiting += sum(int(queue, 16) for queue in queues.split(":"))
    return waiting


def taken(load: Load, side: Side, slices_count: int) -> Turn:
    """Measure a side in a process of its own, and the processor time its host took meanwhile.

    Raises:
        RuntimeError: it failed; its own words are on stderr.
    """
    given = attrs.asdict(load)
    if side.root == ROOT:
        given["layout"] = side.layout
    else:
        del given["layout"], given["is_recorded"]  # as long as it knows neither
    wanted = {"load": given, "slices_count": slices_count, "is_urgent": side.is_urgent}
    machine = Machine.now()
    ran = subprocess.run(
        [sys.executable, "-P", str(ROOT / "bench" / "latency_side.py"), json.dumps(wanted)],
        cwd=side.root,
        env={**os.environ, "PYTHONPATH": str(side.root)},
        stdout=subprocess.PIPE,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{side.name}, {load.name}: exit code {ran.returncode}")
    slices = [Slice(**each) for each in json.loads(ran.stdout)]
    return Turn(load=load, side=side, slices=slices, stolen_percent=machine.stolen_percent)


def _rows(path: str, turns: list[Turn], isolated: list[Turn] | None) -> Iterator[Row]:
    """One side's row under one load, and its ratio to isolated in the same rounds."""
    load, side = turns[0].load, turns[0].side
    figures = _figures(path, turns)
    if isolated is not None:
        base = _figures(path, isolated)
        for name in ("p50", "p99"):
            figures[f"{name} ratio"] = _ratio(figures[f"{name} ms"], base[f"{name} ms"])
    limit = GROUPED_LIMIT_MS if (side.layout, path) == (GROUPED, "tick_to_order") else LIMIT_MS
    meanwhile = ", as many orders" if load.is_eager and path != "tick_to_order" else ""
    yield Row(
        name=f"{path.replace('_', ' ')}, {load.name}{meanwhile}: {side.name}",
        figures=figures,
        target=None if meanwhile else Target(column="p99 ms", limit=limit),
    )


def _ratio(figure: Figure, base: Figure) -> Figure:
    if isinstance(figure, int | float) and isinstance(base, int | float) and base:
        return round(figure / base, 2)
    return None


def _figures(path: str, turns: list[Turn]) -> dict[str, Figure]:
    """Medians over the rounds, of all samples."""
    each_round = [
        latency_figures(us for part in turn.slices for us in part.latencies_us.get(path, []))
        for turn in turns
    ]
    figures: dict[str, Figure] = {}
    for name in ("p50 ms", "p99 ms", "max ms"):
        told = [value for one in each_round if isinstance(value := one[name], int | float)]
        figures[name] = round(statistics.median(told), 3) if told else None
    figures["samples"] = sum(one["samples"] for one in each_round)  # type: ignore[misc] # counts
    figures["stolen %"] = max(turn.stolen_percent for turn in turns)
    return figures


def course(turn: Turn) -> Table:
    """The course over time: with a backlog, latency and unread bytes would grow downwards."""
    load, slices = attrs.evolve(turn.load, layout=turn.side.layout), turn.slices
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
        title=(
            f"the course of it, {load.name}, {'many orders' if load.is_eager else 'few orders'}, "
            f"{load.layout}"
        ),
        rows=rows,
        notes=(
            "merged: how often frames waited behind a batch that market state had not yet taken",
            "unread: the most that waited in the exchange's sockets",
        ),
    )


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    add_layout(parser)
    parser.add_argument("--rate", type=int, action="append", help="messages a second; repeatable")
    parser.add_argument("--seconds", type=float, help="of each load")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each side; medians count")
    parser.add_argument("--orders-only", action="store_true", help="without the ordinary market")
    parser.add_argument("--urgent", action="store_true", help="each layout under SCHED_RR, too")
    parser.add_argument("--against", type=Path, help="another checkout, measured in turns")
    arguments = parser.parse_args()
    machine = Machine.now()
    turns = [
        taken(load, side, 2 if arguments.quick else SLICES)
        for load in _loads(arguments)
        for _ in range(arguments.rounds)
        for side in _sides(arguments)
    ]
    courses = [
        course(turn)
        for number, turn in enumerate(turns)
        if turn.side.root == ROOT
        and not turn.side.is_urgent
        and not any((turn.load, turn.side) == (each.load, each.side) for each in turns[:number])
    ]
    show(machine, [_summary(turns), *courses], is_json=arguments.json)


def _loads(arguments: argparse.Namespace) -> list[Load]:
    rates = arguments.rate or ((50,) if arguments.quick else (500, 1_600))
    seconds = arguments.seconds or (4 if arguments.quick else 90)
    return [
        Load(frames_per_second=rate, seconds=seconds, is_eager=is_eager)
        for is_eager in ((True,) if arguments.orders_only else (False, True))
        for rate in rates
    ]


def _sides(arguments: argparse.Namespace) -> list[Side]:
    layouts = layouts_of(arguments)
    urgencies = (False, True) if arguments.urgent else (False,)
    own = [Side(layout=layout, is_urgent=first) for first in urgencies for layout in layouts]
    if arguments.against is None:
        return own
    root = arguments.against.resolve()
    return [*own, Side(root=root, is_urgent=True)]  # as it runs by itself


def _summary(turns: list[Turn]) -> Table:
    by_what: dict[tuple[Load, Side], list[Turn]] = defaultdict(list)
    for turn in turns:
        by_what[turn.load, turn.side].append(turn)
    rows = [
        row
        for (load, side), own in by_what.items()
        for path in (PATHS if load.is_eager else PATHS[1:2])
        for row in _rows(path, own, by_what.get((load, Side(is_urgent=side.is_urgent))))
    ]
    refusal = why_not_allowed()
    return Table(
        title="across processes, exchange and all on this machine",
        rows=rows,
        notes=(
            "ratio: to isolated, in the same run and with the same right to run first",
            f"SCHED_RR {f'is not to be had: {refusal}' if refusal else 'is allowed'}",
        ),
    )


if __name__ == "__main__":
    main()
