"""A process that records is killed at random instants, and another goes on with its file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from recording_builders import SLUG

from research.recordings import RecordedChannel, open_recording

KILLS = int(os.environ.get("UNDERSTUDY_RECORDING_KILLS", "4"))
"""A campaign asks for more: UNDERSTUDY_RECORDING_KILLS=1000."""
SCRIPT = Path(__file__).with_name("killed_recorder.py")

pytestmark = [pytest.mark.processes, pytest.mark.timeout(60 + 5 * KILLS)]


def recorded_numbers(path: Path) -> list[int]:
    return [
        int(frame.payload.split(b" ", 1)[0])
        for frame in open_recording(path).frames()
        if frame.channel == RecordedChannel.MARKET
    ]


def killed_after(path: Path, lines_count: int) -> int:
    """Let a process record for so many lines, and kill it; the last frame that it called safe."""
    environment = {**os.environ, "PYTHONPATH": f"{SCRIPT.parent}:{SCRIPT.parents[2]}"}
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(path)], stdout=subprocess.PIPE, env=environment
    )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines_count)]
        process.kill()
        said += process.stdout.read().split(b"\n")[:-1]
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return int(said[-1])


def test_no_frame_that_was_written_is_ever_lost_however_often_the_recorder_is_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / f"{SLUG}.rec"
    dice = Random(20_261_128)
    for kill in range(1, KILLS + 1):
        safe = killed_after(path, dice.randrange(1, 60))
        numbers = recorded_numbers(path)

        assert numbers == list(range(len(numbers))), "a frame is missing or there twice"
        assert numbers[-1] >= safe
        recording = open_recording(path)
        assert recording.survey.damage == ()
        assert len(recording.gaps) == kill - 1
