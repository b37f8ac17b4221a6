"""F45: a whole run on a venue whose clock is months from the host's, because it is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from onlookers import Onlooker
from run_stage import watched

from actors.runtime.clock import ClockSpec
from actors.runtime.process_ties import end_with_parent
from research.recordings.importing import Importing
from understudy.drill.stage import run_options
from understudy.drill.system import DrilledSystem
from understudy.processes.exit_codes import ExitCode
from understudy.settings.options import DrillStage

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

SPEED = 20.0
WINDOW_S = 300
START_S = 1_776_329_400
WINDOWS_RECORDED = 5
END_LIMIT_S = 300.0
"""For two windows of fifteen real seconds each, on a machine that is busy otherwise."""


def recorded_window(directory: Path, start_s: int) -> Path:
    """A recording with a book of Up every second, whose price rises slowly."""
    lines = []
    for second in range(WINDOW_S):
        bid = 400 + second // 3
        book = {
            "market": f"0x{start_s:x}",
            "asset_id": f"7{start_s}",
            "timestamp": str((start_s + second) * 1000),
            "hash": "ab",
            "bids": [{"price": f"0.{bid // 10}", "size": "300"}],
            "asks": [{"price": f"0.{bid // 10 + 2}", "size": "250"}],
            "event_type": "book",
        }
        lines.append(json.dumps({"recv_ts": start_s + second + 0.04, "raw": json.dumps(book)}))
    path = directory / f"btc-updown-5m-{start_s}.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def recorded_venue(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A recorded exchange as a process of its own; what it says of itself."""
    starts = [START_S + number * WINDOW_S for number in range(WINDOWS_RECORDED)]
    words = [sys.executable, "-m", "understudy", "venue", "--port", "0", "--speed", str(SPEED)]
    sources = [recorded_window(tmp_path, start_s) for start_s in starts]
    for path, _ in Importing(sources, "", "test").into(tmp_path):
        words += ["--recording", str(path)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, preexec_fn=end_with_parent())
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


def test_f45_a_run_ends_after_the_windows_of_a_venue_whose_clock_is_months_from_the_host_s(
    recorded_venue: dict[str, Any], tmp_path: Path
) -> None:
    points, data = tmp_path / "points", tmp_path / "data"
    points.mkdir()
    data.mkdir(mode=0o700)
    stage = DrillStage(
        http_url=recorded_venue["http"],
        ws_url=recorded_venue["ws"],
        clock=ClockSpec.starting_now(time.time_ns() // 1_000_000, SPEED),
        pause_points_dir=points,
    )
    options = run_options(stage, 1, ())
    options[options.index("--windows") + 1] = "1"
    run = Onlooker(DrilledSystem(data, options))
    with watched(run):
        assert run.system.wait_for_end(END_LIMIT_S) == ExitCode.OK, run.system.last_words()
    windows = run.summary()["windows"]
    assert len(windows) in (1, 2), "the one that was under way may have settled too"
    begun_s = [int(window["slug"].rpartition("-")[2]) for window in windows]
    assert set(begun_s) <= {START_S + number * WINDOW_S for number in range(WINDOWS_RECORDED)}
