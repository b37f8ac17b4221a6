"""Recording: bytes and microseconds per frame, and its cost for a tick.

Run as ``python -m bench.recordings``. Frames are whole books, recorded ones if available, and the
local exchange's frames. They are captured, pickled, written and read by the product's own code;
time is this process's processor time, and nothing waits for the disk. Tick to order is that of
``bench.latency``, with a recorder beside the run and without, in turns.
"""

from __future__ import annotations

import pickle
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from actors.feeds.connection import FramesReceived
from actors.messages.recorder import Capture
from actors.recorder.capturing import capture_market
from actors.runtime.capture import CaptureBuffer
from bench.common import Figure, Machine, Row, Table, Target, latency_figures, options, show
from bench.decode import imported_recordings
from bench.latency import Load, Side, Turn, taken
from research.recordings import RecordedChannel, RecordedFrame, open_recording
from research.recordings.model import RecordedMarket, RecordingHead
from research.recordings.writer import RecordingWriter
from venue.simulation.simulation import Simulation

BATCH_NS = 4 * 10**8
"""Interval at which the recorder writes."""
HAND_OVER_NS = 2 * 10**8
_START_MS = 1_776_329_400_000
_RATE = 500
_ROUNDS = 3
_LIMIT_PERCENT = 2


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side on the tick")
    parser.add_argument("--seconds", type=float, default=60, help="of each turn")
    parser.add_argument("--alone", action="store_true", help="leave the tick out")
    arguments = parser.parse_args()
    machine = Machine.now()
    seconds = 20 if arguments.quick else 120
    kinds = {"the local exchange's": exchange_frames(seconds)}
    paths = imported_recordings()
    if paths:
        books = [each for each in open_recording(paths[0]).frames() if _is_market(each)]
        kinds = {"whole books, recorded": books, **kinds}
    tables = [
        Table(
            title="a recorded frame",
            rows=[frame_row(name, frames) for name, frames in kinds.items()],
            notes=("capture and hand-over are the feed's process, writing is the recorder's",),
        )
    ]
    if not arguments.alone:
        rounds = 1 if arguments.quick else arguments.rounds
        tables.append(tick_table(rounds, 8 if arguments.quick else arguments.seconds))
    show(machine, tables, is_json=arguments.json)


def exchange_frames(seconds: int) -> list[RecordedFrame]:
    """The local exchange's market channel frames of this many seconds of a window."""
    simulation = Simulation(
        seed=5, series=(("btc", 5),), origin_ms=_START_MS - 70_000, frames_per_second=_RATE
    )
    frames = []
    for made in simulation.advance(_START_MS + seconds * 1_000):
        at_ns = simulation.now_ms * 1_000_000
        frames += [
            RecordedFrame(RecordedChannel.MARKET, 0, 1, at_ns, at_ns, each.text.encode())
            for each in made
            if each.channel.value == "market" and simulation.now_ms >= _START_MS
        ]
    return frames


def frame_row(name: str, frames: Sequence[RecordedFrame]) -> Row:
    """Capture, write and read frames."""
    figures: dict[str, Figure] = {
        "frames": len(frames),
        "payload B": round(sum(len(each.payload) for each in frames) / len(frames)),
    }
    captured_us, handed_us = zip(*(_captured_us(frames) for _ in range(_ROUNDS)), strict=True)
    figures["capture us"] = round(statistics.median(captured_us), 2)
    figures["hand over us"] = round(statistics.median(handed_us), 2)
    written_us, read_us, sizes = zip(*(_written(frames) for _ in range(_ROUNDS)), strict=True)
    figures["write us"] = round(statistics.median(written_us), 2)
    figures["read us"] = round(statistics.median(read_us), 2)
    figures["file B"] = round(sizes[0] / len(frames), 1)
    return Row(name=name, figures=figures)


def tick_table(rounds: int, seconds: float) -> Table:
    """Tick to order with a recorder beside the run and without, in turns."""
    plain = Load(frames_per_second=_RATE, seconds=seconds)
    recorded = attrs.evolve(plain, is_recorded=True)
    turns: dict[bool, list[Turn]] = {False: [], True: []}
    for _ in range(rounds):
        for load in (plain, recorded):
            turns[load.is_recorded].append(taken(load, Side(), 1))
    rows = []
    for path in ("tick_to_order", "tick_to_signal"):
        before, after = (_medians(path, turns[each]) for each in (False, True))
        added = {
            f"{name} added %": round(100 * (after[name] / before[name] - 1), 1)
            for name in ("p50", "p99")
        }
        figures: dict[str, Figure] = {
            **{f"{name} ms": value for name, value in before.items()},
            **{f"{name} ms, recorded": value for name, value in after.items()},
            **added,
        }
        rows.append(
            Row(
                name=path.replace("_", " "),
                figures=figures,
                target=Target(column="p50 added %", limit=_LIMIT_PERCENT),
            )
        )
    return Table(
        title=f"what it costs a tick, {_RATE} frames/s, {rounds} turns of {seconds:g} s each",
        rows=rows,
        notes=("medians over the turns; isolated, nobody runs first",),
    )


def _captured_us(frames: Sequence[RecordedFrame]) -> tuple[float, float]:
    """Time per frame to be captured, and to be passed on in batches of hundreds."""
    events = [FramesReceived(1, ((each.payload, each.monotonic_ns),)) for each in frames]
    buffer = CaptureBuffer()
    began = time.process_time()
    for event in events:
        buffer.add(filter(None, (capture_market(event, 0),)))
    capture_s = time.process_time() - began
    capture = buffer.take()
    items = capture.items if capture is not None else ()
    began = time.process_time()
    start = 0
    for place, frame in enumerate(frames):
        if frame.monotonic_ns - frames[start].monotonic_ns > HAND_OVER_NS:
            pickle.dumps(Capture(items[start:place]), pickle.HIGHEST_PROTOCOL)
            start = place
    pickle.dumps(Capture(items[start:]), pickle.HIGHEST_PROTOCOL)
    hand_over_s = time.process_time() - began
    return 1e6 * capture_s / len(frames), 1e6 * hand_over_s / len(frames)


def _written(frames: Sequence[RecordedFrame]) -> tuple[float, float, int]:
    """Time per frame to be written and to be read, and the size of all in the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "btc-updown-5m-1776329400.rec"
        writer = RecordingWriter.create(path, _head(), is_synced=False)
        empty_bytes = path.stat().st_size
        began = time.process_time()
        start = 0
        for place, frame in enumerate(frames):
            if frame.monotonic_ns - frames[start].monotonic_ns > BATCH_NS:
                writer.write(frames[start:place])
                start = place
        writer.write(frames[start:])
        writer.close()
        written_s = time.process_time() - began
        began = time.process_time()
        read_count = sum(1 for _ in open_recording(path).frames())
        read_s = time.process_time() - began
        if read_count != len(frames):
            raise AssertionError(f"{read_count} of {len(frames)} frames were read")
        size_bytes = path.stat().st_size - empty_bytes
    return 1e6 * written_s / len(frames), 1e6 * read_s / len(frames), size_bytes


def _medians(path: str, turns: Sequence[Turn]) -> dict[str, float]:
    each = [
        latency_figures(us for part in turn.slices for us in part.latencies_us.get(path, []))
        for turn in turns
    ]
    return {
        name: round(
            statistics.median(
                value for one in each if isinstance(value := one[f"{name} ms"], int | float)
            ),
            3,
        )
        for name in ("p50", "p99")
    }


def _is_market(frame: RecordedFrame) -> bool:
    return frame.channel == RecordedChannel.MARKET


def _head() -> RecordingHead:
    market = RecordedMarket(
        market_id="0x0",
        slug="btc-updown-5m-1776329400",
        yes_token="1",
        no_token="2",
        opens_at_ms=_START_MS,
        closes_at_ms=_START_MS + 300_000,
        tick_size_ticks=10,
        minimum_size_units=5_000_000,
        minimum_notional_nanos=10**9,
        fee_rate_bps=700,
        twap_window_s=60,
    )
    return RecordingHead(series="btc-5m", market=market, program="bench")


if __name__ == "__main__":
    main()
