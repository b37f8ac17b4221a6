"""Records without end, and is killed: ``python -m`` with a folder; says what is safe, and when.

Each line on stdout is the number of the last frame of a batch that ``write`` has returned for. A
frame's payload is its number and noise; its monotonic time is the real one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import Random

from recording_builders import OPENS_AT_MS, head

from research.recordings.model import RecordedChannel, RecordedFrame
from research.recordings.writer import RecordingWriter

BATCH = 20
PAUSE_S = 0.002


def main(path: Path) -> None:
    """Record, or go on with what is there."""
    now_ns = time.monotonic_ns()
    if path.exists():
        writer = RecordingWriter.resume(path, "test", OPENS_AT_MS * 1_000_000 + now_ns, now_ns)
    else:
        writer = RecordingWriter.create(path, head())
    number = writer.frames["market"]
    dice = Random(number)
    while True:
        frames = []
        for _ in range(BATCH):
            at_ns = time.monotonic_ns()
            payload = b"%d %s" % (number, dice.randbytes(dice.randrange(400)))
            unix_ns = OPENS_AT_MS * 1_000_000 + at_ns
            frames.append(RecordedFrame(RecordedChannel.MARKET, 0, 1, unix_ns, at_ns, payload))
            number += 1
        writer.write(frames)
        sys.stdout.write(f"{number - 1}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
