"""Memory of a long backtest: ``understudy backtest`` on a thousand windows, and on a tenth of them.

Run as ``python -m bench.backtest_memory``. The windows are copies of the beginning of one window of
the local exchange, five minutes apart: ids, times and sequence numbers differ, prices do not. The
command runs in a process of its own, from its arguments to the stored results; the figure is that
process's peak memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from msgspec.structs import replace

from bench.backtest import SimulatedWindow, simulated_window
from bench.common import Figure, Machine, Row, Table, Target, options, show
from research.recordings.model import RecordedChannel, RecordedFrame
from understudy.cli import main as understudy

_SEQUENCES = 1_000_000
"""Offset of ticker sequence numbers between successive windows."""
_PLAYED_MS = 5_000
"""Length of the books in each window."""
_RATE = 100
"""Market channel messages per second."""
_WAYS = {"an account a window": (), "one account for all": ("--continuous",)}
_STAMP = re.compile(rb'("timestamp"\s*:\s*")(\d+)')


def moved(window: SimulatedWindow, number: int) -> SimulatedWindow:
    """Copy a window to this many windows later, with ids of its own."""
    market = window.head.market
    by_ms = number * (market.closes_at_ms - market.opens_at_ms)
    opens_at_ms = market.opens_at_ms + by_ms
    names = {
        each: f"{each}{number:05}" for each in (market.market_id, market.yes_token, market.no_token)
    }
    later = attrs.evolve(
        market,
        market_id=names[market.market_id],
        slug=f"btc-updown-5m-{opens_at_ms // 1000}",
        yes_token=names[market.yes_token],
        no_token=names[market.no_token],
        opens_at_ms=opens_at_ms,
        closes_at_ms=market.closes_at_ms + by_ms,
    )
    frames = tuple(
        replace(
            each,
            received_ns=each.received_ns + by_ms * 1_000_000,
            monotonic_ns=each.monotonic_ns + by_ms * 1_000_000,
            payload=_payload(each, names, number, by_ms),
        )
        for each in window.frames
        if each.channel == RecordedChannel.REFERENCE or each.received_ms >= market.opens_at_ms
    )
    return attrs.evolve(window, head=attrs.evolve(window.head, market=later), frames=frames)


def _payload(frame: RecordedFrame, names: dict[str, str], number: int, by_ms: int) -> bytes:
    if frame.channel == RecordedChannel.REFERENCE:
        return _ticker(frame.payload, number, by_ms)
    payload = _STAMP.sub(lambda each: b"%s%d" % (each[1], int(each[2]) + by_ms), frame.payload)
    for name, changed in names.items():
        payload = payload.replace(name.encode(), changed.encode())
    return payload


def _ticker(raw: bytes, number: int, by_ms: int) -> bytes:
    told = json.loads(raw)
    if "time" in told:
        at = datetime.fromisoformat(told["time"]) + timedelta(milliseconds=by_ms)
        told["time"] = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    for key in ("sequence", "trade_id", "last_trade_id"):
        if key in told:
            told[key] += number * _SEQUENCES
    return json.dumps(told).encode()


def run_command(arguments: Sequence[str]) -> tuple[dict[str, Any], float]:
    """Run ``understudy`` in this process; return its output, and its peak memory in MB.

    Source: ``VmHWM`` in ``/proc/self/status``, which counts from this program's start.
    """
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        understudy(arguments, standalone_mode=False)
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return json.loads(told.getvalue()), int(line) / 1024


def memory_row(name: str, more: Sequence[str], folders: Sequence[Path], results: Path) -> Row:
    """Play the first folder, and then all of them; each time in a new process."""
    context = multiprocessing.get_context("spawn")
    peaks_mb = []
    told: dict[str, Any] = {}
    for places in (folders[:1], folders):
        arguments = ["backtest", *map(str, places), "--use", "maker", "--json", *more]
        with ProcessPoolExecutor(1, mp_context=context) as process:
            ran = process.submit(run_command, [*arguments, "--results", str(results)])
            told, peak_mb = ran.result()
        peaks_mb.append(peak_mb)
    summary = told["summary"]
    figures: dict[str, Figure] = {
        "windows": summary["windows"],
        "orders": summary["orders"],
        "fills": summary["maker_fills"] + summary["taker_fills"],
        "MB, a tenth": round(peaks_mb[0], 1),
        "MB, all": round(peaks_mb[1], 1),
        "grown MB": round(peaks_mb[1] - peaks_mb[0], 1),
    }
    return Row(name=name, figures=figures, target=Target(column="grown MB", limit=5))


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--windows", type=int, default=1_000)
    arguments = parser.parse_args()
    windows = 4 if arguments.quick else arguments.windows
    machine = Machine.now()
    first = simulated_window(_PLAYED_MS, _RATE)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / "first", Path(name) / "others"]
        for folder in folders:
            folder.mkdir()
        for number in range(windows):
            moved(first, number).write(folders[number >= max(1, windows // 10)])
        rows = [memory_row(way, more, folders, Path(name)) for way, more in _WAYS.items()]
    note = f"each window: its first {_PLAYED_MS // 1000} s of books, the maker trading"
    show(machine, [Table(title="memory", rows=rows, notes=(note,))], is_json=arguments.json)


if __name__ == "__main__":
    main()
